package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.KFACExpand;
import org.backpack4j.samediff.extension.Variance;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;

/** An extended graph is a graph: what is made of its quantities has a gradient, and more. */
class ThroughQuantityTest {
  private static final int N = 3;

  private static SameDiff network() {
    return network(true);
  }

  private static SameDiff network(boolean pooled) {
    Nd4j.getRandom().setSeed(3);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 1, 4, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    Conv2DConfig config =
        Conv2DConfig.builder().kH(2).kW(2).sH(1).sW(1).pH(0).pW(0).dH(1).dW(1).build();
    SDVariable k = sd.var("k", Graphs.random(2, 2, 1, 2));
    SDVariable z = sd.math().tanh(sd.cnn().conv2d(x, k, config));
    Pooling2DConfig pool = Pooling2DConfig.builder().kH(2).kW(2).sH(1).sW(1).build();
    SDVariable h = pooled ? sd.cnn().maxPooling2d(z, pool).reshape(-1, 8) : z.reshape(-1, 18);
    INDArray w = Graphs.random(pooled ? 8 : 18, 3);
    SDVariable logits = h.mmul(sd.var("w", w)).add(sd.var("b", Graphs.random(3)));
    sd.loss().softmaxCrossEntropy("loss", y, logits, null);
    return sd;
  }

  private static Map<String, INDArray> feeds() {
    return new HashMap<>(Map.of("x", Graphs.random(N, 1, 4, 4), "y", Graphs.oneHot(N, 3)));
  }

  static Stream<Extension> quantities() {
    return Stream.of(
        new Variance(),
        new BatchGrad(),
        new BatchL2Grad(),
        new DiagGGNExact(),
        new DiagHessian(),
        new KFACExpand());
  }

  /**
   * The gradient of the sum of the squares of all results. The Hessian's columns are square roots,
   * which have no derivative at zero: no pooling there, behind which the gradient is zero.
   */
  @ParameterizedTest(name = "{0}")
  @MethodSource("quantities")
  void hasAGradient(Extension extension) {
    Map<String, INDArray> feeds = feeds();
    try (ExtendedGraph first =
        BackPack.extend(network(!(extension instanceof DiagHessian)), extension)) {
      SameDiff sd = first.toSameDiff("first.");
      SDVariable sum = null;
      for (String name : first.outputNames()) {
        if (!name.endsWith(".grad")) {
          SDVariable part = sd.math().square(sd.getVariable("first." + name)).sum();
          sum = sum == null ? part : sum.add(part);
        }
      }
      assertThat(sum).isNotNull();
      sum.rename("through");
      sd.setLossVariables("through");
      try (ExtendedGraph second = BackPack.extend(sd)) {
        Map<String, INDArray> found =
            Checked.inEveryWay(second, feeds, List.copyOf(second.outputNames()));
        for (String p : second.parameters()) {
          INDArray known = differences(second, feeds, sd.getVariable(p).getArr());
          double scale = Math.max(1e-3, known.amaxNumber().doubleValue());
          assertThat(found.get(p + ".grad").sub(known).amaxNumber().doubleValue())
              .as(p)
              .isLessThan(1e-6 * scale);
        }
      }
    }
  }

  /** Central differences of the loss by the entries of a parameter. */
  private static INDArray differences(
      ExtendedGraph graph, Map<String, INDArray> feeds, INDArray parameter) {
    double step = 1e-5;
    INDArray slopes = parameter.like();
    for (long i = 0; i < parameter.length(); i++) {
      double old = parameter.getDouble(i);
      parameter.putScalar(i, old + step);
      double up = graph.output(feeds, "through").get("through").getDouble(0);
      parameter.putScalar(i, old - step);
      double down = graph.output(feeds, "through").get("through").getDouble(0);
      parameter.putScalar(i, old);
      slopes.putScalar(i, (up - down) / (2 * step));
    }
    return slopes;
  }

  /** A penalty on each sample's gradient by its input, and each sample's gradient of that. */
  @Test
  void penaltiesOfInputGradientsHaveQuantities() {
    Map<String, INDArray> feeds = feeds();
    BackPack.Builder builder = BackPack.on(network()).parameters(p -> false).variables("x");
    try (ExtendedGraph first = builder.extend(new BatchL2Grad())) {
      SameDiff sd = first.toSameDiff("first.");
      SDVariable norms = sd.math().sqrt(sd.getVariable("first.x.batch_l2"));
      sd.math().square(norms.sub(1)).add(0).sum("penalty");
      sd.setLossVariables("penalty");
      Checked.checkNumbers(
          feeds,
          BackPack.on(sd),
          BruteForce.on(sd, feeds),
          new BatchGrad(),
          new BatchL2Grad(),
          new Variance());
    }
  }

  @Test
  void namesAreTheCallersOwn() {
    SameDiff sd = network();
    try (ExtendedGraph first = BackPack.extend(sd, new DiagGGNMC(1, 0))) {
      assertThatThrownBy(() -> first.toSameDiff(""))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("prefix");
      SameDiff copy = first.toSameDiff("first.");
      assertThat(copy.hasVariable("first.w.diag_ggn_mc")).isTrue();
      assertThat(copy.hasVariable("first.backpack.noise")).isTrue();
      assertThat(copy.hasVariable("w.grad")).isFalse();
      assertThat(first.sameDiff().hasVariable("w.grad")).isTrue();
      sd.getVariable("w").getArr().putScalar(0, 7.5);
      assertThat(copy.getVariable("w").getArr().getDouble(0)).isEqualTo(7.5);
    }
  }
}
