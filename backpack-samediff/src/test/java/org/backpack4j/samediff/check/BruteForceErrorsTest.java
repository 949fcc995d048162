package org.backpack4j.samediff.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;

/** What is refused, and what the error says. */
class BruteForceErrorsTest {
  private final Mlp mlp = new Mlp(DataType.DOUBLE, 1);
  private final Map<String, INDArray> feeds = new HashMap<>(mlp.feeds(mlp.classes()));

  private void crossEntropy() {
    mlp.graph.loss().softmaxCrossEntropy("loss", mlp.labels, mlp.logits, null);
  }

  private BruteForce brute() {
    return BruteForce.on(mlp.graph, feeds);
  }

  private static void assertRefused(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }

  @Test
  void noLoss() {
    assertRefused(this::brute, "no loss", "setLossVariables");
  }

  @Test
  void lossOfAnotherType() {
    mlp.logits.gt("positive", 0);
    mlp.graph.setTrainingConfig(
        TrainingConfig.builder()
            .updater(new Sgd(0.1))
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("y")
            .minimize("positive")
            .build());

    assertRefused(this::brute, "\"positive\"", "BOOL");
  }

  @Test
  void missingFeed() {
    crossEntropy();
    feeds.remove("x");

    assertRefused(this::brute, "\"x\" is needed", "not fed");
  }

  @Test
  void featuresThatAreNotNumbers() {
    crossEntropy();
    INDArray x = feeds.get("x").dup();
    x.putScalar(1, 2, Double.NaN);
    feeds.put("x", x);

    assertRefused(
        () -> brute().gradient("b2", 0),
        "predictions \"logits\" are not finite",
        "Fed is \"x\": NaN at [1, 2]");
    assertRefused(
        () -> brute().verify(Map.of("b2.grad", Nd4j.zeros(1, Mlp.OUTPUTS))), "NaN at [1, 2]");
  }

  @Test
  void labelsThatAreInfinite() {
    crossEntropy();
    INDArray y = feeds.get("y").dup();
    y.putScalar(0, 0, Double.POSITIVE_INFINITY);
    feeds.put("y", y);

    assertRefused(() -> brute().gradient("b2", 0), "The loss is ", "\"y\": Infinity at [0, 0]");
  }

  @Test
  void unknownFeed() {
    crossEntropy();
    feeds.put("W1", Nd4j.scalar(1.0));

    assertRefused(this::brute, "\"W1\" is fed", "[x, y]");
  }

  @Test
  void feedOfAnotherShape() {
    crossEntropy();
    feeds.put("x", Nd4j.ones(DataType.DOUBLE, 5, 4));

    assertRefused(this::brute, "\"x\" has shape [-1, 3]", "shape [5, 4]");
  }

  @Test
  void emptyFeed() {
    crossEntropy();
    feeds.put("x", Nd4j.create(DataType.DOUBLE, 0, 3));

    assertRefused(this::brute, "\"x\" is empty");
  }

  @Test
  void feedsOfDifferentLengths() {
    crossEntropy();
    feeds.put("y", Nd4j.ones(DataType.DOUBLE, 3, 3));

    assertRefused(() -> brute().samples(), "\"x\"", "extent 5", "number of samples, 3");
  }

  @Test
  void wrongBatchSize() {
    crossEntropy();

    assertRefused(() -> brute().batchSize(2).samples(), "extent 5", ".batchSize(");
    assertRefused(() -> brute().batchSize(0), "0");
    assertRefused(() -> brute().sampleAxis(-1), "-1");
  }

  @Test
  void unknownParameter() {
    crossEntropy();

    assertRefused(() -> brute().parameters("W3"), "\"W3\"", "[W1, b1, W2, b2]");
    assertRefused(() -> brute().gradient("x", 0), "\"x\"", "[W1, b1, W2, b2]");
    assertRefused(() -> brute().parameters(new String[0]), "at least one");
  }

  @Test
  void entryOutOfRange() {
    crossEntropy();

    assertThatThrownBy(() -> brute().diagGgnExact("b1", 4))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageContaining("no entry 4")
        .hasMessageContaining("\"b1\" has entries 0 to 3");
    assertThatThrownBy(() -> brute().diagGgnExact(0, 31))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageContaining("0 to 30");
    assertThatThrownBy(() -> brute().gradientOfSample(5))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  @DisplayName("a loss written out: no Gauss-Newton matrix unless the predictions are named")
  void predictionsAreNotFound() {
    SDVariable difference = mlp.logits.sub(mlp.labels);
    difference.mul(difference).mean("loss");
    mlp.graph.setLossVariables("loss");

    assertRefused(() -> brute().diagGgnExact(0), "loss op", ".predictions(\"logits\")");
    assertRefused(() -> brute().batchDiagGgnExact("W1", 0), ".predictions(\"logits\")");
  }

  @Test
  @DisplayName("a loss of parameters alone")
  void noData() {
    mlp.graph.getVariable("W1").norm2("loss");
    mlp.graph.setLossVariables("loss");

    assertRefused(() -> brute().samples(), "no term that depends on the data");
  }

  @Test
  void unknownPredictions() {
    crossEntropy();

    assertRefused(() -> brute().predictions("scores"), "\"scores\"");
    assertRefused(() -> brute().predictions(), "at least one");
    mlp.logits.add("later", 1);
    assertRefused(() -> brute().predictions("later").samples(), "does not depend", "[later]");
  }

  @Test
  @DisplayName("a parameter that changes how the loss depends on the predictions")
  void parameterInTheLoss() {
    SDVariable squares = mlp.graph.math().square("squares", mlp.logits);
    SDVariable data = mlp.graph.loss().softmaxCrossEntropy("ce", mlp.labels, mlp.logits, null);
    data.add("loss", squares.mul(mlp.graph.getVariable("W1").sum()).mean());
    mlp.graph.setLossVariables("loss");

    assertRefused(
        () -> brute().samples(), "(multiply)", "changes how the loss depends", "[logits]");
    // Without that parameter it is a function of the predictions.
    assertThat(brute().parameters("W2", "b1", "b2").samples()).isEqualTo(Mlp.SAMPLES);
  }

  @Test
  @DisplayName("a learned scale of the loss is no penalty")
  void learnedScale() {
    SDVariable scale = mlp.graph.var("scale", Nd4j.scalar(0.5));
    SDVariable data = mlp.graph.loss().softmaxCrossEntropy("ce", mlp.labels, mlp.logits, null);
    data.mul("loss", scale);
    mlp.graph.setLossVariables("loss");

    assertRefused(() -> brute().samples(), "(multiply)", "changes how the loss depends");
    assertThat(brute().parameters("W1").samples()).isEqualTo(Mlp.SAMPLES);
  }

  @Test
  @DisplayName("a term of parameters and data that is not among the predictions that are named")
  void notAllPredictionsAreNamed() {
    SDVariable other = mlp.graph.getVariable("x").mmul(mlp.graph.getVariable("W1"));
    mlp.graph
        .loss()
        .softmaxCrossEntropy("ce", mlp.labels, mlp.logits, null)
        .add("loss", mlp.graph.math().square("squares", other).mean());
    mlp.graph.setLossVariables("loss");

    assertRefused(
        () -> brute().predictions("logits").samples(), "beside the predictions", "[squares]");
  }

  @Test
  @DisplayName("weights of the samples that are learned")
  void learnedWeights() {
    SDVariable weights = mlp.graph.math().exp("weights", mlp.graph.var("w", Nd4j.zeros(1, 1)));
    mlp.graph
        .loss()
        .softmaxCrossEntropy("loss", mlp.labels, mlp.logits, weights.castTo(DataType.DOUBLE));

    assertRefused(() -> brute().samples(), "softmax_cross_entropy_loss", "depends on parameters");
  }

  @Test
  void randomNumbers() {
    SDVariable dropped = mlp.graph.nn().dropout("dropped", mlp.logits, 0.5);
    mlp.graph.loss().softmaxCrossEntropy("loss", mlp.labels, dropped, null);

    assertThatThrownBy(this::brute)
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("(dropout)")
        .hasMessageContaining("random numbers");
  }

  @Test
  @DisplayName("predictions that are the same for all samples do not tell where the samples are")
  void layoutIsUnknown() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 2, 3);
    SDVariable w = graph.var("w", Nd4j.zeros(DataType.DOUBLE, 3, 2));
    SDVariable z = x.reshape(-1, 3).mmul("z", w);
    z.mul(z).sum("loss");
    graph.setLossVariables("loss");
    BruteForce folded =
        BruteForce.on(graph, Map.of("x", Nd4j.rand(DataType.DOUBLE, 4, 2, 3))).predictions("z");

    assertRefused(folded::samples, "\"z\" of shape [8, 2]", "4 samples", "several layouts");
  }

  @Test
  @DisplayName("predictions that do not follow the samples")
  void noLayout() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 2);
    SDVariable w = graph.var("w", Nd4j.create(new double[] {1, 2}));
    SDVariable z =
        x.mul(w)
            .sum(true, 0)
            .add("z", graph.constant(Nd4j.create(new double[][] {{1, 2}, {3, 4}, {5, 6}})));
    z.mul(z).sum("loss");
    graph.setLossVariables("loss");
    INDArray inputs = Nd4j.create(new double[][] {{1, 2}, {3, 4}, {0, 1}});

    assertRefused(
        () -> BruteForce.on(graph, Map.of("x", inputs)).predictions("z").samples(),
        "\"z\"",
        "do not follow");
  }
}
