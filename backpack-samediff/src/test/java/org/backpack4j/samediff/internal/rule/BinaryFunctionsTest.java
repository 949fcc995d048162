package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.custom.DivideNoNan;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.RealDivOp;
import org.nd4j.linalg.factory.Nd4j;

/** Functions f(a, b) with a and b between 0.3 and 2.2, broadcast against each other. */
class BinaryFunctionsTest {
  private interface F {
    SDVariable of(SameDiff sd, SDVariable a, SDVariable b);
  }

  enum Op {
    ADD((sd, a, b) -> a.add(b)),
    ATAN2((sd, a, b) -> sd.math().atan2(a, b)),
    DIVIDE((sd, a, b) -> a.div(b)),
    DIVIDE_NO_NAN((sd, a, b) -> new DivideNoNan(sd, a, b).outputVariable()),
    FLOOR_MOD((sd, a, b) -> sd.math().floorMod(a, b)),
    MAXIMUM((sd, a, b) -> sd.max(a, b)),
    MINIMUM((sd, a, b) -> sd.min(a, b)),
    MOD((sd, a, b) -> sd.math().mod(a, b)),
    MULTIPLY((sd, a, b) -> a.mul(b)),
    POW((sd, a, b) -> sd.math().pow(a, b)),
    REAL_DIVIDE((sd, a, b) -> new RealDivOp(sd, new SDVariable[] {a, b}, false).outputVariable()),
    REVERSE_DIVIDE((sd, a, b) -> a.rdiv(b)),
    REVERSE_SUBTRACT((sd, a, b) -> a.rsub(b)),
    SQUARED_DIFFERENCE((sd, a, b) -> sd.math().squaredDifference(a, b)),
    SUBTRACT((sd, a, b) -> a.sub(b));

    private final F f;

    Op(F f) {
      this.f = f;
    }
  }

  /** How a and b are made, from samples x and w and parameters p and q, and what is broadcast. */
  enum Inputs {
    ALL_BUT_THE_SAMPLE_AXIS(sd -> pair(samples(sd, "p", "x"), parameter(sd, "q", 3, 2))),
    BOTH_FROM_SAMPLES(sd -> pair(samples(sd, "p", "x"), samples(sd, "q", "w", 3, 2))),
    FOLDED_SAMPLES(sd -> pair(samples(sd, "p", "x").reshape(-1, 2), parameter(sd, "q", 2))),
    FOLDED_SAMPLES_OF_BOTH(
        sd ->
            pair(samples(sd, "p", "x").reshape(-1, 2), samples(sd, "q", "w", 3, 1).reshape(-1, 1))),
    LOWER_RANK(sd -> pair(samples(sd, "p", "x"), parameter(sd, "q", 2))),
    LOWER_RANK_FIRST(sd -> pair(parameter(sd, "q", 2), samples(sd, "p", "x"))),
    ONE_COLUMN(sd -> pair(samples(sd, "p", "x"), parameter(sd, "q", 3, 1))),
    ONE_ENTRY(sd -> pair(samples(sd, "p", "x"), parameter(sd, "q", 1))),
    ONE_ENTRY_OF_EACH_SAMPLE(sd -> pair(samples(sd, "p", "x"), samples(sd, "q", "w", 1, 1))),
    ONE_ROW_OF_EACH_SAMPLE_FIRST(sd -> pair(samples(sd, "q", "w", 1, 2), samples(sd, "p", "x"))),
    ONE_SAMPLE(sd -> pair(samples(sd, "p", "x"), parameter(sd, "q", 1, 3, 2))),
    SAMPLES_IN_THE_MIDDLE(
        sd -> pair(sd.permute(samples(sd, "p", "x"), 1, 0, 2), parameter(sd, "q", 3, 1, 1))),
    SAMPLES_IN_THE_MIDDLE_OF_BOTH(
        sd -> pair(sd.permute(samples(sd, "p", "x"), 1, 0, 2), samples(sd, "q", "w", 2))),
    SCALAR(sd -> pair(samples(sd, "p", "x"), parameter(sd, "q"))),
    SCALAR_FIRST(sd -> pair(parameter(sd, "q"), samples(sd, "p", "x")));

    private final Function<SameDiff, SDVariable[]> make;

    Inputs(Function<SameDiff, SDVariable[]> make) {
      this.make = make;
    }

    private static SDVariable[] pair(SDVariable a, SDVariable b) {
      return new SDVariable[] {a, b};
    }
  }

  /** A value [N, 3, 2] that depends on samples and a parameter. */
  private static SDVariable samples(SameDiff sd, String parameter, String placeholder) {
    return samples(sd, parameter, placeholder, 3, 2);
  }

  private static SDVariable samples(
      SameDiff sd, String parameter, String placeholder, long... shape) {
    SDVariable x = Problems.placeholder(sd, placeholder, shape);
    return x.mul(parameter(sd, parameter, shape)).add("from_" + placeholder, 0.3);
  }

  private static SDVariable parameter(SameDiff sd, String name, long... shape) {
    return sd.var(name, Problems.random(name.hashCode(), 0.3, 1.3, shape));
  }

  /** loss = mean(f(a, b)²), f(a, b) the predictions. */
  private static SameDiff before(Inputs inputs, Op op) {
    SameDiff sd = SameDiff.create();
    SDVariable[] pair = inputs.make.apply(sd);
    return Problems.squared(sd, op.f.of(sd, pair[0], pair[1]));
  }

  /** loss = mean(f(a, b)³ − f(a, b)), a and b the predictions: its slope changes sign. */
  private static SameDiff behind(Inputs inputs, Op op) {
    SameDiff sd = SameDiff.create();
    SDVariable[] pair = inputs.make.apply(sd);
    SDVariable f = op.f.of(sd, pair[0], pair[1]);
    sd.math().cube(f).sub(f).mean("loss");
    sd.setLossVariables("loss");
    return sd;
  }

  private static void verify(SameDiff sd, String... predictions) {
    Problems.verify(sd, Problems.feeds(sd, 0.3, 1.3), predictions);
  }

  @ParameterizedTest
  @EnumSource(Op.class)
  void everyFunctionOfSamplesAndParameter(Op op) {
    verify(before(Inputs.LOWER_RANK, op), "z");
  }

  /** Those with kinks are linear in pieces: second differences would not tell. */
  @ParameterizedTest
  @EnumSource(
      value = Op.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"FLOOR_MOD", "MAXIMUM", "MINIMUM", "MOD"})
  void everyFunctionsCurvature(Op op) {
    verify(behind(Inputs.BOTH_FROM_SAMPLES, op), "from_x", "from_w");
  }

  @ParameterizedTest
  @EnumSource(Inputs.class)
  void everyBroadcast(Inputs inputs) {
    verify(before(inputs, Op.DIVIDE), "z");
  }

  @ParameterizedTest
  @EnumSource(
      value = Inputs.class,
      names = {
        "FOLDED_SAMPLES_OF_BOTH",
        "ONE_ENTRY_OF_EACH_SAMPLE",
        "ONE_ROW_OF_EACH_SAMPLE_FIRST",
        "SAMPLES_IN_THE_MIDDLE_OF_BOTH"
      })
  void everyBroadcastsCurvature(Inputs inputs) {
    verify(behind(inputs, Op.ATAN2), "from_x", "from_w");
  }

  /** M2.1 takes two inputs of one shape alone. */
  @Test
  void theSigmoidsDerivativeTimesAnother() {
    for (String[] predictions : new String[][] {{"z"}, {"from_x", "from_w"}}) {
      SameDiff sd = SameDiff.create();
      SDVariable f = sd.nn().sigmoidDerivative(samples(sd, "p", "x"), samples(sd, "q", "w"));
      Problems.verifyInEveryWay(
          Problems.squared(sd, f.mul(3)), Problems.feeds(sd, 0.3, 1.3), predictions);
    }
  }

  /** One after the other on one graph: every layout, every way of running. */
  @Test
  void inEveryWay() {
    SameDiff sd = SameDiff.create();
    SDVariable a = samples(sd, "p", "x");
    SDVariable b = samples(sd, "q", "w", 1, 2);
    SDVariable r = parameter(sd, "r", 2);
    SDVariable sum = null;
    for (Op op : Op.values()) {
      SDVariable z = op.f.of(sd, op.f.of(sd, a, b), r);
      sum = sum == null ? z : sum.add(z);
    }
    Problems.squared(sd, sum);
    Problems.verifyInEveryWay(sd, Problems.feeds(sd, 0.3, 1.3), "z");
  }

  @Test
  void bothInputsAreParametersBeforeAMatrixProduct() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable masked = parameter(sd, "w", 3, 2).mul(parameter(sd, "m", 3, 1));
    SDVariable weights = sd.math().pow(masked, parameter(sd, "e")).sub(parameter(sd, "s", 2));
    verify(Problems.squared(sd, x.mmul(weights)), "z");
  }

  /** But for a mod a, which jumps everywhere. */
  @ParameterizedTest
  @EnumSource(
      value = Op.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"FLOOR_MOD", "MOD"})
  void oneVariableTwice(Op op) {
    SameDiff sd = SameDiff.create();
    SDVariable a = samples(sd, "p", "x");
    SDVariable f = op.f.of(sd, a, a).add(a);
    sd.math().square(f.mul(sd.placeHolder("w", DataType.DOUBLE, -1, 3, 2))).mean("loss");
    sd.setLossVariables("loss");
    verify(sd, "from_x");
  }

  @Test
  void inTiesBothInputsTakeTheWholeSignalAsInNd4j() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 1);
    SDVariable p = sd.var("p", Nd4j.createFromArray(1.0));
    SDVariable q = sd.var("q", Nd4j.createFromArray(1.0));
    sd.max(x.mul(p), x.mul(q)).add(sd.min(x.mul(p), x.mul(q)).mul(10)).sum("loss");
    sd.setLossVariables("loss");
    sd.setEnableCache(false);
    Map<String, INDArray> feeds = Map.of("x", Nd4j.createFromArray(1.0, 2.0).reshape(2, 1));
    Map<String, INDArray> expected = sd.calculateGradients(feeds, "p", "q");
    try (ExtendedGraph graph = BackPack.extend(sd)) {
      Map<String, INDArray> answer = graph.output(feeds, List.of("p.grad", "q.grad"));
      assertThat(answer.get("p.grad")).isEqualTo(expected.get("p"));
      assertThat(answer.get("q.grad")).isEqualTo(expected.get("q"));
      assertThat(answer.get("p.grad").getDouble(0)).isEqualTo(33);
    }
  }

  @Test
  void nothingPassesWholeQuotients() {
    SameDiff sd = SameDiff.create();
    SDVariable a = samples(sd, "p", "x");
    SDVariable b = samples(sd, "q", "w", 3, 2);
    verify(Problems.squared(sd, sd.math().floorDiv(a, b).add(a)), "z");
  }

  /** {@code assign} answers the second input in the first one's shape. */
  @Test
  void assignmentPassesTheSecondInput() {
    SameDiff sd = SameDiff.create();
    SDVariable a = samples(sd, "p", "x");
    verify(Problems.squared(sd, sd.assign(a.mul(2), a)), "z");
  }

  /** At a = 0 and where b or b − 1 is zero there is no power to multiply with. */
  @Test
  void powersOfZero() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable u = x.add("u", sd.var("b", Nd4j.zeros(DataType.DOUBLE, 4)));
    SDVariable exponents = sd.placeHolder("y", DataType.DOUBLE, -1, 4);
    sd.math().pow(u, exponents).sum("loss");
    sd.setLossVariables("loss");
    INDArray zeros = Nd4j.zeros(DataType.DOUBLE, 1, 4);
    INDArray powers = Nd4j.createFromArray(0.0, 1, 2, 3).reshape(1, 4);
    try (ExtendedGraph graph = BackPack.on(sd).predictions("u").extend(Checked.all())) {
      Map<String, INDArray> answer =
          graph.output(Map.of("x", zeros, "y", powers), List.of("b.grad", "b.diag_ggn_exact"));
      assertThat(answer.get("b.grad").toDoubleVector()).containsExactly(0, 1, 0, 0);
      assertThat(answer.get("b.diag_ggn_exact").toDoubleVector())
          .containsExactly(new double[] {0, 0, 2, 0}, within(1e-12));
    }
  }

  @Test
  void divisionByZeroThatIsZeroHasNoDerivative() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2);
    SDVariable p = parameter(sd, "p", 2);
    SDVariable q = sd.var("q", Nd4j.createFromArray(0.0, 2.0));
    new DivideNoNan(sd, x.mul(p), q).outputVariable().sum("loss");
    sd.setLossVariables("loss");
    try (ExtendedGraph graph = BackPack.extend(sd)) {
      INDArray ones = Nd4j.ones(DataType.DOUBLE, 3, 2);
      Map<String, INDArray> answer = graph.output(Map.of("x", ones), List.of("p.grad", "q.grad"));
      double factor = sd.getVariable("p").getArr().getDouble(1);
      assertThat(answer.get("p.grad").toDoubleVector()).containsExactly(0, 1.5);
      assertThat(answer.get("q.grad").toDoubleVector()).containsExactly(0, -0.75 * factor);
    }
  }

  /** An integer constant is promoted by ND4J; the derivative is not one of whole numbers. */
  @Test
  void mixedTypes() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2);
    SDVariable p = parameter(sd, "p", 2);
    SDVariable three = sd.constant("three", Nd4j.createFromArray(3, 4));
    SDVariable single = sd.var("q", Problems.random(5, 0.3, 1.3, 2).castTo(DataType.FLOAT));
    verify(Problems.squared(sd, x.mul(p).div(three).mul(single)), "z");
  }
}
