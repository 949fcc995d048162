package org.backpack4j.samediff.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.extension.JacobianProduct;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.custom.Digamma;
import org.nd4j.linalg.api.ops.custom.Lgamma;
import org.nd4j.linalg.api.ops.custom.Polygamma;
import org.nd4j.linalg.api.ops.custom.RgbToYuv;
import org.nd4j.linalg.factory.Nd4j;

/** Rules of a person's own, for ops that the library has none for. */
class OpRuleTest {
  private static final int N = 3;

  @BeforeEach
  void seed() {
    Nd4j.getRandom().setSeed(11);
  }

  /** log Γ(x), which the library does not know. */
  private static final OpRule LOG_GAMMA =
      OpRule.elementwise(
          "lgamma",
          (e, x, y) -> e.map("digamma", x, false, v -> new Digamma(e.graph(), v).outputVariable()),
          (e, x, y) ->
              e.map(
                  "polygamma_1",
                  x,
                  true,
                  v -> new Polygamma(e.graph(), e.graph().onesLike(v), v).outputVariable()));

  private static SameDiff gammas() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Nd4j.rand(DataType.DOUBLE, 4, 5).addi(0.5));
    SDVariable v = sd.var("v", Nd4j.randn(DataType.DOUBLE, 5, 3));
    SDVariable hidden = new Lgamma(sd, x.mmul(w)).outputVariable();
    sd.loss().softmaxCrossEntropy("loss", y, hidden.mmul(v), null);
    return sd;
  }

  private static Map<String, INDArray> gammaFeeds() {
    return Map.of(
        "x", Nd4j.rand(DataType.DOUBLE, N, 4).addi(0.2), "y", Nd4j.eye(3).castTo(DataType.DOUBLE));
  }

  @Test
  void anElementwiseFunction() {
    SameDiff sd = gammas();
    Map<String, INDArray> feeds = gammaFeeds();
    Checked.check(
        sd,
        feeds,
        BackPack.on(sd).rules(LOG_GAMMA),
        BruteForce.on(sd, feeds),
        new BatchGrad(),
        new DiagGGNExact(),
        new DiagHessian());
  }

  @Test
  void withoutARuleTheRefusalTellsOfTheDoor() {
    assertThatThrownBy(() -> BackPack.extend(gammas(), new BatchGrad()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("lgamma")
        .hasMessageContaining("rules(…)");
  }

  /** Colours: a linear function of the last axis, y = x M. */
  private static final class Colours implements OpRule {
    private final double factor;

    Colours(double factor) {
      this.factor = factor;
    }

    @Override
    public String op() {
      return "rgb_to_yuv";
    }

    @Override
    public SecondDerivative secondDerivative(OpNode node) {
      return SecondDerivative.ZERO;
    }

    @Override
    public Tensor vjp(OpNode node, int input, int output, Tensor cotangent) {
      return times(node.emit(), cotangent, true);
    }

    @Override
    public Tensor jvp(OpNode node, int input, int output, Tensor tangent) {
      return times(node.emit(), tangent, false);
    }

    private Tensor times(Emitter e, Tensor t, boolean transposed) {
      Dims rows = Dims.of(t.dims().range(0, t.rank() - 1).product(), t.dims().get(t.rank() - 1));
      Tensor m = e.constant(List.of("yuv", factor, t.type()), () -> matrix().castTo(t.type()));
      return e.reshape(e.matmul(e.reshape(t, rows), false, m, transposed), t.dims());
    }

    /** What ND4J makes of the three colours. */
    private INDArray matrix() {
      INDArray colours = Nd4j.eye(3).castTo(DataType.DOUBLE);
      return Nd4j.exec(new RgbToYuv(colours))[0].mul(factor);
    }
  }

  private static SameDiff images() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2, 3, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Nd4j.rand(DataType.DOUBLE, 3));
    SDVariable colours = new RgbToYuv(sd, sd.math().tanh(x.mul(w))).outputVariable();
    SDVariable sums = sd.math().tanh(colours).sum(1, 2);
    sd.loss().softmaxCrossEntropy("loss", y, sums, null);
    return sd;
  }

  private static Map<String, INDArray> imageFeeds() {
    return Map.of(
        "x", Nd4j.randn(DataType.DOUBLE, N, 2, 3, 3), "y", Nd4j.eye(3).castTo(DataType.DOUBLE));
  }

  @Test
  void aClassOfItsOwn() {
    SameDiff sd = images();
    Map<String, INDArray> feeds = imageFeeds();
    Checked.check(
        sd,
        feeds,
        BackPack.on(sd).rules(new Colours(1)),
        BruteForce.on(sd, feeds),
        new BatchGrad(),
        new DiagGGNExact(),
        new DiagHessian());
  }

  @Test
  void tangentsPassToo() {
    SameDiff sd = images();
    try (ExtendedGraph graph =
        BackPack.on(sd).rules(new Colours(1)).extend(new JacobianProduct())) {
      assertThat(graph.outputNames()).isNotEmpty();
    }
  }

  @Test
  void aRuleThatIsWrongIsFoundOut() {
    SameDiff sd = images();
    Map<String, INDArray> feeds = imageFeeds();
    try (ExtendedGraph graph = BackPack.on(sd).rules(new Colours(0.9)).extend(new BatchGrad())) {
      assertThat(verified(sd, feeds, graph)).isFalse();
    }
    try (ExtendedGraph graph = BackPack.on(sd).rules(new Colours(1)).extend(new BatchGrad())) {
      assertThat(verified(sd, feeds, graph)).isTrue();
    }
  }

  private static boolean verified(SameDiff sd, Map<String, INDArray> feeds, ExtendedGraph graph) {
    return BruteForce.on(sd, feeds).verify(graph.output(feeds, graph.outputNames())).ok();
  }

  /** What the library knows of samples that influence each other holds for a person's rule too. */
  @Test
  void aRuleOfOnesOwnDoesNotHideCoupling() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Nd4j.rand(DataType.DOUBLE, 3));
    sd.loss().softmaxCrossEntropy("loss", y, sd.cumsum(x.mul(w), false, false, 0), null);
    OpRule identity =
        new OpRule() {
          @Override
          public String op() {
            return "cumsum";
          }

          @Override
          public Tensor vjp(OpNode node, int input, int output, Tensor cotangent) {
            return cotangent;
          }

          @Override
          public Tensor jvp(OpNode node, int input, int output, Tensor tangent) {
            return tangent;
          }
        };
    assertThatThrownBy(() -> BackPack.on(sd).rules(identity).extend(new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("influence each other");
  }

  @Test
  void theRuleOfALossStays() {
    OpRule loss = OpRule.elementwise("log_loss", (e, x, y) -> x, null);
    assertThatThrownBy(() -> BackPack.on(gammas()).rules(loss).extend(new BatchGrad()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("log_loss");
  }

  @Test
  void anOpHasOneRule() {
    assertThatThrownBy(
            () ->
                BackPack.on(images()).rules(new Colours(1), new Colours(2)).extend(new BatchGrad()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rgb_to_yuv");
  }

  /** GGNs pass an op whose second derivative is not known; Hessians are refused by its name. */
  @Test
  void withoutASecondDerivativeHessiansAreRefused() {
    OpRule first =
        new OpRule() {
          @Override
          public String op() {
            return "lgamma";
          }

          @Override
          public Tensor vjp(OpNode node, int input, int output, Tensor cotangent) {
            return LOG_GAMMA.vjp(node, input, output, cotangent);
          }

          @Override
          public Tensor jvp(OpNode node, int input, int output, Tensor tangent) {
            return LOG_GAMMA.jvp(node, input, output, tangent);
          }
        };
    SameDiff sd = gammas();
    Map<String, INDArray> feeds = gammaFeeds();
    Checked.checkNumbers(
        feeds,
        BackPack.on(sd).rules(first),
        BruteForce.on(sd, feeds),
        new BatchGrad(),
        new DiagGGNExact());
    assertThatThrownBy(() -> BackPack.on(sd).rules(first).extend(new DiagHessian()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("lgamma")
        .hasMessageContaining("tells no second derivative");
  }
}
