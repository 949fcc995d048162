package org.backpack4j.dl4j.internal.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class HistogramTest {
  @Test
  void theGridPairsAnEntryWithItsOwnParameter() {
    INDArray parameter = Nd4j.createFromArray(new double[][] {{0, 1}, {0.5, 0}}).dup('f');
    INDArray gradients =
        Nd4j.createFromArray(new double[][][] {{{-2, 2}, {0, 0}}, {{0, 2}, {0, 1}}}).dup('f');
    Histogram histogram = Histogram.of(gradients, parameter);
    assertThat(histogram.range()).isEqualTo(2);
    long[][] expected = new long[40][50];
    expected[0][0] = 1; // −2 at 0
    expected[39][49] = 2; // 2 at 1, twice
    expected[20][25] = 2; // 0 at 0.5, twice
    expected[20][0] = 2;
    expected[30][0] = 1; // 1 at 0
    assertThat(histogram.grid()).isDeepEqualTo(expected);
    assertThat(Arrays.stream(histogram.counts()).sum()).isEqualTo(8);
    assertThat(histogram.withoutGrid().grid()).isNull();
  }

  @Test
  void whatIsNotFiniteHasNone() {
    INDArray ones = Nd4j.ones(DataType.DOUBLE, 2, 3);
    INDArray broken = ones.dup();
    broken.putScalar(1, 1, Double.NaN);
    assertThat(Histogram.of(broken, ones.getRow(0))).isNull();
    assertThat(Histogram.of(ones, broken.getRow(1))).isNull();
  }

  @Test
  void zerosAreInTheMiddle() {
    INDArray zeros = Nd4j.zeros(DataType.DOUBLE, 2, 3);
    Histogram histogram = Histogram.of(zeros, zeros.getRow(0));
    assertThat(histogram.counts()[50]).isEqualTo(6);
    assertThat(histogram.range()).isZero();
  }
}
