package org.backpack4j.samediff.internal.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.MemoryUse;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Softmax cross-entropy over as many classes as a language has words. */
class ManyClassesTest {
  private static final int WORDS = 50_257;

  private static SameDiff classifier(int classes) {
    Nd4j.getRandom().setSeed(5);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, 2);
    SDVariable z = x.mmul("z", sd.var("w", Nd4j.rand(DataType.FLOAT, 2, classes).subi(0.5)));
    SDVariable y = sd.placeHolder("y", DataType.INT32, -1);
    sd.loss().sparseSoftmaxCrossEntropy(z, y).mean("loss");
    sd.setLossVariables("loss");
    return sd;
  }

  private static Map<String, INDArray> feeds() {
    INDArray x = Nd4j.createFromArray(new float[][] {{0.5f, -1}, {0.25f, 0.75f}});
    return Map.of("x", x, "y", Nd4j.createFromArray(1, 2));
  }

  private static long largestConstant(SameDiff sd) {
    return sd.variables().stream()
        .filter(v -> v.getVariableType() == VariableType.CONSTANT)
        .mapToLong(v -> v.getArr().length())
        .max()
        .orElse(0);
  }

  /**
   * What a graph keeps, and what an evaluation works in, grow with the classes, not their square.
   */
  @Test
  void aSampledColumnCostsNoMoreThanTheLogits() {
    try (ExtendedGraph graph = BackPack.extend(classifier(WORDS), new DiagGGNMC(1))) {
      assertThat(largestConstant(graph.sameDiff())).isLessThanOrEqualTo(WORDS);
      MemoryUse use = graph.memory(feeds(), graph.outputNames());
      assertThat(use.work()).isLessThan(40L * 2 * WORDS * Float.BYTES);
      INDArray diagonal = graph.output(feeds(), graph.outputNames()).get("w.diag_ggn_mc");
      // ‖p − e‖² is about one for each sample, times ‖x‖²/2
      assertThat(diagonal.sumNumber().doubleValue()).isEqualTo((1.25 + 0.625) / 2, within(1e-3));
    }
  }

  /** Exact columns are made group by group: 2,000 classes' factor of one sample takes 16 MB. */
  @Test
  void exactColumnsAreMadeInGroups() {
    int classes = 2000;
    long factor = (long) classes * classes * Float.BYTES;
    try (ExtendedGraph graph =
        BackPack.on(classifier(classes)).memoryBudget(1).extend(new DiagGGNExact())) {
      assertThat(largestConstant(graph.sameDiff())).isLessThanOrEqualTo(2L * classes);
      assertThat(graph.memory(feeds(), graph.outputNames()).work()).isLessThan(factor / 2);
      Map<String, INDArray> many =
          Map.of("x", Nd4j.zeros(DataType.FLOAT, 20, 2), "y", Nd4j.zeros(DataType.INT32, 20));
      assertThat(graph.memory(many, graph.outputNames()).work()).isLessThan(factor / 2);
      INDArray x = feeds().get("x");
      INDArray w = graph.sameDiff().getVariable("w").getArr();
      INDArray p = Nd4j.nn().softmax(x.mmul(w).castTo(DataType.DOUBLE), 1);
      INDArray expected =
          x.mul(x).castTo(DataType.DOUBLE).transpose().mmul(p.mul(p.rsub(1))).div(2);
      INDArray diagonal = graph.output(feeds(), graph.outputNames()).get("w.diag_ggn_exact");
      assertThat(diagonal.castTo(DataType.DOUBLE).div(expected).sub(1).amaxNumber().doubleValue())
          .isLessThan(1e-4);
    }
  }

  /** The class whose share of the unit interval a number is in, as double precision has it. */
  private static int quantile(double[] p, double u) {
    double sum = 0;
    double total = 0;
    for (double q : p) {
      total += q;
    }
    for (int c = 0; c < p.length; c++) {
      sum += p[c];
      if (p[c] > 0 && sum > u * total) {
        return c;
      }
    }
    throw new IllegalStateException();
  }

  @ParameterizedTest
  @CsvSource({"FLOAT, 1", "DOUBLE, 1", "FLOAT, 700", "DOUBLE, 700", "FLOAT, 2", "HALF, 3"})
  void aClassIsDrawnByItsShareAndNeverOneOfProbabilityZero(DataType type, int times) {
    double[] shares = {0, 0.25, 0, 0.5, 0, 0, 0.25, 0};
    double[] p = new double[shares.length * times];
    for (int c = 0; c < p.length; c++) {
      p[c] = shares[c % shares.length] / times;
    }
    double last = type == DataType.DOUBLE ? 1 - 0x1p-53 : 1 - 0x1p-24;
    double[] u = {0, 1e-5, 0.20031, 0.26117, 0.70077, 0.99013, last, 1};
    SameDiff sd = SameDiff.create();
    SDVariable probabilities = sd.placeHolder("p", type, -1, 1, p.length);
    SDVariable numbers = sd.placeHolder("u", type, -1, u.length, 1);
    Emitter emit = new Emitter(sd, "p", 0, 1);
    Tensor drawn =
        SoftmaxFactor.draw(
            emit,
            emit.wrap(probabilities, Dims.of(Dim.N, Dim.ONE, Dim.of(p.length)), true),
            emit.wrap(numbers, Dims.of(Dim.N, Dim.of(u.length), Dim.ONE), true));
    INDArray ps = Nd4j.createFromArray(p).reshape(1, 1, p.length).castTo(type);
    double[] rounded = ps.castTo(DataType.DOUBLE).reshape(p.length).toDoubleVector();
    INDArray us = Nd4j.createFromArray(u).reshape(1, u.length, 1).castTo(type);
    INDArray hot =
        sd.output(Map.of("p", ps, "u", us), drawn.name()).get(drawn.name()).castTo(DataType.DOUBLE);
    for (int m = 0; m < u.length; m++) {
      int expected = quantile(rounded, Math.min(us.getDouble(0, m, 0), last));
      for (int c = 0; c < p.length; c++) {
        assertThat(hot.getDouble(0, m, c))
            .as("u = %s, class %s", u[m], c)
            .isEqualTo(c == expected ? 1 : 0);
      }
    }
  }

  /** What is not a number stays that, and kills nothing. */
  @Test
  void anUndefinedProbabilityDrawsAClassAllTheSame() {
    SameDiff sd = SameDiff.create();
    SDVariable p = sd.placeHolder("p", DataType.FLOAT, -1, 1, 3);
    SDVariable u = sd.placeHolder("u", DataType.FLOAT, -1, 1, 1);
    Emitter emit = new Emitter(sd, "p", 0, 1);
    Tensor drawn =
        SoftmaxFactor.draw(
            emit,
            emit.wrap(p, Dims.of(Dim.N, Dim.ONE, Dim.of(3)), true),
            emit.wrap(u, Dims.of(Dim.N, Dim.ONE, Dim.ONE), true));
    INDArray nan = Nd4j.valueArrayOf(new long[] {2, 1, 3}, Float.NaN, DataType.FLOAT);
    INDArray half = Nd4j.valueArrayOf(new long[] {2, 1, 1}, 0.5, DataType.FLOAT);
    INDArray hot = sd.output(Map.of("p", nan, "u", half), drawn.name()).get(drawn.name());
    assertThat(hot.sumNumber().doubleValue()).isEqualTo(2);
  }
}
