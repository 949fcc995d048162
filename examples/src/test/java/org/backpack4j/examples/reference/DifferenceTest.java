package org.backpack4j.examples.reference;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class DifferenceTest {

  @Test
  void itIsRelativeToTheLargestEntry() {
    Difference difference = compare(new double[] {0, -4}, new double[] {1, -4});
    assertThat(difference.relative()).isEqualTo(0.25);
    assertThat(difference.within(0.25)).isTrue();
    assertThat(difference.within(0.2)).isFalse();
  }

  @Test
  void againstZeroItIsAbsolute() {
    assertThat(compare(new double[] {0}, new double[] {1e-13}).within(1e-20)).isTrue();
    assertThat(compare(new double[] {0}, new double[] {1e-9}).within(1e-8)).isFalse();
  }

  @Test
  void whatIsNotANumberOrHasAnotherShapeIsFarAway() {
    assertThat(compare(new double[] {1}, new double[] {Double.NaN}).within(1)).isFalse();
    assertThat(compare(new double[] {1}, new double[] {1, 1}).within(1)).isFalse();
  }

  @Test
  void theWorseOfTwoIsTheOneThatFails() {
    Difference small = compare(new double[] {2}, new double[] {2});
    Difference missedZero = compare(new double[] {0}, new double[] {1e-9});
    assertThat(small.worse(missedZero)).isEqualTo(missedZero);
    assertThat(missedZero.worse(small)).isEqualTo(missedZero);
  }

  private static Difference compare(double[] known, double[] computed) {
    INDArray figure = Nd4j.createFromArray(known);
    return new WholeArrays(List.of(figure)).compare(List.of(Nd4j.createFromArray(computed)));
  }
}
