package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.SaveAndLoad;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.scalar.ScalarRemainder;
import org.nd4j.linalg.api.ops.impl.transforms.custom.ThresholdRelu;
import org.nd4j.linalg.api.ops.impl.transforms.same.OneMinus;
import org.nd4j.linalg.api.ops.impl.transforms.same.TimesOneMinus;
import org.nd4j.linalg.api.ops.impl.transforms.strict.ELU;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Mish;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Every function of one input. The graph is loss = mean(c · f(u)) with u = x + b and u the
 * predictions: b's gradient of sample n is c f'(xₙ)/N, its exact diagonal c f''(xₙ)/N.
 */
class FunctionsTest {
  /** Builds f, and points at which it is smooth. */
  record Function(String name, double[] points, BiFunction<SameDiff, SDVariable, SDVariable> f) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static final double[] ANYWHERE = {-30, -7.3, -1.7, -0.4, 0.3, 0.9, 3.1, 30};
  private static final double[] SMALL = {-4.2, -1.7, -0.4, 0, 0.3, 0.9, 3.1};
  private static final double[] SMALL_BUT_ZERO = {-4.2, -1.7, -0.4, 0.3, 0.9, 3.1};
  private static final double[] WITHIN_ONE = {-0.93, -0.4, 0, 0.3, 0.71};
  private static final double[] POSITIVE = {0.2, 0.9, 1.6, 4.1, 30};

  static List<Function> linear() {
    return List.of(
        f("abs", ANYWHERE, (sd, x) -> sd.math().abs(x)),
        f("add_scalar", ANYWHERE, (sd, x) -> x.add(2.5)),
        f("clip", ANYWHERE, (sd, x) -> sd.math().clipByValue(x, -1, 2)),
        f(
            "clip by constants",
            ANYWHERE,
            (sd, x) ->
                sd.clipByValue(
                    x,
                    sd.constant(Nd4j.scalar(x.dataType(), -1)),
                    sd.constant(Nd4j.scalar(x.dataType(), 2)))),
        f("div_scalar", ANYWHERE, (sd, x) -> x.div(2.5)),
        f("fmod_scalar", ANYWHERE, (sd, x) -> sd.math().floorMod(x, 0.7)),
        f("hard_sigmoid", ANYWHERE, (sd, x) -> sd.nn().hardSigmoid(x)),
        f("hardtanh", ANYWHERE, (sd, x) -> sd.nn().hardTanh(x)),
        f("identity", ANYWHERE, (sd, x) -> sd.identity(x)),
        f("leakyrelu", ANYWHERE, (sd, x) -> sd.nn().leakyRelu(x, 0.3)),
        f("max_scalar", ANYWHERE, (sd, x) -> sd.scalarMax(x, 0.5)),
        f("mul_scalar", ANYWHERE, (sd, x) -> x.mul(-2.5)),
        f("neg", ANYWHERE, (sd, x) -> sd.math().neg(x)),
        f("oneminus", ANYWHERE, (sd, x) -> new OneMinus(sd, x, false).outputVariable()),
        f("pow 1", SMALL, (sd, x) -> sd.math().pow(x, 1)),
        f("relu", ANYWHERE, (sd, x) -> sd.nn().relu(x, 0)),
        f("relu with cutoff", ANYWHERE, (sd, x) -> sd.nn().relu(x, 0.5)),
        f("relu6", ANYWHERE, (sd, x) -> sd.nn().relu6(x, 0)),
        f("relu6 with cutoff", ANYWHERE, (sd, x) -> sd.nn().relu6(x, 0.5)),
        f(
            "remainder_scalar",
            ANYWHERE,
            (sd, x) -> new ScalarRemainder(sd, x, 0.7).outputVariable()),
        f("rsub_scalar", ANYWHERE, (sd, x) -> x.rsub(2.5)),
        f("scalar_min", ANYWHERE, (sd, x) -> sd.scalarMin(x, 0.5)),
        f("sub_scalar", ANYWHERE, (sd, x) -> x.sub(2.5)),
        f("thresholdedrelu", ANYWHERE, (sd, x) -> new ThresholdRelu(sd, x, 0.5).outputVariable()));
  }

  static List<Function> flat() {
    return List.of(
        f("ceil", ANYWHERE, (sd, x) -> sd.math().ceil(x)),
        f("floor", ANYWHERE, (sd, x) -> sd.math().floor(x)),
        f("pow 0", SMALL, (sd, x) -> sd.math().pow(x, 0)),
        f("round", ANYWHERE, (sd, x) -> sd.math().round(x)),
        f("sign", ANYWHERE, (sd, x) -> sd.math().sign(x)),
        f("step", ANYWHERE, (sd, x) -> sd.math().step(x, 0.5)),
        f("comparison", ANYWHERE, (sd, x) -> x.gt(0.5).castTo(x.dataType())),
        f("comparison with itself", ANYWHERE, (sd, x) -> sd.gte(x, x).castTo(x.dataType())),
        f("cast to an integer", ANYWHERE, (sd, x) -> x.castTo(DataType.INT32).castTo(x.dataType())),
        f("is NaN", ANYWHERE, (sd, x) -> sd.math().isNaN(x).castTo(x.dataType())),
        f("hardTanhDerivative", ANYWHERE, (sd, x) -> sd.nn().hardTanhDerivative(x)),
        f("leakyReluDerivative", ANYWHERE, (sd, x) -> sd.nn().leakyReluDerivative(x, 0.3)),
        f("zerosLike", ANYWHERE, (sd, x) -> sd.zerosLike(x)),
        f("scalarSet", ANYWHERE, (sd, x) -> sd.scalarSet(x, 0.7)));
  }

  static List<Function> curved() {
    return List.of(
        f("acos", WITHIN_ONE, (sd, x) -> sd.math().acos(x)),
        f("acosh", new double[] {1.02, 1.3, 2, 9}, (sd, x) -> sd.math().acosh(x)),
        f("asin", WITHIN_ONE, (sd, x) -> sd.math().asin(x)),
        f("asinh", SMALL, (sd, x) -> sd.math().asinh(x)),
        f("atan", SMALL, (sd, x) -> sd.math().atan(x)),
        f("atanh", WITHIN_ONE, (sd, x) -> sd.math().atanh(x)),
        f("cos", SMALL, (sd, x) -> sd.math().cos(x)),
        f("cosh", SMALL, (sd, x) -> sd.math().cosh(x)),
        f("cube", SMALL, (sd, x) -> sd.math().cube(x)),
        f("elu", ANYWHERE, (sd, x) -> sd.nn().elu(x)),
        f("elu with alpha", ANYWHERE, FunctionsTest::eluWithAlpha),
        f("erf", SMALL, (sd, x) -> sd.math().erf(x)),
        f("erfc", SMALL, (sd, x) -> sd.math().erfc(x)),
        f("exp", SMALL, (sd, x) -> sd.math().exp(x)),
        f("expm1", SMALL, (sd, x) -> sd.math().expm1(x)),
        f("gelu", ANYWHERE, (sd, x) -> sd.nn().gelu(x)),
        f("log", POSITIVE, (sd, x) -> sd.math().log(x)),
        f("log1p", POSITIVE, (sd, x) -> sd.math().log1p(x)),
        f("log to base 3", POSITIVE, (sd, x) -> sd.math().log(x, 3)),
        f("logsigmoid", ANYWHERE, (sd, x) -> sd.nn().logSigmoid(x)),
        f("mish", ANYWHERE, (sd, x) -> new Mish(sd, x, false).outputVariable()),
        f("pow 2", SMALL, (sd, x) -> sd.math().pow(x, 2)),
        f("pow 3", SMALL, (sd, x) -> sd.math().pow(x, 3)),
        f("pow 4", SMALL, (sd, x) -> sd.math().pow(x, 4)),
        f("pow 2.5", POSITIVE, (sd, x) -> sd.math().pow(x, 2.5)),
        f("pow 0.5", POSITIVE, (sd, x) -> sd.math().pow(x, 0.5)),
        f("pow -1", SMALL_BUT_ZERO, (sd, x) -> sd.math().pow(x, -1)),
        f("pow -2", SMALL_BUT_ZERO, (sd, x) -> sd.math().pow(x, -2)),
        f("precise gelu", ANYWHERE, (sd, x) -> sd.nn().preciseGelu(x)),
        f("rational tanh", ANYWHERE, (sd, x) -> sd.math().rationalTanh(x)),
        f("rdiv_scalar", SMALL_BUT_ZERO, (sd, x) -> x.rdiv(2.5)),
        f("reciprocal", SMALL_BUT_ZERO, (sd, x) -> sd.math().reciprocal(x)),
        f("rectified tanh", ANYWHERE, (sd, x) -> sd.math().rectifiedTanh(x)),
        f("rsqrt", POSITIVE, (sd, x) -> sd.math().rsqrt(x)),
        f("selu", ANYWHERE, (sd, x) -> sd.nn().selu(x)),
        f("sigmoid", ANYWHERE, (sd, x) -> sd.nn().sigmoid(x)),
        f("sin", SMALL, (sd, x) -> sd.math().sin(x)),
        f("sinh", SMALL, (sd, x) -> sd.math().sinh(x)),
        f("softplus", ANYWHERE, (sd, x) -> sd.nn().softplus(x)),
        f("softsign", ANYWHERE, (sd, x) -> sd.nn().softsign(x)),
        f("softsignDerivative", SMALL_BUT_ZERO, (sd, x) -> sd.nn().softsignDerivative(x)),
        f("sqrt", POSITIVE, (sd, x) -> sd.math().sqrt(x)),
        f("square", SMALL, (sd, x) -> sd.math().square(x)),
        f("swish", ANYWHERE, (sd, x) -> sd.nn().swish(x)),
        f("tan", WITHIN_ONE, (sd, x) -> sd.math().tan(x)),
        f("tanh", ANYWHERE, (sd, x) -> sd.nn().tanh(x)),
        f("x (1 - x)", SMALL, (sd, x) -> new TimesOneMinus(sd, x, false).outputVariable()));
  }

  private static Function f(
      String name, double[] points, BiFunction<SameDiff, SDVariable, SDVariable> f) {
    return new Function(name, points, f);
  }

  private static SDVariable eluWithAlpha(SameDiff sd, SDVariable x) {
    ELU elu = new ELU(sd, x);
    elu.removeTArgument(1.0);
    elu.addTArgument(0.6);
    return elu.outputVariable();
  }

  @ParameterizedTest
  @MethodSource("curved")
  void bothDerivatives(Function function) {
    verify(function, new BatchGrad(), new BatchDiagGGNExact());
  }

  @ParameterizedTest
  @MethodSource({"linear", "flat"})
  void firstDerivativeWhereTheSecondIsZero(Function function) {
    verify(function, new BatchGrad());
    Map<String, INDArray> curvature =
        derivatives(List.of(function), DataType.DOUBLE, function.points());
    assertThat(curvature.get("b0.diag_ggn_exact_batch").amaxNumber().doubleValue()).isZero();
  }

  private static void verify(Function function, Extension... extensions) {
    SameDiff sd = graph(List.of(function), DataType.DOUBLE);
    Map<String, INDArray> feeds = feeds(DataType.DOUBLE, function.points());
    try (ExtendedGraph graph = BackPack.on(sd).predictions("u0").extend(extensions)) {
      BruteForce.on(sd, feeds)
          .predictions("u0")
          .verify(graph.output(feeds, graph.outputNames()))
          .orThrow();
    }
  }

  /** All functions at once, in every way of running a graph and every layout. */
  @ParameterizedTest
  @MethodSource("domains")
  void inEveryWay(List<Function> functions, double[] points) {
    SameDiff sd = graph(functions, DataType.DOUBLE);
    Map<String, INDArray> feeds = feeds(DataType.DOUBLE, points);
    String[] predictions = predictions(functions);
    try (ExtendedGraph graph =
        BackPack.on(sd).predictions(predictions).extend(new BatchGrad(), new BatchDiagGGNExact())) {
      List<String> names = graph.outputNames();
      Map<String, INDArray> all = Checked.inEveryWay(graph, feeds, names);
      SameDiff loaded = SaveAndLoad.through(graph.sameDiff());
      Checked.compare("loaded", all, loaded.output(feeds, names.toArray(new String[0])));
    }
  }

  static Stream<Arguments> domains() {
    Set<String> masks = Set.of("abs", "clip", "hard_sigmoid", "leakyrelu", "relu6");
    List<Function> functions =
        Stream.concat(linear().stream().filter(f -> masks.contains(f.name())), curved().stream())
            .filter(f -> !f.name().equals("mish")) // M2.1 cannot load it
            .toList();
    return Stream.of(ANYWHERE, WITHIN_ONE, POSITIVE, SMALL, SMALL_BUT_ZERO)
        .map(
            points ->
                Arguments.of(
                    functions.stream().filter(f -> f.points() == points).toList(), points));
  }

  private static List<Function> everything() {
    return Stream.of(linear(), flat(), curved()).flatMap(List::stream).toList();
  }

  @Test
  void nothingOverflowsInSinglePrecision() {
    double[] points = {-1000, -88, -30, -1, 0, 1, 30, 88, 1000};
    List<Function> functions = everything().stream().filter(f -> f.points() == ANYWHERE).toList();
    Map<String, INDArray> single = derivatives(functions, DataType.FLOAT, points);
    derivatives(functions, DataType.DOUBLE, points)
        .forEach(
            (name, twice) -> {
              double[] expected = twice.ravel().toDoubleVector();
              double[] actual = single.get(name).ravel().castTo(DataType.DOUBLE).toDoubleVector();
              for (int n = 0; n < points.length; n++) {
                assertThat(actual[n])
                    .as("%s of %s at %s", name, functions, points[n])
                    .isCloseTo(expected[n], within(2e-6 + 1e-4 * Math.abs(expected[n])));
              }
            });
  }

  private static Map<String, INDArray> derivatives(
      List<Function> functions, DataType type, double[] points) {
    SameDiff sd = graph(functions, type);
    try (ExtendedGraph graph =
        BackPack.on(sd)
            .predictions(predictions(functions))
            .extend(new BatchGrad(), new BatchDiagGGNExact())) {
      List<String> bySample =
          graph.outputNames().stream().filter(name -> name.endsWith("_batch")).toList();
      return graph.output(feeds(type, points), bySample);
    }
  }

  private static SameDiff graph(List<Function> functions, DataType type) {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", type, -1, 1);
    SDVariable c = sd.placeHolder("c", type, -1, 1);
    SDVariable sum = null;
    for (int k = 0; k < functions.size(); k++) {
      SDVariable u = x.add("u" + k, sd.var("b" + k, Nd4j.zeros(type, 1)));
      SDVariable f = functions.get(k).f().apply(sd, u);
      sum = sum == null ? f : sum.add(f);
    }
    sum.mul(c).mean("loss");
    sd.setLossVariables("loss");
    return sd;
  }

  private static String[] predictions(List<Function> functions) {
    return IntStream.range(0, functions.size()).mapToObj(k -> "u" + k).toArray(String[]::new);
  }

  private static Map<String, INDArray> feeds(DataType type, double... points) {
    double[] weights = new double[points.length];
    Arrays.setAll(weights, n -> n % 3 == 1 ? -1.5 : 1);
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    feeds.put("x", Nd4j.createFromArray(points).castTo(type).reshape(points.length, 1));
    feeds.put("c", Nd4j.createFromArray(weights).castTo(type).reshape(points.length, 1));
    return feeds;
  }

  /** At a kink there is no derivative; ours is the one that ND4J takes. */
  @ParameterizedTest
  @MethodSource("kinks")
  void kinksAreThoseOfNd4j(Function function, double... points) {
    SameDiff sd = graph(List.of(function), DataType.DOUBLE);
    sd.setEnableCache(false);
    Map<String, INDArray> feeds = feeds(DataType.DOUBLE, points);
    INDArray expected = sd.calculateGradients(feeds, "b0").get("b0");
    try (ExtendedGraph graph = BackPack.extend(sd)) {
      // some of ND4J's derivatives have constants in single precision
      assertThat(graph.output(feeds, List.of("b0.grad")).get("b0.grad").getDouble(0))
          .isCloseTo(expected.getDouble(0), within(1e-8));
    }
  }

  static Stream<Arguments> kinks() {
    Map<String, double[]> kinks =
        Map.ofEntries(
            Map.entry("abs", new double[] {0}),
            Map.entry("clip", new double[] {-1, 2}),
            Map.entry("elu", new double[] {0}),
            Map.entry("hard_sigmoid", new double[] {-2.5, 2.5}),
            Map.entry("hardtanh", new double[] {-1, 1}),
            Map.entry("leakyrelu", new double[] {0}),
            Map.entry("max_scalar", new double[] {0.5}),
            Map.entry("rectified tanh", new double[] {0}),
            Map.entry("relu", new double[] {0}),
            Map.entry("relu with cutoff", new double[] {0.5}),
            Map.entry("relu6", new double[] {0, 6}),
            Map.entry("scalar_min", new double[] {0.5}),
            Map.entry("selu", new double[] {0}),
            Map.entry("softsign", new double[] {0}),
            Map.entry("thresholdedrelu", new double[] {0.5}));
    return everything().stream()
        .filter(f -> kinks.containsKey(f.name()))
        .map(f -> Arguments.of(f, kinks.get(f.name())));
  }
}
