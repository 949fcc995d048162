package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ops.impl.reduce.custom.LogSumExp;

/** Every reduction, between a parameter and a loss, as a penalty, and as a loss. */
class ReducedFunctionRuleTest {
  private interface Reduction {
    SDVariable apply(SameDiff sd, SDVariable x, boolean keep, int... axes);
  }

  /** By name; the functions want positive arguments, if any do. */
  private static Map<String, Reduction> reductions() {
    Map<String, Reduction> all = new LinkedHashMap<>();
    all.put("sum", (sd, x, keep, axes) -> sd.sum(x, keep, axes));
    all.put("mean", (sd, x, keep, axes) -> sd.mean(x, keep, axes));
    all.put("max", (sd, x, keep, axes) -> sd.max(x, keep, axes));
    all.put("min", (sd, x, keep, axes) -> sd.min(x, keep, axes));
    all.put("amax", (sd, x, keep, axes) -> sd.math().reduceAMax(x, keep, axes));
    all.put("amin", (sd, x, keep, axes) -> sd.math().reduceAmin(x, keep, axes));
    all.put("amean", (sd, x, keep, axes) -> sd.math().reduceAmean(x, keep, axes));
    all.put("asum", (sd, x, keep, axes) -> sd.math().asum(x, keep, axes));
    all.put("prod", (sd, x, keep, axes) -> sd.prod(x.add(1), keep, axes));
    all.put("norm1", (sd, x, keep, axes) -> sd.norm1(x, keep, axes));
    all.put("norm2", (sd, x, keep, axes) -> sd.norm2(x, keep, axes));
    all.put("normmax", (sd, x, keep, axes) -> sd.normmax(x, keep, axes));
    all.put("sqnorm", (sd, x, keep, axes) -> sd.squaredNorm(x, keep, axes));
    all.put("logsumexp", (sd, x, keep, axes) -> new LogSumExp(sd, x, keep, axes).outputVariable());
    all.put("variance", (sd, x, keep, axes) -> sd.variance(x, true, keep, axes));
    all.put("variance, biased", (sd, x, keep, axes) -> sd.variance(x, false, keep, axes));
    all.put("std", (sd, x, keep, axes) -> sd.standardDeviation(x, true, keep, axes));
    all.put("std, biased", (sd, x, keep, axes) -> sd.standardDeviation(x, false, keep, axes));
    all.put("entropy", (sd, x, keep, axes) -> sd.math().entropy(positive(x), keep, axes));
    all.put(
        "shannonEntropy", (sd, x, keep, axes) -> sd.math().shannonEntropy(positive(x), keep, axes));
    all.put("logEntropy", (sd, x, keep, axes) -> sd.math().logEntropy(positive(x), keep, axes));
    all.put(
        "moments",
        (sd, x, keep, axes) -> {
          SDVariable[] m = sd.math().moments(x, axes, keep);
          return m[0].add(m[1].mul(2));
        });
    return all;
  }

  /** Between 0.2 and 0.4, where −p log p is neither flat nor negative. */
  private static SDVariable positive(SDVariable x) {
    return x.mul(0.1).add(0.3);
  }

  static List<Arguments> configurations() {
    List<Arguments> all = new ArrayList<>();
    reductions()
        .forEach(
            (name, reduction) -> {
              all.add(arguments(name, reduction, false, new int[] {1}));
              all.add(arguments(name, reduction, true, new int[] {-1, 1}));
            });
    return all;
  }

  @ParameterizedTest(name = "{0} keeping {2} axes {3}")
  @MethodSource("configurations")
  void ofAnActivation(String name, Reduction reduction, boolean keep, int[] axes) {
    Between net =
        Between.input(3, 2, 2).op((sd, x) -> sd.math().tanh(reduction.apply(sd, x, keep, axes)));
    Checked.check(net.graph(), net.feeds());
  }

  static List<Arguments> all() {
    List<Arguments> all = new ArrayList<>();
    reductions().forEach((name, reduction) -> all.add(arguments(name, reduction)));
    return all;
  }

  /** A parameter's own reduction is beside the samples' losses, or a factor in them. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("all")
  void ofAParameter(String name, Reduction reduction) {
    Between net = Between.input(3);
    SameDiff sd = net.graph();
    SDVariable w = sd.var("q", Between.random(2, 3));
    net.op((g, x) -> x.mul(reduction.apply(sd, w, false, 0)));
    SDVariable penalty = reduction.apply(sd, w, false).mul(0.3);
    penalty.rename("penalty");
    sd.addLossVariable("penalty");
    Checked.check(sd, net.feeds());
  }

  /** A reduction over the samples is differentiated as a whole. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("all")
  void overTheSamples(String name, Reduction reduction) {
    Between net = Between.input(4).op((sd, x) -> x.mul(reduction.apply(sd, x, true, 0)));
    Checked.check(
        net.graph(),
        net.feeds(),
        BackPack.on(net.graph()),
        BruteForce.on(net.graph(), net.feeds()));
  }

  private static List<Arguments> without(String... names) {
    List<Arguments> all = all();
    all.removeIf(a -> List.of(names).contains(a.get()[0]));
    return all;
  }

  /** A loss that is written out of the reduction. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("curved")
  void asALoss(String name, Reduction reduction) {
    Between net = Between.input(2, 3);
    SameDiff sd = net.graph();
    SDVariable h = sd.getVariable("h_x");
    SDVariable z = sd.math().tanh("z", h.mul(2));
    SDVariable r =
        sd.math()
            .square(reduction.apply(sd, z, false, 2))
            .add(reduction.apply(sd, z, true, 1).sum(1, 2).reshape(-1, 1));
    r.sum("loss");
    sd.setLossVariables("loss");
    Checked.check(
        sd,
        net.feeds(),
        BackPack.on(sd).predictions("z"),
        BruteForce.on(sd, net.feeds()).predictions("z"),
        Checked.all());
  }

  static List<Arguments> curved() {
    return without("prod", "logEntropy", "moments");
  }

  static List<Arguments> sums() {
    List<Arguments> all = all();
    all.removeIf(
        a -> !List.of("norm1", "sqnorm", "entropy", "shannonEntropy").contains(a.get()[0]));
    return all;
  }

  /** A reduction over everything is a loss if each sample adds a term of its own. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("sums")
  void asALossOfAllSamples(String name, Reduction reduction) {
    Between net = Between.input(2, 3);
    SameDiff sd = net.graph();
    SDVariable z = sd.math().tanh("z", sd.getVariable("h_x").mul(2));
    reduction.apply(sd, z, false).mul("loss", sd.constant(0.7));
    sd.setLossVariables("loss");
    Checked.check(
        sd,
        net.feeds(),
        BackPack.on(sd).predictions("z"),
        BruteForce.on(sd, net.feeds()).predictions("z"),
        Checked.all());
  }

  /** It is not if the samples' terms are put into another function. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("notSums")
  void refusesALossThatIsNoSum(String name, Reduction reduction) {
    Between net = Between.input(2, 3);
    SameDiff sd = net.graph();
    SDVariable z = sd.math().tanh("z", sd.getVariable("h_x").mul(2));
    reduction.apply(sd, z, false).mul("loss", sd.constant(0.7));
    sd.setLossVariables("loss");
    assertThatThrownBy(() -> BackPack.on(sd).predictions("z").extend(new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("the loss is not a sum over samples");
  }

  static List<Arguments> notSums() {
    List<Arguments> all = all();
    all.removeIf(
        a ->
            !List.of("norm2", "logsumexp", "variance", "std", "prod", "logEntropy")
                .contains(a.get()[0]));
    return all;
  }

  @Test
  void aProductWithZeros() {
    Between net =
        Between.input(3)
            .op(
                (sd, x) -> {
                  SDVariable none =
                      x.mul(sd.constant(org.nd4j.linalg.factory.Nd4j.createFromArray(1.0, 0, 1)));
                  return sd.stack(1, none.prod(1), x.prod(1));
                });
    Checked.check(net.graph(), net.feeds());
  }

  @Test
  void aNormOfNothingHasNoSlope() {
    Between net = Between.input(3).op((sd, x) -> x.mul(sd.norm2(x.mul(0), true, 1).add(1)));
    Checked.check(
        net.graph(),
        net.feeds(),
        BackPack.on(net.graph()),
        BruteForce.on(net.graph(), net.feeds()),
        new BatchGrad());
  }
}
