package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Variance;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.clip.ClipByValue;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Parameters that act on the losses without a derivative have zeros, and a note; where there is a
 * derivative that no rule has, they are refused, whichever parameters are asked for beside them.
 */
class ZeroDerivativeTest {

  /** What a network is scaled by in its midst, made of the parameter "p" [4]. */
  private interface Factor {
    SDVariable of(SameDiff sd, SDVariable p);
  }

  private static SameDiff scaled(Factor factor) {
    Nd4j.getRandom().setSeed(11);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 5);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable p = sd.var("p", Nd4j.createFromArray(1.2, 1.7, 1.4, 1.9));
    SDVariable h = x.mmul(sd.var("w", Graphs.random(5, 4)));
    SDVariable number = factor.of(sd, p).castTo(DataType.DOUBLE);
    SDVariable z = sd.math().tanh(h.mul(number)).mmul("z", sd.var("v", Graphs.random(4, 3)));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    return sd;
  }

  private static Stream<DynamicTest> tests(Map<String, Factor> factors, Check check) {
    return factors.entrySet().stream()
        .map(f -> DynamicTest.dynamicTest(f.getKey(), () -> check.of(scaled(f.getValue()))));
  }

  private interface Check {
    void of(SameDiff sd);
  }

  private static Map<String, Factor> constantInSteps() {
    Map<String, Factor> factors = new LinkedHashMap<>();
    factors.put("a shape", (sd, p) -> sd.shape(p).sum());
    factors.put("a number of entries", (sd, p) -> sd.size(p));
    factors.put("an extent", (sd, p) -> sd.sizeAt(p, 0));
    factors.put("an extent of what is computed", (sd, p) -> sd.sizeAt(p.mul(2).reshape(2, 2), 0));
    factors.put("zeros of a shape", (sd, p) -> sd.zerosLike(p).sum().add(1));
    factors.put("a position", (sd, p) -> sd.argmax(p));
    factors.put("a sign", (sd, p) -> sd.math().sign(p).sum());
    factors.put("a rounded number", (sd, p) -> sd.math().floor(p).sum());
    factors.put("a comparison", (sd, p) -> p.gt(1.5).castTo(DataType.DOUBLE).sum());
    factors.put("a whole number", (sd, p) -> p.castTo(DataType.INT32).sum());
    return factors;
  }

  @TestFactory
  Stream<DynamicTest> zerosAreRightAndTold() {
    return tests(
        constantInSteps(),
        sd -> {
          try (ExtendedGraph graph =
              BackPack.extend(sd, new BatchGrad(), new Variance(), new DiagGGNExact())) {
            assertThat(graph.notes())
                .singleElement()
                .asString()
                .contains("quantities of \"p\" are zero")
                .contains("no derivative");
            Map<String, INDArray> feeds = Graphs.feeds(3);
            Map<String, INDArray> out = graph.output(feeds, graph.outputNames());
            assertThat(out.get("p.grad_batch").shape()).containsExactly(3, 4);
            assertThat(out.get("p.grad_batch").amaxNumber().doubleValue()).isZero();
            BruteForce.on(sd, feeds).verify(out).orThrow();
          }
        });
  }

  /** A use with a derivative beside one without is no reason for a note. */
  @Test
  void anotherUseHasADerivative() {
    SameDiff sd = scaled((s, p) -> p.sum().div(s.sizeAt(p, 0).castTo(DataType.DOUBLE)));
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad(), new DiagGGNExact())) {
      assertThat(graph.notes()).isEmpty();
    }
  }

  private static SDVariable number(SameDiff sd, double value) {
    return sd.constant(Nd4j.scalar(value));
  }

  private static SDVariable entry(SameDiff sd, SDVariable p, int which) {
    return sd.squeeze(sd.slice(p, new int[] {which}, 1), 0);
  }

  private static Map<String, Factor> withADerivative() {
    Map<String, Factor> factors = new LinkedHashMap<>();
    factors.put(
        "the begin of a range",
        (sd, p) ->
            sd.range(entry(sd, p, 0), number(sd, 5), number(sd, 1.5), DataType.DOUBLE).sum());
    factors.put(
        "the step of a range",
        (sd, p) -> sd.range(number(sd, 1), number(sd, 5), entry(sd, p, 0), DataType.DOUBLE).sum());
    factors.put(
        "the end of a linspace",
        (sd, p) ->
            sd.linspace(
                    number(sd, 1),
                    entry(sd, p, 2),
                    sd.constant(Nd4j.scalar(DataType.INT64, 3)),
                    DataType.DOUBLE)
                .sum());
    factors.put(
        "a bound of a clip",
        (sd, p) ->
            new ClipByValue(sd, number(sd, 3), number(sd, 0.5), entry(sd, p, 1)).outputVariable());
    return factors;
  }

  /** They had zeros, where nothing else of the parameter or of another led through the op. */
  @TestFactory
  Stream<DynamicTest> aDerivativeThatIsNotKnownIsRefused() {
    return tests(
        withADerivative(),
        sd -> {
          for (BackPack.Builder builder :
              new BackPack.Builder[] {BackPack.on(sd), BackPack.on(sd).parameters("p")}) {
            assertThatThrownBy(() -> builder.extend(new BatchGrad()))
                .isInstanceOf(UnsupportedGraphException.class)
                .hasMessageContaining("grad_batch");
          }
          try (ExtendedGraph graph = BackPack.on(sd).lenient().extend(new BatchGrad())) {
            assertThat(graph.outputNames()).contains("w.grad_batch").doesNotContain("p.grad");
          }
        });
  }

  /** The end of a range tells how many numbers there are, and is in none of them. */
  @Test
  void theEndOfARangeHasNoDerivative() {
    SameDiff sd =
        scaled((s, p) -> s.range(number(s, 0.5), p.sum(), number(s, 1), DataType.DOUBLE).sum());
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      assertThat(graph.notes()).singleElement().asString().contains("\"range\"");
    }
  }

  @Test
  void parametersThatNoLossDependsOnAreTold() {
    SameDiff sd = Graphs.perceptron();
    sd.var("idle", Graphs.random(3));
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad());
        ExtendedGraph without = BackPack.on(sd).without("idle").extend(new BatchGrad())) {
      assertThat(graph.notes())
          .singleElement()
          .asString()
          .contains("do not depend")
          .contains("idle");
      assertThat(graph.outputNames()).noneMatch(name -> name.startsWith("idle"));
      assertThat(without.notes()).isEmpty();
    }
  }
}
