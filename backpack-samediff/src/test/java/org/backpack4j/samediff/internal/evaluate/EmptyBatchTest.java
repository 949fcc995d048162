package org.backpack4j.samediff.internal.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;

/** Batches without a sample: no native op may see them, and the answers are known. */
class EmptyBatchTest {
  private static final int CLASSES = 3;

  private final SameDiff sd = SameDiff.create();
  private final Map<String, INDArray> none = new LinkedHashMap<>();

  @BeforeEach
  void seed() {
    Nd4j.getRandom().setSeed(3);
  }

  private static Extension[] all() {
    return new Extension[] {
      new BatchGrad(),
      new BatchL2Grad(),
      new SumGradSquared(),
      new Variance(),
      new DiagGGNExact(),
      new BatchDiagGGNExact(),
      new DiagGGNMC(1)
    };
  }

  private SDVariable fed(String name, DataType type, long... part) {
    long[] shape = new long[part.length + 1];
    System.arraycopy(part, 0, shape, 1, part.length);
    none.put(name, Nd4j.create(type, shape));
    shape[0] = -1;
    return sd.placeHolder(name, type, shape);
  }

  private SDVariable parameter(String name, long... shape) {
    return sd.var(name, Nd4j.rand(DataType.FLOAT, shape));
  }

  private void loss(SDVariable hidden, long features, LossReduce reduce) {
    SDVariable z = hidden.mmul("z", parameter("v", features, CLASSES));
    sd.loss().softmaxCrossEntropy("loss", fed("y", DataType.FLOAT, CLASSES), z, null, reduce, 0);
  }

  private void perceptron(LossReduce reduce) {
    SDVariable x = fed("x", DataType.FLOAT, 5);
    loss(sd.math().tanh("h", x.mmul(parameter("w", 5, 4))), 4, reduce);
  }

  /** Zeros where there is no sample axis, and nothing where there is one. */
  private Map<String, INDArray> checkZeros(Extension... extensions) {
    try (ExtendedGraph graph = BackPack.extend(sd, extensions)) {
      List<String> names = new ArrayList<>(graph.outputNames());
      names.addAll(sd.getLossVariables());
      Map<String, INDArray> results = graph.output(none, names);
      for (String name : graph.outputNames()) {
        long[] shape = graph.shape(name);
        INDArray value = results.get(name);
        boolean rows = shape.length > 0 && shape[0] < 0;
        if (rows) {
          shape[0] = 0;
        }
        assertThat(value.shape()).as(name).isEqualTo(shape);
        assertThat(value.dataType()).as(name).isEqualTo(DataType.FLOAT);
        assertThat(value.isEmpty()).as(name).isEqualTo(rows);
        if (!rows) {
          assertThat(value.amaxNumber().doubleValue()).as(name).isZero();
        }
      }
      return results;
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = LossReduce.class,
      names = {"SUM", "NONE"})
  void dense(LossReduce reduce) {
    perceptron(reduce);
    Map<String, INDArray> results = checkZeros(all());

    assertThat(results.get("w.grad_batch").shape()).containsExactly(0, 5, 4);
    assertThat(results.get("loss").isEmpty()).isEqualTo(reduce == LossReduce.NONE);
  }

  @ParameterizedTest
  @EnumSource(
      value = LossReduce.class,
      names = {"MEAN_BY_WEIGHT", "MEAN_BY_NONZERO_WEIGHT_COUNT"})
  void meansAreNotDefined(LossReduce reduce) {
    perceptron(reduce);
    try (ExtendedGraph graph = BackPack.extend(sd, all())) {
      for (String name : List.of("w.grad", "w.grad_batch", "w.variance", "loss")) {
        assertThatThrownBy(() -> graph.output(none, name))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("no sample")
            .hasMessageContaining("loss")
            .hasMessageContaining("LossReduce.SUM");
      }
      assertThat(graph.output(none, "z", "h").get("z").shape()).containsExactly(0, CLASSES);
    }
  }

  @Test
  void writtenOutMeansAreNotDefinedEither() {
    SDVariable z = fed("x", DataType.FLOAT, 5).mmul("z", parameter("w", 5, 2));
    SDVariable squares = z.sub(fed("y", DataType.FLOAT, 2)).mul("squares", z);
    List<BiFunction<SDVariable, String, SDVariable>> means =
        List.of(
            (s, name) -> s.mean(name),
            (s, name) -> s.sum().div(name, sd.sizeAt(s, 0).castTo(DataType.FLOAT)),
            (s, name) -> s.sum(1).max(name, 0));
    for (int k = 0; k < means.size(); k++) {
      String name = "mean" + k;
      SDVariable mean = means.get(k).apply(squares, name);
      sd.setLossVariables(mean.name());
      try (ExtendedGraph graph = BackPack.extend(sd)) {
        assertThatThrownBy(() -> graph.output(none, "w.grad"))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining(name);
      } catch (UnsupportedGraphException e) {
        assertThat(k).as(e.getMessage()).isPositive();
      }
    }
  }

  @Test
  void penaltiesRemain() {
    SDVariable w = parameter("w", 5, 2);
    SDVariable z = fed("x", DataType.FLOAT, 5).mmul("z", w);
    z.sub(fed("y", DataType.FLOAT, 2)).norm2().add("loss", w.mul(w).sum());
    sd.setLossVariables("loss");
    try (ExtendedGraph graph = BackPack.extend(sd)) {
      Map<String, INDArray> results = graph.output(none, "w.grad", "w.grad_penalty", "loss");

      assertThat(results.get("w.grad")).isEqualTo(w.getArr().mul(2));
      assertThat(results.get("w.grad_penalty")).isEqualTo(w.getArr().mul(2));
      assertThat(results.get("loss").getFloat(0))
          .isEqualTo(w.getArr().mul(w.getArr()).sumNumber().floatValue());
    }
  }

  @Test
  void images() {
    SDVariable x = fed("x", DataType.FLOAT, 2, 6, 6);
    SDVariable h =
        sd.nn()
            .relu(
                sd.cnn()
                    .conv2d(
                        x,
                        parameter("k", 3, 3, 2, 4),
                        parameter("b", 4),
                        Conv2DConfig.builder().kH(3).kW(3).build()),
                0);
    SDVariable pooled =
        sd.cnn()
            .maxPooling2d(
                h, Pooling2DConfig.builder().kH(2).kW(2).sH(2).sW(2).isNHWC(false).build());
    loss(pooled.reshape(-1, 16), 16, LossReduce.SUM);
    checkZeros(all());
  }

  @Test
  void lookUps() {
    SDVariable words = fed("words", DataType.INT32, 4);
    SDVariable rows = sd.gather(parameter("table", 40, 2), words, 0);
    loss(rows.reshape(-1, 8), 8, LossReduce.SUM);
    checkZeros(all());
  }

  @Test
  void attentionAndSeries() {
    SDVariable x = fed("x", DataType.FLOAT, 4, 3);
    SDVariable attended = sd.nn().dotProductAttention(x, x, x, null, true);
    SDVariable normal = sd.math().standardize(attended, 1);
    loss(normal.mul(parameter("g", 1, 4, 3)).mean(2), 4, LossReduce.SUM);
    checkZeros(all());
  }

  @Test
  void batchStatistics() {
    SDVariable h = fed("x", DataType.FLOAT, 5).mmul(parameter("w", 5, 4));
    SDVariable centred = h.sub(h.mean(true, 0));
    loss(centred.mul(parameter("g", 1, 4)), 4, LossReduce.SUM);
    checkZeros(new BatchGrad(), new SumGradSquared(), new Variance());
  }

  @Test
  void intoArraysAtHand() {
    perceptron(LossReduce.SUM);
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      Map<String, INDArray> into = new LinkedHashMap<>();
      into.put("w.grad", Nd4j.ones(DataType.FLOAT, 5, 4));
      into.put("w.grad_batch", Nd4j.ones(DataType.FLOAT, 1, 5, 4));
      assertThatThrownBy(() -> graph.output(none, into)).hasMessageContaining("w.grad_batch");
      assertThat(into.get("w.grad").sumNumber().doubleValue()).isEqualTo(20);

      into.put("w.grad_batch", Nd4j.create(DataType.FLOAT, 0, 5, 4));
      graph.output(none, into);
      assertThat(into.get("w.grad").sumNumber().doubleValue()).isZero();
    }
  }

  @Test
  void memoryIsThatOfTheResults() {
    perceptron(LossReduce.SUM);
    try (ExtendedGraph graph = BackPack.extend(sd, all())) {
      assertThat(graph.memory(none, List.of("w.grad_batch", "w.grad")).results()).isEqualTo(80);
    }
  }

  /** SameDiff's own session would kill the Java machine. */
  @Test
  void theSessionRefusesAndIsRightAfterwards() {
    perceptron(LossReduce.SUM);
    Map<String, INDArray> two =
        Map.of("x", Nd4j.rand(DataType.FLOAT, 2, 5), "y", Nd4j.rand(DataType.FLOAT, 2, 3));
    try (ExtendedGraph graph = BackPack.extend(sd, all())) {
      String[] names = {"w.grad", "w.diag_ggn_exact", "loss"};
      Map<String, INDArray> before = graph.output(two, names);
      for (int k = 0; k < 2; k++) {
        assertThatThrownBy(() -> graph.sameDiff().output(none, names))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("fed no sample");
        Checked.compare("session", before, graph.sameDiff().output(two, names));
      }
    }
  }
}
