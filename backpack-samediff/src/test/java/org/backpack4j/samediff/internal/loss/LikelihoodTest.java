package org.backpack4j.samediff.internal.loss;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.SumGradSquared;
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

/**
 * Losses of probabilities that a softmax or a sigmoid has made: the columns start in front of that
 * function, and are those of SameDiff's own loss of logits.
 */
class LikelihoodTest {
  private static final int N = 4;
  private static final int F = 3;

  /** A loss of labels y and what goes into the function, z. */
  private interface Loss {
    SDVariable of(SameDiff sd, SDVariable y, SDVariable z);
  }

  private static INDArray random(long seed, long... shape) {
    Random random = new Random(seed);
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    for (long k = 0; k < array.length(); k++) {
      array.putScalar(k, 2 * random.nextDouble() - 1);
    }
    return array;
  }

  /** z = tanh(x v) w + b of rows, or of steps. */
  private static SameDiff graph(long[] row, Loss loss) {
    SameDiff sd = SameDiff.create();
    int c = (int) row[row.length - 1];
    long[] in = row.clone();
    in[in.length - 1] = F;
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, open(in));
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, open(row));
    SDVariable v = sd.var("v", random(1, F, 4));
    SDVariable w = sd.var("w", random(2, 4, c));
    SDVariable b = sd.var("b", random(3, c));
    SDVariable flat = sd.math().tanh(sd.reshape(x, -1, F).mmul(v)).mmul(w).add(b);
    SDVariable z = sd.reshape("z", flat, open(row));
    SDVariable all = loss.of(sd, y, z);
    all.rename("loss");
    sd.setLossVariables("loss");
    return sd;
  }

  private static long[] open(long[] row) {
    long[] shape = new long[row.length + 1];
    shape[0] = -1;
    System.arraycopy(row, 0, shape, 1, row.length);
    return shape;
  }

  private static Map<String, INDArray> feeds(long[] row, boolean classes) {
    long[] in = open(row);
    in[0] = N;
    INDArray y = random(5, in).gt(0).castTo(DataType.DOUBLE);
    if (classes) {
      INDArray rows =
          Nd4j.zeros(DataType.DOUBLE, y.length() / row[row.length - 1], row[row.length - 1]);
      for (int n = 0; n < rows.size(0); n++) {
        rows.putScalar(n, (2L * n + n / 3) % rows.size(1), 1);
      }
      y = rows.reshape(in);
    }
    in[in.length - 1] = F;
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    feeds.put("x", random(4, in));
    feeds.put("y", y);
    return feeds;
  }

  private static SDVariable entropy(SameDiff sd, SDVariable y, SDVariable p) {
    return y.mul(sd.math().log(p)).sum().neg().div(N);
  }

  private static SDVariable binary(SameDiff sd, SDVariable y, SDVariable p) {
    SDVariable one = y.mul(sd.math().log(p));
    return one.add(y.rsub(1).mul(sd.math().log(p.rsub(1)))).mean().neg();
  }

  private static final long[] ROW = {3};
  private static final long[] STEPS = {2, 3};

  private static final Loss SOFTMAX =
      (sd, y, z) ->
          sd.loss().softmaxCrossEntropy("l", y, z, sd.constant(1.0), LossReduce.SUM, 0).div(N);

  private static final Loss SIGMOID =
      (sd, y, z) -> sd.loss().sigmoidCrossEntropy("l", y, z, sd.constant(1.0));

  private static SDVariable logLoss(SameDiff sd, SDVariable y, SDVariable p, double epsilon) {
    return sd.loss()
        .logLoss("l", y, p, sd.constant(1.0), LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT, epsilon);
  }

  /** One and the same function, with one of SameDiff's losses of logits beside it. */
  static Stream<Arguments> likelihoods() {
    return Stream.of(
        of("written out", ROW, (sd, y, z) -> entropy(sd, y, sd.nn().softmax(z)), SOFTMAX),
        of("of steps", STEPS, (sd, y, z) -> entropy(sd, y, sd.nn().softmax(z, -1)), SOFTMAX),
        of(
            "laid out otherwise",
            STEPS,
            (sd, y, z) ->
                entropy(
                    sd,
                    sd.reshape(sd.permute(y, 0, 2, 1), -1, 6),
                    sd.reshape(sd.permute(sd.nn().softmax(z, 2), 0, 2, 1), -1, 6)),
            SOFTMAX),
        of(
            "weighted",
            ROW,
            (sd, y, z) -> {
              SDVariable terms = y.mul(sd.math().log(sd.nn().softmax(z))).sum(1);
              return terms.mul(-0.5).mean().add(terms.mean().mul(-0.5));
            },
            SOFTMAX),
        of("binary", ROW, (sd, y, z) -> binary(sd, y, sd.nn().sigmoid(z)), SIGMOID),
        of("binary steps", STEPS, (sd, y, z) -> binary(sd, y, sd.nn().sigmoid(z)), SIGMOID),
        of("log loss", ROW, (sd, y, z) -> logLoss(sd, y, sd.nn().sigmoid(z), 0), SIGMOID),
        of(
            "log loss of steps",
            STEPS,
            (sd, y, z) -> logLoss(sd, y, sd.nn().sigmoid(z), 0),
            SIGMOID));
  }

  private static Arguments of(String name, long[] row, Loss loss, Loss own) {
    return Arguments.of(name, row, loss, own);
  }

  private static Map<String, INDArray> quantities(SameDiff sd, Map<String, INDArray> feeds) {
    try (ExtendedGraph graph =
        BackPack.extend(sd, new BatchGrad(), new DiagGGNExact(), new DiagGGNMC(3))) {
      assertThat(graph.notes()).isEmpty();
      return graph.output(feeds, graph.outputNames());
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("likelihoods")
  void theColumnsAreThoseOfALossOfLogits(String name, long[] row, Loss loss, Loss own) {
    Map<String, INDArray> feeds = feeds(row, own == SOFTMAX);
    Map<String, INDArray> expected = quantities(graph(row, own), feeds);
    Map<String, INDArray> actual = quantities(graph(row, loss), feeds);
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (quantity, array) ->
            assertThat(array.sub(actual.get(quantity)).amaxNumber().doubleValue())
                .as(quantity)
                .isLessThanOrEqualTo(1e-12 * Math.max(1, array.amaxNumber().doubleValue())));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("likelihoods")
  void whereTheLogitsAreNamedTheyAreTheSame(String name, long[] row, Loss loss, Loss own) {
    Map<String, INDArray> feeds = feeds(row, own == SOFTMAX);
    SameDiff sd = graph(row, loss);
    Map<String, INDArray> found = quantities(sd, feeds);
    try (ExtendedGraph graph =
        BackPack.on(sd).predictions("z").extend(new DiagGGNExact(), new DiagGGNMC(3))) {
      graph
          .output(feeds, graph.outputNames())
          .forEach((quantity, array) -> assertThat(array).isEqualTo(found.get(quantity)));
    }
  }

  /** Losses with a closed form, and others that start in front of the function all the same. */
  static Stream<Arguments> curved() {
    return Stream.concat(
        likelihoods().map(a -> Arguments.of(a.get()[0], a.get()[1], a.get()[2])),
        Stream.of(
            Arguments.of(
                "shifted log loss",
                ROW,
                (Loss) (sd, y, z) -> logLoss(sd, y, sd.nn().sigmoid(z), 0.1)),
            Arguments.of(
                "log loss of a softmax",
                ROW,
                (Loss) (sd, y, z) -> logLoss(sd, y, sd.nn().softmax(z), 1e-3)),
            Arguments.of(
                "shifted", ROW, (Loss) (sd, y, z) -> entropy(sd, y, sd.nn().softmax(z).add(0.1))),
            Arguments.of(
                "clipped",
                ROW,
                (Loss)
                    (sd, y, z) ->
                        entropy(sd, y, sd.math().clipByValue(sd.nn().softmax(z), 1e-3, 1 - 1e-3))),
            Arguments.of(
                "a softmax of two axes",
                STEPS,
                (Loss) (sd, y, z) -> entropy(sd, y, sd.nn().softmax(z, 1)))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("curved")
  void bruteForceStartsThereToo(String name, long[] row, Loss loss) {
    Map<String, INDArray> feeds = feeds(row, true);
    SameDiff sd = graph(row, loss);
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad(), new DiagGGNExact())) {
      Map<String, INDArray> results = graph.output(feeds, graph.outputNames());
      BruteForce.on(sd, feeds).verifier().entries(3).verify(results).orThrow();
      BruteForce.on(sd, feeds).predictions("z").verifier().entries(3).verify(results).orThrow();
    }
  }

  /** No likelihood of one label: its columns are drawn by their signs. */
  @Test
  void aLogLossOfASoftmaxIsSampledToo() {
    SameDiff sd = graph(ROW, (g, y, z) -> logLoss(g, y, g.nn().softmax(z), 1e-7));
    Map<String, INDArray> feeds = feeds(ROW, true);
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNExact(), new DiagGGNMC(4000))) {
      Map<String, INDArray> results = graph.output(feeds, graph.outputNames());
      INDArray exact = results.get("b.diag_ggn_exact");
      double off = results.get("b.diag_ggn_mc").sub(exact).norm2Number().doubleValue();
      assertThat(off / exact.norm2Number().doubleValue()).isLessThan(0.1);
    }
  }

  /** predictions(…) chooses: at the probabilities the Hessian of one logarithm has rank one. */
  @Test
  void theProbabilitiesCanBeNamed() {
    Map<String, INDArray> feeds = feeds(ROW, true);
    SameDiff sd = graph(ROW, (g, y, z) -> entropy(g, y, g.nn().softmax("p", z, -1)));
    try (ExtendedGraph graph =
        BackPack.on(sd).predictions("p").extend(new SumGradSquared(), new DiagGGNExact())) {
      Map<String, INDArray> results = graph.output(feeds, graph.outputNames());
      INDArray scaled = results.get("b.sum_grad_squared").mul(N); // (1/N)² there, 1/N here
      assertThat(scaled.sub(results.get("b.diag_ggn_exact")).amaxNumber().doubleValue())
          .isLessThan(1e-12);
    }
  }

  /** What else reads the probabilities would have its own curvature in front of them. */
  @Test
  void probabilitiesThatOthersReadAreNoted() {
    SameDiff sd =
        graph(
            ROW,
            (g, y, z) -> {
              SDVariable p = g.nn().sigmoid(z);
              return logLoss(g, y, p, 1e-7)
                  .add(g.loss().meanSquaredError("m", y, p, g.constant(1.0)));
            });
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNExact())) {
      assertThat(graph.notes())
          .singleElement()
          .asString()
          .contains("\"l\" (log_loss): second-order quantities start behind the sigmoid")
          .contains("other ops read them as well")
          .contains("predictions(…)");
      Map<String, INDArray> feeds = feeds(ROW, true);
      BruteForce.on(sd, feeds)
          .verifier()
          .entries(3)
          .verify(graph.output(feeds, graph.outputNames()))
          .orThrow();
    }
  }

  /** Saturated probabilities, in single precision: no cancellation, no infinity. */
  @Test
  void saturatedProbabilitiesKeepTheirCurvature() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, 1);
    SDVariable y = sd.placeHolder("y", DataType.FLOAT, -1, 1);
    SDVariable b = sd.var("b", Nd4j.createFromArray(16f));
    SDVariable p = sd.nn().sigmoid(x.add(b));
    SDVariable weight = sd.constant(Nd4j.scalar(1f));
    sd.loss().logLoss("loss", y, p, weight, LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT, 0);
    sd.setLossVariables("loss");
    Map<String, INDArray> feeds =
        Map.of("x", Nd4j.zeros(DataType.FLOAT, 2, 1), "y", Nd4j.ones(DataType.FLOAT, 2, 1));
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNExact())) {
      double curvature =
          graph.output(feeds, "b.diag_ggn_exact").get("b.diag_ggn_exact").getDouble(0);
      double q = 1 / (1 + Math.exp(16));
      assertThat(curvature)
          .isCloseTo(q * (1 - q), org.assertj.core.data.Percentage.withPercentage(0.01));
    }
  }
}
