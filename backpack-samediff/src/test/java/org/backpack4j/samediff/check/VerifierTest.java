package org.backpack4j.samediff.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Results from a closed form, right ones and wrong ones. */
class VerifierTest {
  private static final int N = Mlp.SAMPLES;

  private final Mlp mlp = new Mlp(DataType.DOUBLE, 11);
  private BruteForce brute;
  private ClosedForm closed;

  @BeforeEach
  void setUp() {
    mlp.graph.loss().softmaxCrossEntropy("loss", mlp.labels, mlp.logits, null);
    brute = BruteForce.on(mlp.graph, mlp.feeds(mlp.classes()));
    double[] factor = new double[N];
    Arrays.fill(factor, 1.0 / N);
    closed = PlainLoss.crossEntropy(mlp.jacobian(), mlp.z(), mlp.classes(), factor);
  }

  /** All fields of the parameter b2, whose entries are the last ones. */
  private Map<String, INDArray> results() {
    int first = closed.parameters() - Mlp.OUTPUTS;
    int length = Mlp.OUTPUTS;
    double[] gradient = new double[length];
    double[] batch = new double[N * length];
    double[] squares = new double[length];
    double[] variance = new double[length];
    double[] ggn = new double[length];
    double[] ggnBatch = new double[N * length];
    double[] norms = new double[N];
    for (int i = 0; i < length; i++) {
      for (int n = 0; n < N; n++) {
        double own = closed.gradient(n, first + i);
        gradient[i] += own;
        squares[i] += own * own;
        norms[n] += own * own;
        batch[n * length + i] = own;
        ggnBatch[n * length + i] = closed.ggn(n, first + i);
        ggn[i] += closed.ggn(n, first + i);
      }
      variance[i] = squares[i] / N - gradient[i] * gradient[i] / (N * N);
    }
    Map<String, INDArray> results = new LinkedHashMap<>();
    results.put("b2.grad", array(gradient, 1, length));
    results.put("b2.grad_penalty", array(new double[length], 1, length));
    results.put("b2.grad_batch", array(batch, N, 1, length));
    results.put("b2.sum_grad_squared", array(squares, 1, length));
    results.put("b2.variance", array(variance, 1, length));
    results.put("b2.batch_l2", array(norms, N));
    results.put("b2.diag_ggn_exact", array(ggn, 1, length));
    results.put("b2.diag_ggn_exact_batch", array(ggnBatch, N, 1, length));
    // The network is linear in b2, so the Hessian is the Gauss-Newton matrix.
    results.put("b2.diag_h", array(ggn, 1, length));
    results.put("b2.diag_h_batch", array(ggnBatch, N, 1, length));
    // Two columns with the same squares' sum, of whatever signs.
    double[] root = new double[2 * N * length];
    for (int k = 0; k < N * length; k++) {
      root[k] = Math.sqrt(0.36 * ggnBatch[k]);
      root[N * length + k] = -Math.sqrt(0.64 * ggnBatch[k]);
    }
    results.put("b2.sqrt_ggn_exact", array(root, 2, N, 1, length));
    double[] jacobian = new double[N * length * length];
    for (int n = 0; n < N; n++) {
      for (int i = 0; i < length; i++) {
        jacobian[(n * length + i) * length + i] = 1; // the logits are added to b2
      }
    }
    results.put("b2.jacobian", array(jacobian, N, length, 1, length));
    return results;
  }

  private static INDArray array(double[] entries, long... shape) {
    return Arrays64.toArray(entries, shape);
  }

  @Test
  void rightResults() {
    Map<String, INDArray> results = results();
    Verification verification = brute.verify(results);

    assertThat(verification.ok()).as(verification.toString()).isTrue();
    assertThat(verification.orThrow()).isSameAs(verification);
    assertThat(verification.outputs()).hasSameSizeAs(results.keySet());
    assertThat(verification.outputs())
        .allSatisfy(
            check -> {
              assertThat(check.verdict()).isEqualTo(Outcome.OK);
              assertThat(check.compared()).isPositive();
            });
    assertThat(verification.worst().orElseThrow().relative()).isLessThan(1e-6);
    assertThat(verification.toString()).contains("12 ok, 0 FAILED").contains("b2.grad_batch: ok");
  }

  @Test
  @DisplayName("one wrong array: the report names the entry, what it is and what it should be")
  void wrongArray() {
    Map<String, INDArray> results = results();
    INDArray ggn = results.get("b2.diag_ggn_exact_batch");
    double right = ggn.getDouble(3, 0, 1);
    ggn.putScalar(new long[] {3, 0, 1}, right + 0.25);

    Verification verification = brute.verify(results);

    assertThat(verification.ok()).isFalse();
    Mismatch worst = verification.worst().orElseThrow();
    assertThat(worst.output()).isEqualTo("b2.diag_ggn_exact_batch");
    assertThat(worst.position()).isEqualTo("[3, 0, 1]");
    assertThat(worst.found()).isEqualTo(right + 0.25);
    assertThat(worst.expected()).isCloseTo(right, within(1e-9));
    assertThatThrownBy(verification::orThrow)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("11 ok, 1 FAILED")
        .hasMessageContaining("b2.diag_ggn_exact_batch: FAILED")
        .hasMessageContaining("b2.diag_ggn_exact_batch[3, 0, 1] is")
        .hasMessageContaining("b2.grad_batch: ok");
  }

  @Test
  @DisplayName("each field can fail")
  void everyField() {
    for (String name : results().keySet()) {
      Map<String, INDArray> wrong = new LinkedHashMap<>();
      wrong.put(name, results().get(name).add(1e-3));

      Verification verification = brute.verify(wrong);

      assertThat(verification.ok()).as(name).isFalse();
      assertThat(verification.toString()).contains(name + ": FAILED");
    }
  }

  @Test
  @DisplayName("a factor that is wrong throughout, and zeros, are seen")
  void scaled() {
    Map<String, INDArray> results = results();
    results.replaceAll((name, array) -> array.mul(name.endsWith("l2") ? 0 : N));

    Verification verification = brute.verify(results);

    assertThat(verification.outputs())
        .filteredOn(check -> check.verdict() == Outcome.FAILED)
        .extracting(OutputCheck::output)
        .containsExactlyElementsOf(
            results.keySet().stream().filter(name -> !name.endsWith("penalty")).toList());
  }

  @Test
  @DisplayName("a single wrong entry that is large is looked at whatever is drawn")
  void largestEntryIsAlwaysChecked() {
    Map<String, INDArray> results = new LinkedHashMap<>();
    INDArray gradient = brute.parameters("W1").gradient().get("W1");
    gradient.putScalar(new long[] {2, 3}, 1000);
    results.put("W1.grad", gradient);

    Verification verification = brute.verifier().entries(1).verify(results);

    assertThat(verification.ok()).isFalse();
    assertThat(verification.worst().orElseThrow().position()).isEqualTo("[2, 3]");
  }

  @Test
  void notFinite() {
    Map<String, INDArray> results = results();
    results.get("b2.grad").putScalar(new long[] {0, 2}, Double.NaN);

    assertThat(brute.verify(results).toString()).contains("b2.grad: FAILED; is NaN at [0, 2]");
  }

  @Test
  void wrongShape() {
    Map<String, INDArray> results = results();
    results.put("b2.grad_batch", results.get("b2.grad_batch").reshape(N, Mlp.OUTPUTS));

    assertThat(brute.verify(results).toString())
        .contains("b2.grad_batch: FAILED; has shape [5, 3], should have [5, 1, 3]");
  }

  @Test
  @DisplayName("single-precision results are compared as such, unless a tolerance is given")
  void tolerances() {
    Map<String, INDArray> results =
        Map.of("b2.grad", results().get("b2.grad").add(1e-5).castTo(DataType.FLOAT));

    assertThat(brute.verify(results).ok()).isTrue();
    assertThat(brute.verifier().tolerance(1e-6).verify(results).ok()).isFalse();
    assertThat(brute.verifier().tolerance(1e-6).verify(results()).ok()).isTrue();
  }

  @Test
  @DisplayName("other outputs are passed over, but only others is an error")
  void otherOutputs() {
    Map<String, INDArray> results = results();
    results.put("loss", Nd4j.scalar(1.0));
    results.put("b2.kfac.0", Nd4j.scalar(1.0));

    Verification verification = brute.verify(results);

    assertThat(verification.ok()).isTrue();
    assertThat(verification.toString()).contains("loss: not checked").contains("2 not checked");
    assertThatThrownBy(() -> brute.verify(Map.of("loss", Nd4j.scalar(1.0))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[loss]")
        .hasMessageContaining("grad_batch");
  }

  @Test
  void normsOfLargeParametersAreLeftOut() {
    Verification verification = brute.verifier().normLimit(2).verify(results());

    assertThat(verification.ok()).isTrue();
    assertThat(verification.toString()).contains("b2.batch_l2: not checked").contains("normLimit");
  }

  @Test
  @DisplayName("the same seed looks at the same entries")
  void seeds() {
    Map<String, INDArray> results =
        Map.of("W1.grad", brute.parameters("W1").gradient().get("W1").add(1e-7));

    String first = brute.verifier().seed(3).verify(results).toString();
    assertThat(brute.verifier().seed(3).verify(results)).hasToString(first);
    assertThatThrownBy(() -> brute.verifier().entries(0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> brute.verifier().tolerance(Double.NaN))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  @DisplayName("entries at a kink are neither right nor wrong")
  void kinks() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 2);
    SDVariable y = graph.placeHolder("y", DataType.DOUBLE, -1, 2);
    SDVariable b = graph.var("b", Nd4j.create(new double[] {0, 0}));
    SDVariable z = graph.nn().relu(x.add(b), 0);
    graph.loss().meanSquaredError("loss", y, z, null);
    Map<String, INDArray> feeds =
        Map.of(
            "x", Nd4j.create(new double[][] {{1, 0}}), "y", Nd4j.create(new double[][] {{2, 1}}));
    BruteForce atKink = BruteForce.on(graph, feeds);

    Verification half = atKink.verify(Map.of("b.grad", Nd4j.create(new double[] {-1, 0})));
    assertThat(half.ok()).isTrue();
    assertThat(half.outputs().get(0).uncertain()).isEqualTo(1);
    assertThat(half.toString()).contains("1 too near to a kink");

    graph.getVariable("b").getArr().putScalar(0, -1);
    Verification none =
        BruteForce.on(graph, feeds).verify(Map.of("b.grad", Nd4j.create(new double[] {0, 0})));
    assertThat(none.ok()).isFalse();
    assertThat(none.outputs().get(0).verdict()).isEqualTo(Outcome.UNCERTAIN);
  }

  @Test
  @DisplayName("where samples influence each other, their gradients are not compared")
  void mixing() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 1);
    SDVariable y = graph.placeHolder("y", DataType.DOUBLE, -1, 1);
    SDVariable w = graph.var("w", Nd4j.create(new double[][] {{2}}));
    SDVariable scaled = x.mul(w);
    graph.loss().meanSquaredError("loss", y, scaled.sub(scaled.mean()), null);
    BruteForce coupled =
        BruteForce.on(
            graph,
            Map.of(
                "x",
                Nd4j.create(new double[][] {{1}, {3}}),
                "y",
                Nd4j.zeros(DataType.DOUBLE, 2, 1)));

    Verification verification =
        coupled.verify(
            Map.of(
                "w.grad", Nd4j.create(new double[][] {{4}}),
                "w.grad_batch", Nd4j.valueArrayOf(new long[] {2, 1, 1}, 2, DataType.DOUBLE)));

    assertThat(verification.ok()).isTrue();
    assertThat(verification.outputs())
        .extracting(OutputCheck::output, OutputCheck::verdict)
        .containsExactlyInAnyOrderElementsOf(
            List.of(tuple("w.grad", Outcome.OK), tuple("w.grad_batch", Outcome.NOT_CHECKED)));
  }

  @Test
  @DisplayName("rows that do not add up to the gradient are found where no difference is taken")
  void rowsAddUp() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 1);
    SDVariable y = graph.placeHolder("y", DataType.DOUBLE, -1, 1);
    SDVariable scaled = x.mul(graph.var("w", Nd4j.create(new double[][] {{2}})));
    graph.loss().meanSquaredError("loss", y, scaled.sub(scaled.mean()), null);
    INDArray features = Nd4j.create(new double[][] {{1}, {3}});
    BruteForce coupled =
        BruteForce.on(graph, Map.of("x", features, "y", Nd4j.zeros(DataType.DOUBLE, 2, 1)));
    Map<String, INDArray> zeros =
        Map.of(
            "w.grad", Nd4j.create(new double[][] {{4}}),
            "w.grad_batch", Nd4j.zeros(DataType.DOUBLE, 2, 1, 1));

    assertThat(coupled.verify(zeros).ok()).isFalse();
    assertThat(coupled.verify(zeros).toString()).contains("add up to 0.0 at [0, 0]");
  }

  @Test
  @DisplayName("what is missing in the rows may be a penalty that was not handed in")
  void rowsAndPenalty() {
    SDVariable b2 = mlp.graph.getVariable("b2");
    SDVariable all = mlp.graph.getVariable("loss").add("all", b2.mul(b2).sum().mul(0.1));
    mlp.graph.setLossVariables(all.name());
    BruteForce penalised = BruteForce.on(mlp.graph, mlp.feeds(mlp.classes()));
    Map<String, INDArray> results = results();
    INDArray penalty = b2.getArr().castTo(DataType.DOUBLE).mul(0.2).reshape(1, Mlp.OUTPUTS);
    Map<String, INDArray> some = new LinkedHashMap<>();
    some.put("b2.grad", results.get("b2.grad").add(penalty));
    some.put("b2.grad_batch", results.get("b2.grad_batch"));
    assertThat(penalised.verify(some).ok()).isTrue();
    some.put("b2.grad_penalty", penalty);
    assertThat(penalised.verify(some).ok()).isTrue();
  }
}
