package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.internal.extend.Noise;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Losses that are scaled, weighted against each other, penalised, or written out of simple ops. */
class CustomLossTest {
  /** x [N, 4] → tanh(x w + b) → z [N, 3]; y [N, 3] are labels. */
  private static SameDiff network() {
    Nd4j.getRandom().setSeed(3);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable h =
        sd.math()
            .tanh("h", x.mmul(sd.var("w", Graphs.random(4, 3))).add(sd.var("b", Graphs.random(3))));
    h.mmul("z", sd.var("v", Graphs.random(3, 3)));
    return sd;
  }

  private static Map<String, INDArray> feeds() {
    Nd4j.getRandom().setSeed(4);
    return Map.of("x", Graphs.random(4, 4), "y", Graphs.oneHot(4, 3));
  }

  private interface Loss {
    SDVariable of(SameDiff sd, SDVariable z, SDVariable y);
  }

  private static SameDiff with(Loss loss) {
    SameDiff sd = network();
    SDVariable l = loss.of(sd, sd.getVariable("z"), sd.getVariable("y"));
    sd.setLossVariables(l.rename("loss").name());
    return sd;
  }

  private static SDVariable penalty(SameDiff sd) {
    SDVariable w = sd.getVariable("w");
    return w.mul(w).sum().mul(0.1);
  }

  private static Arguments loss(String name, Loss loss) {
    return Arguments.of(name, loss);
  }

  /** Whose predictions are found. */
  static Stream<Arguments> ofLossOps() {
    return Stream.of(
        loss("halved", (sd, z, y) -> sd.loss().softmaxCrossEntropy(y, z, null).mul(0.5)),
        loss("negated", (sd, z, y) -> sd.math().neg(sd.loss().softmaxCrossEntropy(y, z, null))),
        loss(
            "weighed against another",
            (sd, z, y) ->
                sd.loss()
                    .softmaxCrossEntropy(y, z, null)
                    .mul(0.3)
                    .add(sd.loss().meanSquaredError(y, z, null).mul(2))),
        loss(
            "less another",
            (sd, z, y) ->
                sd.loss()
                    .softmaxCrossEntropy(y, z, null)
                    .sub(sd.loss().meanSquaredError(y, z, null).div(4))),
        loss(
            "of each sample, added up by hand",
            (sd, z, y) ->
                sd.loss()
                    .softmaxCrossEntropy(y, z, null, LossReduce.NONE, 0.0)
                    .mul(sd.constant(Nd4j.scalar(3.0)))
                    .mean()),
        loss(
            "of each entry, weighed by hand",
            (sd, z, y) ->
                sd.loss()
                    .sigmoidCrossEntropy(y, z, null, LossReduce.NONE, 0.0)
                    .mul(y.add(0.5))
                    .sum()),
        loss(
            "with a penalty",
            (sd, z, y) -> sd.loss().softmaxCrossEntropy(y, z, null).add(penalty(sd))),
        loss(
            "with a penalty, halved together",
            (sd, z, y) -> penalty(sd).add(sd.loss().softmaxCrossEntropy(y, z, null)).mul(0.5)),
        loss(
            "divided by the number of labels",
            (sd, z, y) -> sd.loss().softmaxCrossEntropy(y, z, null).div(y.sum())));
  }

  /** Whose predictions are named. */
  static Stream<Arguments> writtenOut() {
    return Stream.of(
        loss("squares", (sd, z, y) -> sd.math().square(z.sub(y)).mean()),
        loss(
            "squares with a penalty",
            (sd, z, y) -> sd.math().square(z.sub(y)).mean().add(penalty(sd))),
        loss("squared differences", (sd, z, y) -> sd.math().squaredDifference(z, y).sum(1).mean()),
        loss("negative squares", (sd, z, y) -> sd.math().square(z.sub(y)).mean().mul(-0.7)),
        loss(
            "cross-entropy",
            (sd, z, y) -> sd.math().neg(y.mul(sd.nn().logSoftmax(z)).sum(1).mean())),
        loss("focal", CustomLossTest::focal),
        loss("of counts", (sd, z, y) -> sd.math().exp(z).sub(y.mul(z)).mean()),
        loss("with margins", (sd, z, y) -> sd.nn().relu(y.mul(2).sub(1).mul(z).rsub(1), 0).mean()),
        loss(
            "Huber's",
            (sd, z, y) -> {
              SDVariable off = sd.math().abs(z.sub(y));
              SDVariable near = sd.scalarMin(off, 0.5);
              return near.mul(near).mul(0.5).add(off.sub(near).mul(0.5)).mean();
            }),
        loss(
            "masked",
            (sd, z, y) ->
                sd.math()
                    .square(z.sub(0.2))
                    .mul(y)
                    .sum()
                    .div(sd.math().max(y.sum(), sd.constant(1.0)))),
        loss("divided by a number of labels", (sd, z, y) -> sd.math().square(z).sum().div(y.sum())),
        loss("of a quotient", (sd, z, y) -> z.div(sd.math().square(z).add(y).add(1)).mean()),
        loss("of a product", (sd, z, y) -> z.mul(sd.math().sin(z)).mul(y.add(0.3)).mean()),
        loss(
            "beside one of SameDiff's",
            (sd, z, y) ->
                sd.loss()
                    .softmaxCrossEntropy(y, z, null)
                    .sub(sd.math().square(z.sub(y)).mean().mul(0.3))),
        loss(
            "of a temperature",
            (sd, z, y) -> {
              SDVariable t = sd.constant(Nd4j.scalar(2.5));
              return sd.math().neg(y.mul(sd.nn().logSoftmax(z.div(t))).sum()).div(4);
            }));
  }

  /** −Σ y (1 − p)² log p: not convex. */
  private static SDVariable focal(SameDiff sd, SDVariable z, SDVariable y) {
    SDVariable p = sd.nn().softmax(z);
    SDVariable focus = sd.math().pow(p.rsub(1), 2);
    return sd.math().neg(y.mul(focus).mul(sd.math().log(p)).sum(1).mean());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ofLossOps")
  void scaledLossOps(String name, Loss loss) {
    SameDiff sd = with(loss);
    check(BackPack.on(sd), BruteForce.on(sd, feeds()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("writtenOut")
  void writtenOutLosses(String name, Loss loss) {
    SameDiff sd = with(loss);
    check(BackPack.on(sd).predictions("z"), BruteForce.on(sd, feeds()).predictions("z"));
  }

  /** Written out, or of SameDiff's, but no likelihoods that labels are drawn from. */
  static Stream<Arguments> withoutLikelihood() {
    Stream<Arguments> own =
        Stream.of(
            loss("Huber's own", (sd, z, y) -> sd.loss().huberLoss(y, z, null, 0.4)),
            loss("Poisson's", (sd, z, y) -> sd.loss().logPoisson(y, z, null, false)),
            loss(
                "of pairs",
                (sd, z, y) -> sd.loss().meanPairwiseSquaredError(y, z, null, LossReduce.SUM)));
    return Stream.concat(writtenOut(), own)
        .filter(loss -> !loss.get()[0].equals("beside one of SameDiff's"));
  }

  /**
   * Sampled columns are sums with random signs. Over the rows of a Hadamard matrix as signs, each
   * pair of columns has as many equal as unequal ones: the mean over these draws is the exact
   * diagonal, up to rounding.
   */
  @ParameterizedTest(name = "{0}")
  @MethodSource("withoutLikelihood")
  void sampledDiagonalsOfAnyLossAreUnbiased(String name, Loss loss) {
    SameDiff sd = with(loss);
    try (ExtendedGraph graph =
        BackPack.on(sd).predictions("z").extend(new DiagGGNExact(), new DiagGGNMC(1))) {
      Map<String, INDArray> feeds = new HashMap<>(feeds());
      SDVariable noise = graph.sameDiff().getVariable(Noise.PLACEHOLDER);
      int numbers = noise == null ? 0 : Math.toIntExact(noise.getShape()[1]);
      assertThat(numbers == 0).isEqualTo(name.equals("with margins")); // it has no curvature
      int draws = Integer.highestOneBit(numbers) * 2;
      for (String parameter : List.of("w", "b", "v")) {
        INDArray exact =
            graph
                .output(feeds(), List.of(parameter + ".diag_ggn_exact"))
                .values()
                .iterator()
                .next();
        INDArray mean = exact.mul(0);
        for (int draw = 0; draw < draws; draw++) {
          feeds.put(Noise.PLACEHOLDER, signs(feeds.get("x").size(0), draw, numbers));
          String sampled = parameter + ".diag_ggn_mc";
          mean.addi(graph.output(feeds, List.of(sampled)).get(sampled).div(draws));
        }
        double off = mean.sub(exact).amaxNumber().doubleValue();
        assertThat(off).as(parameter).isLessThanOrEqualTo(1e-12 * exact.amaxNumber().doubleValue());
      }
    }
  }

  /** Uniform numbers whose signs around a half are those of a row of a Hadamard matrix. */
  private static INDArray signs(long samples, int row, int columns) {
    INDArray signs = Nd4j.zeros(DataType.DOUBLE, samples, columns);
    for (int column = 0; column < columns; column++) {
      double one = Integer.bitCount(row & (column + 1)) % 2 == 0 ? 0.75 : 0.25;
      signs.getColumn(column).assign(one);
    }
    return signs;
  }

  /** With brute force, and Σₙ grad_batch + grad_penalty = grad. */
  private static void check(BackPack.Builder builder, BruteForce brute) {
    try (ExtendedGraph graph = builder.extend(Checked.all())) {
      Map<String, INDArray> answer = graph.output(feeds(), graph.outputNames());
      brute.verify(answer).orThrow();
      for (String parameter : List.of("w", "b", "v")) {
        INDArray sum = answer.get(parameter + ".grad_batch").sum(0);
        INDArray penalty = answer.get(parameter + ".grad_penalty");
        INDArray total = penalty == null ? sum : sum.add(penalty);
        double off = total.sub(answer.get(parameter + ".grad")).amaxNumber().doubleValue();
        assertThat(off).as(parameter).isLessThan(1e-14);
      }
    }
  }

  @Test
  void penaltiesStandApart() {
    SameDiff sd = with((graph, z, y) -> graph.math().square(z.sub(y)).mean().add(penalty(graph)));
    INDArray w = sd.getVariable("w").getArr();
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      assertThat(graph.outputNames()).contains("w.grad_penalty").doesNotContain("v.grad_penalty");
      INDArray penalty = graph.output(feeds(), List.of("w.grad_penalty")).get("w.grad_penalty");
      assertThat(penalty.sub(w.mul(0.2)).amaxNumber().doubleValue()).isLessThan(1e-15);
    }
  }

  @Test
  void severalPenaltiesOfSeveralParameters() {
    SameDiff sd =
        with(
            (graph, z, y) -> {
              SDVariable w = graph.getVariable("w");
              SDVariable v = graph.getVariable("v");
              SDVariable lasso = graph.math().abs(v).sum().mul(0.01);
              SDVariable shared = w.mmul(v).norm2().mul(0.1);
              SDVariable loss = graph.loss().softmaxCrossEntropy(y, z, null);
              return loss.add(lasso).add(shared).add(graph.var("u", Nd4j.scalar(1.5)).mul(2));
            });
    check(BackPack.on(sd), BruteForce.on(sd, feeds()));
    try (ExtendedGraph graph = BackPack.extend(sd, Checked.all())) {
      Map<String, INDArray> answer = graph.output(feeds(), graph.outputNames());
      assertThat(answer.get("u.grad").getDouble(0)).isEqualTo(2);
      assertThat(answer.get("u.grad_penalty").getDouble(0)).isEqualTo(2);
      assertThat(answer.get("u.grad_batch").shape()).containsExactly(4);
      assertThat(answer.get("u.grad_batch").amaxNumber().doubleValue()).isZero();
      assertThat(answer.get("u.diag_ggn_exact").getDouble(0)).isZero();
    }
  }

  @Test
  void severalLossVariables() {
    SameDiff sd = network();
    SDVariable z = sd.getVariable("z");
    SDVariable y = sd.getVariable("y");
    sd.math().square(z.sub(y)).sum(1).mean("squares");
    sd.math().exp(z).mean("rates");
    penalty(sd).rename("penalty");
    sd.setLossVariables("squares", "rates", "penalty");
    check(BackPack.on(sd).predictions("z"), BruteForce.on(sd, feeds()).predictions("z"));
  }

  @Test
  void severalPredictions() {
    SameDiff sd = network();
    SDVariable y = sd.getVariable("y");
    SDVariable mean = sd.getVariable("z");
    SDVariable spread = sd.getVariable("h").mmul("s", sd.var("u", Graphs.random(3, 1)));
    // the negative logarithm of a normal density with the logarithm of its variance
    SDVariable scaled =
        sd.math().squaredDifference(mean, y).mul(sd.math().exp(sd.math().neg(spread)));
    scaled.add(spread).mean("loss");
    sd.setLossVariables("loss");
    check(BackPack.on(sd).predictions("z", "s"), BruteForce.on(sd, feeds()).predictions("z", "s"));
  }

  @Test
  void predictionsOfAnotherLayout() {
    SameDiff sd = network();
    SDVariable t = sd.permute("t", sd.getVariable("z"), 1, 0);
    SDVariable y = sd.permute(sd.getVariable("y"), 1, 0);
    sd.math().square(t.sub(y)).mul(sd.math().exp(t)).mean("loss");
    sd.setLossVariables("loss");
    check(BackPack.on(sd).predictions("t"), BruteForce.on(sd, feeds()).predictions("t"));
  }

  /** A weight that is learned acts on the sum of all samples' losses. */
  @Test
  void aLearnedWeightHasNoGradientOfEachSample() {
    SameDiff sd =
        with(
            (graph, z, y) -> {
              SDVariable s = graph.var("s", Nd4j.scalar(0.3));
              SDVariable squares = graph.math().square(z.sub(y)).mean();
              return squares.mul(graph.math().exp(graph.math().neg(s))).add(s);
            });
    assertThatThrownBy(() -> BackPack.extend(sd, new BatchGrad()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("acts on all samples at once");
    List<String> others = List.of("w", "b", "v");
    try (ExtendedGraph graph =
        BackPack.on(sd).without("s").predictions("z").extend(Checked.all())) {
      Map<String, INDArray> answer = graph.output(feeds(), graph.outputNames());
      BruteForce.on(sd, feeds())
          .parameters(others.toArray(new String[0]))
          .predictions("z")
          .verify(answer)
          .orThrow();
    }
    try (ExtendedGraph graph = BackPack.extend(sd)) {
      Map<String, INDArray> answer = graph.output(feeds(), List.of("s.grad", "loss"));
      // loss = squares · exp(−s) + s
      double expected = 1 - (answer.get("loss").getDouble(0) - 0.3);
      assertThat(answer.get("s.grad").getDouble(0)).isCloseTo(expected, within(1e-12));
    }
  }

  @Test
  void aLossThatIsNoSumOverSamplesHasNoGaussNewtonMatrix() {
    SameDiff sd = with((graph, z, y) -> graph.math().sqrt(graph.math().square(z.sub(y)).mean()));
    assertThatThrownBy(() -> BackPack.on(sd).predictions("z").extend(new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("the loss is not a sum over samples");
    try (ExtendedGraph graph = BackPack.extend(sd)) {
      Map<String, INDArray> answer = graph.output(feeds(), graph.outputNames());
      BruteForce.on(sd, feeds()).predictions("z").verify(answer).orThrow();
    }
  }

  @Test
  void aWrittenOutLossNeedsItsPredictionsNamed() {
    SameDiff sd = with((graph, z, y) -> graph.math().square(z.sub(y)).mean());
    assertThatThrownBy(() -> BackPack.extend(sd, new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("BackPack.on(sd).predictions(…)");
  }

  /** Activity regularisation: the loss does not depend on the network through z alone. */
  @Test
  void aTermBesideThePredictionsIsRefused() {
    SameDiff sd =
        with(
            (graph, z, y) -> {
              SDVariable h = graph.getVariable("h");
              return graph.math().square(z.sub(y)).mean().add(graph.math().square(h).mean());
            });
    assertThatThrownBy(() -> BackPack.on(sd).predictions("z").extend(new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("depends on \"w\" otherwise than through the predictions")
        .hasMessageNotContaining("\"v\"");
    assertThatThrownBy(() -> BackPack.on(sd).predictions("z", "h").extend(new DiagGGNExact()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("depends on another prediction");
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      Map<String, INDArray> answer = graph.output(feeds(), graph.outputNames());
      INDArray off = answer.get("w.grad_batch").sum(0).sub(answer.get("w.grad"));
      assertThat(off.amaxNumber().doubleValue()).isLessThan(1e-14);
      double expected = BruteForce.on(sd, feeds()).gradient("w", 2);
      assertThat(answer.get("w.grad").getDouble(0, 2)).isCloseTo(expected, within(1e-9));
    }
  }

  @Test
  void aParameterWithinTheLossIsRefused() {
    SameDiff sd = with(CustomLossTest::rescaled);
    assertThatThrownBy(() -> BackPack.on(sd).predictions("z").extend(new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("depends on \"s\" otherwise than through the predictions");
    List<String> others = List.of("w", "b", "v");
    try (ExtendedGraph graph =
        BackPack.on(sd).without("s").predictions("z").extend(Checked.all())) {
      BruteForce.on(sd, feeds())
          .parameters(others.toArray(new String[0]))
          .predictions("z")
          .verify(graph.output(feeds(), graph.outputNames()))
          .orThrow();
    }
  }

  private static SDVariable rescaled(SameDiff sd, SDVariable z, SDVariable y) {
    return sd.math().square(z.mul(sd.var("s", Graphs.random(3))).sub(y)).mean();
  }

  @Test
  void aFactorThatIsLearnedIsRefused() {
    SameDiff sd =
        with(
            (graph, z, y) ->
                graph.loss().softmaxCrossEntropy(y, z, null).mul(graph.var("s", Nd4j.scalar(0.3))));
    assertThatThrownBy(() -> BackPack.extend(sd, new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("depends on \"s\" otherwise than through the predictions")
        .hasMessageNotContaining("\"w\"");
  }
}
