package org.backpack4j.dl4j.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.backpack4j.dl4j.Dl4jConverter;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Explanations against difference quotients of DL4J's own outputs. */
class ExplainerTest {
  private static final double STEP = 1e-5;

  private static INDArray random(long seed, long... shape) {
    Random random = new Random(seed);
    double[] numbers = new double[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    Arrays.setAll(numbers, k -> random.nextGaussian());
    return Nd4j.create(numbers, shape, 'c');
  }

  private static OutputLayer softmax(int classes) {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(classes)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static OutputLayer linear(int classes) {
    return new OutputLayer.Builder(LossFunction.MSE)
        .nOut(classes)
        .activation(Activation.IDENTITY)
        .build();
  }

  /** ∂f/∂x by central differences, f a function of the batch. */
  private static INDArray quotient(INDArray x, ToDoubleFunction<INDArray> f) {
    INDArray slopes = Nd4j.zeros(DataType.DOUBLE, x.shape());
    for (int k = 0; k < x.length(); k++) {
      INDArray up = x.dup('c');
      INDArray down = x.dup('c');
      up.data().put(k, up.data().getDouble(k) + STEP);
      down.data().put(k, down.data().getDouble(k) - STEP);
      slopes.data().put(k, (f.applyAsDouble(up) - f.applyAsDouble(down)) / (2 * STEP));
    }
    return slopes;
  }

  private static INDArray ofClass(INDArray attributions, int index) {
    return attributions.tensorAlongDimension(0, 1).rank() > 0
        ? Nd4j.stack(
            0,
            java.util.stream.IntStream.range(0, (int) attributions.size(0))
                .mapToObj(n -> attributions.slice(n).slice(index).dup('c'))
                .toArray(INDArray[]::new))
        : attributions;
  }

  private static void assertClose(INDArray actual, INDArray expected, double tolerance) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    double distance =
        actual
            .castTo(DataType.DOUBLE)
            .sub(expected.castTo(DataType.DOUBLE))
            .amaxNumber()
            .doubleValue();
    assertThat(distance).isLessThan(tolerance * Math.max(1, expected.amaxNumber().doubleValue()));
  }

  private static MultiLayerNetwork images(OutputLayer output) {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.convolutional(6, 6, 2),
            new ConvolutionLayer.Builder(3, 3).nOut(3).build(),
            new BatchNormalization.Builder().build(),
            new DenseLayer.Builder().nOut(5).dropOut(0.7).build(),
            new DropoutLayer.Builder(0.5).build(),
            output);
    net.setParam("1_mean", random(11, 1, 3).muli(0.3));
    net.setParam("1_log10stdev", random(12, 1, 3).muli(0.2));
    return net;
  }

  @Test
  void gradientsOfLogitsAndProbabilitiesAreThoseOfDl4jsOutputs() {
    MultiLayerNetwork net = images(softmax(4));
    MultiLayerNetwork logits = images(linear(4));
    logits.setParams(net.params());
    INDArray x = random(1, 3, 2, 6, 6);
    INDArray before = net.params().dup();
    try (Explainer explainer = Explainer.of(net).gradients().allClasses()) {
      Explanation e = explainer.explain(x);
      assertThat(e.attributions().shape()).containsExactly(3, 4, 2, 6, 6);
      assertClose(e.scores(), logits.output(x), 1e-9);
      for (int c = 0; c < 4; c++) {
        int column = c;
        INDArray expected =
            quotient(x, v -> logits.output(v).getColumn(column).sumNumber().doubleValue());
        assertClose(ofClass(e.attributions(), c), expected, 1e-6);
      }
      Explanation p = explainer.probabilities().classes(2).explain(x);
      assertClose(
          ofClass(p.attributions(), 0),
          quotient(x, v -> net.output(v).getColumn(2).sumNumber().doubleValue()),
          1e-6);
      assertClose(p.scores(), net.output(x).getColumns(2), 1e-9);
      assertThat(net.params()).isEqualTo(before);
    }
  }

  /** What is frozen has no gradient in training, and passes the explanation. */
  @Test
  void frozenLayersAreExplainedThrough() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(6).build(),
            new DenseLayer.Builder().nOut(5).build(),
            softmax(3));
    MultiLayerNetwork frozen = new TransferLearning.Builder(net).setFeatureExtractor(1).build();
    INDArray x = random(41, 3, 4);
    for (String at : new String[] {"input", "0", "1"}) {
      INDArray expected = Explainer.of(net).at(at).explain(x).attributions();
      assertClose(Explainer.of(frozen).at(at).explain(x).attributions(), expected, 1e-12);
      assertThat(expected.amaxNumber().doubleValue()).isGreaterThan(1e-3);
    }
    ComputationGraph graph = net.toComputationGraph();
    ComputationGraph half =
        new TransferLearning.GraphBuilder(graph)
            .setFeatureExtractor(graph.getConfiguration().getVertexInputs().get("2").get(0))
            .build();
    assertClose(
        Explainer.of(half).explain(x).attributions(),
        Explainer.of(net).explain(x).attributions(),
        1e-6); // DL4J makes such a graph by way of single precision
  }

  @Test
  void theThreeKindsOfModelsAgree() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.convolutional(6, 6, 2),
            new ConvolutionLayer.Builder(3, 3).nOut(3).build(),
            new DenseLayer.Builder().nOut(5).build(),
            softmax(3));
    ComputationGraph graph = net.toComputationGraph();
    INDArray x = random(2, 4, 2, 6, 6);
    SameDiff sd =
        Dl4jConverter.on(net)
            .like(new DataSet(x, Nd4j.eye(4).castTo(DataType.DOUBLE).getColumns(0, 1, 2)))
            .statistics(org.backpack4j.dl4j.BatchStatistics.RUNNING)
            .convert()
            .sameDiff();
    sd.setTrainingConfig(
        TrainingConfig.builder()
            .updater(new Sgd(0.1))
            .dataSetFeatureMapping("input")
            .dataSetLabelMapping("2.labels")
            .build());
    for (int kind = 0; kind < 4; kind++) {
      Explanation a = explained(Explainer.of(net), kind).explain(x);
      Explanation b = explained(Explainer.of(graph), kind).explain(x);
      Explanation c = explained(Explainer.of(sd), kind).explain(x);
      assertClose(b.attributions(), a.attributions(), 1e-12);
      assertClose(c.attributions(), a.attributions(), 1e-12);
      assertThat(a.classes()).isDeepEqualTo(c.classes());
    }
  }

  private static Explainer explained(Explainer explainer, int kind) {
    return switch (kind) {
      case 0 -> explainer.gradients();
      case 1 -> explainer.gradientTimesInput();
      case 2 -> explainer.smoothGrad(3, 0.1, 5);
      default -> explainer.integratedGradients(7, Quadrature.TRAPEZOID);
    };
  }

  @Test
  void aLinearModelIsExplainedByItsWeights() {
    MultiLayerNetwork net = Nets.sequential(InputType.feedForward(5), softmax(3));
    INDArray x = random(3, 4, 5);
    INDArray w = net.getParam("0_W");
    Explainer explainer = Explainer.of(net).allClasses();
    for (Explanation e :
        new Explanation[] {
          explainer.gradientTimesInput().explain(x),
          explainer.integratedGradients(1).explain(x),
          explainer.integratedGradients(2, Quadrature.TRAPEZOID).explain(x)
        }) {
      for (int c = 0; c < 3; c++) {
        assertClose(ofClass(e.attributions(), c), x.mulRowVector(w.getColumn(c)), 1e-12);
      }
    }
    // a smooth gradient of what is linear is the gradient
    Explanation smooth = explainer.smoothGrad(2, 1.0, 1).explain(x);
    assertClose(smooth.sample("input", 0, 1), w.getColumn(1).dup(), 1e-12);
  }

  @Test
  void integratedGradientsAreComplete() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4), new DenseLayer.Builder().nOut(6).build(), softmax(3));
    INDArray x = random(4, 5, 4);
    INDArray baseline = random(5, 4);
    Explanation e =
        Explainer.of(net).classes(0, 2).baseline(baseline).integratedGradients(40).explain(x);
    INDArray residuals = e.residuals().orElseThrow();
    assertThat(residuals.amaxNumber().doubleValue()).isLessThan(1e-12);
    INDArray sums = e.attributions().sum(2);
    assertClose(sums, e.scores().sub(e.baselineScores().orElseThrow()), 1e-12);
    // few points leave a residual, and it is told
    Explanation few =
        Explainer.of(net).classes(0, 2).baseline(baseline).integratedGradients(1).explain(x);
    INDArray told =
        few.attributions().sum(2).sub(few.scores()).addi(few.baselineScores().orElseThrow());
    assertClose(few.residuals().orElseThrow(), told, 1e-12);
    assertThat(told.amaxNumber().doubleValue()).isGreaterThan(1e-6);
    assertThat(Explainer.of(net).gradients().explain(x).residuals()).isEmpty();
  }

  @Test
  void whatIsHomogeneousIsGradientTimesInput() {
    NeuralNetConfiguration.Builder builder = Nets.builder().biasInit(0).activation(Activation.RELU);
    MultiLayerNetwork net =
        Nets.sequential(
            builder,
            InputType.convolutional(5, 5, 1),
            new ConvolutionLayer.Builder(2, 2).nOut(3).build(),
            new DenseLayer.Builder().nOut(6).build(),
            softmax(3));
    INDArray x = random(6, 4, 1, 5, 5);
    Explanation e = Explainer.of(net).gradientTimesInput().allClasses().explain(x);
    assertClose(e.attributions().sum(2, 3, 4), e.scores(), 1e-10);
  }

  @Test
  void thePredictedClassIsThatOfEachSample() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4), new DenseLayer.Builder().nOut(6).build(), softmax(3));
    INDArray x = random(7, 9, 4).muli(3);
    int[] predicted = net.predict(x);
    Explainer explainer = Explainer.of(net).gradients();
    Explanation e = explainer.explain(x);
    assertThat(Arrays.stream(e.classes()).mapToInt(c -> c[0]).toArray()).containsExactly(predicted);
    assertThat(Arrays.stream(predicted).distinct().count()).isGreaterThan(1);
    INDArray all = explainer.allClasses().explain(x).attributions();
    INDArray each = explainer.classOfEach(predicted).explain(x).attributions();
    for (int n = 0; n < 9; n++) {
      assertClose(e.sample(n), all.slice(n).slice(predicted[n]).dup(), 1e-12);
    }
    assertThat(each).isEqualTo(e.attributions());
    // a difference of two scores
    INDArray difference =
        explainer.weights(Nd4j.createFromArray(1.0, -1.0, 0.0)).explain(x).attributions();
    assertClose(ofClass(difference, 0), ofClass(all, 0).sub(ofClass(all, 1)), 1e-12);
  }

  @Test
  void parametersAreThoseAtTheCall() {
    MultiLayerNetwork net = Nets.sequential(InputType.feedForward(3), softmax(2));
    INDArray x = random(8, 2, 3);
    Explainer explainer = Explainer.of(net).gradients().classes(1);
    explainer.explain(x);
    net.getParam("0_W").muli(2);
    assertClose(explainer.explain(x).sample(0), net.getParam("0_W").getColumn(1).dup(), 1e-12);
  }

  @Test
  void maskedStepsHaveNoPart() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.recurrent(3, 5),
            new LSTM.Builder().nOut(4).build(),
            new GlobalPoolingLayer.Builder(PoolingType.AVG).build(),
            linear(2));
    INDArray x = random(9, 2, 3, 5);
    INDArray mask = Nd4j.ones(DataType.DOUBLE, 2, 5);
    mask.putScalar(1, 3, 0);
    mask.putScalar(1, 4, 0);
    DataSet batch = new DataSet(x, null, mask, null);
    Explanation e = Explainer.of(net).gradients().classes(1).explain(batch);
    INDArray expected =
        quotient(x, v -> net.output(v, false, mask, null).getColumn(1).sumNumber().doubleValue());
    assertClose(ofClass(e.attributions(), 0), expected, 1e-6);
    assertThat(e.tokens(1, 0)).endsWith(0, 0);
    assertThat(e.tokens(1, 0)[0]).isNotZero();
  }

  @Test
  void anOutputOfEachStepIsExplainedAtAPosition() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.recurrent(3, 4),
            new LSTM.Builder().nOut(4).build(),
            new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(3)
                .activation(Activation.SOFTMAX)
                .build());
    INDArray x = random(10, 2, 3, 4);
    Explainer explainer = Explainer.of(net).gradients().probabilities().classes(2);
    assertThatThrownBy(() -> explainer.explain(x)).hasMessageContaining("position(…) with 1 index");
    for (long step : new long[] {1, -1}) {
      Explanation e = explainer.position(step).explain(x);
      long at = step < 0 ? 3 : step;
      INDArray expected =
          quotient(
              x,
              v -> {
                INDArray y = net.output(v);
                return y.getDouble(0, 2, at) + y.getDouble(1, 2, at);
              });
      assertClose(ofClass(e.attributions(), 0), expected, 1e-6);
    }
    assertThatThrownBy(() -> explainer.position(4).explain(x))
        .hasMessageContaining("no position 4");
    INDArray weights = random(13, 2, 3, 4);
    assertClose(
        ofClass(explainer.weights(weights).explain(x).attributions(), 0),
        quotient(x, v -> net.output(v).mul(weights).sumNumber().doubleValue()),
        1e-6);
  }

  private static MultiLayerNetwork text() {
    return Nets.sequential(
        InputType.recurrent(7, 4),
        new EmbeddingSequenceLayer.Builder().nIn(7).nOut(3).inputLength(4).build(),
        new LSTM.Builder().nOut(4).build(),
        new GlobalPoolingLayer.Builder(PoolingType.MAX).build(),
        softmax(2));
  }

  @Test
  void tokensAreExplainedByTheirEmbedding() {
    MultiLayerNetwork net = text();
    INDArray ids = Nd4j.createFromArray(new double[][] {{1, 4, 6, 0}, {2, 2, 3, 5}});
    INDArray features = ids.reshape(2, 1, 4);
    assertThatThrownBy(() -> Explainer.of(net).explain(features))
        .hasMessageContaining("Input \"input\" has the numbers of rows")
        .hasMessageContaining("at(\"0\")");
    Explanation e = Explainer.of(net).at("0").classes(1).integratedGradients(60).explain(features);
    assertThat(e.names()).containsExactly("0");
    assertThat(e.attributions().shape()).containsExactly(2, 1, 3, 4);
    // smooth up to one change of the maximum's place
    assertThat(e.residuals().orElseThrow().amaxNumber().doubleValue()).isLessThan(1e-3);
    double total = Arrays.stream(e.tokens(0, 0)).sum();
    assertThat(total)
        .isCloseTo(
            e.scores().getDouble(0, 0) - e.baselineScores().orElseThrow().getDouble(0, 0),
            within(1e-3));
    // gradient at the embedding: of what a change of a word's row does, where it is there once
    Explanation g =
        Explainer.of(net).at("0").classes(1).probabilities().gradients().explain(features);
    INDArray w = net.getParam("0_W");
    for (int k = 0; k < 3; k++) {
      double before = w.getDouble(4, k);
      w.putScalar(4, k, before + STEP);
      double up = net.output(features).getDouble(0, 1);
      w.putScalar(4, k, before - STEP);
      double down = net.output(features).getDouble(0, 1);
      w.putScalar(4, k, before);
      assertThat(g.sample(0).getDouble(k, 1)).isCloseTo((up - down) / (2 * STEP), within(1e-8));
    }
  }

  @Test
  void severalInputsAndOutputs() {
    ComputationGraph net =
        Nets.graph(
            Nets.builder()
                .graphBuilder()
                .addInputs("a", "b")
                .setInputTypes(InputType.feedForward(3), InputType.feedForward(2))
                .addLayer("left", new DenseLayer.Builder().nOut(4).build(), "a")
                .addLayer("both", new DenseLayer.Builder().nOut(4).build(), "left", "b")
                .addLayer("y", softmax(3), "both")
                .addLayer("z", linear(1), "left")
                .setOutputs("y", "z"));
    INDArray a = random(20, 4, 3);
    INDArray b = random(21, 4, 2);
    assertThatThrownBy(() -> Explainer.of(net).explain(a, b))
        .hasMessageContaining("outputs [y, z]: choose one by output(…)");
    assertThatThrownBy(() -> Explainer.of(net).output("left").explain(a, b))
        .hasMessageContaining("no output \"left\"");
    Explanation e =
        Explainer.of(net).output("y").probabilities().classes(1).gradients().explain(a, b);
    ToDoubleFunction<INDArray[]> f = in -> net.output(in)[0].getColumn(1).sumNumber().doubleValue();
    assertClose(
        ofClass(e.attributions("a"), 0),
        quotient(a, v -> f.applyAsDouble(new INDArray[] {v, b})),
        1e-6);
    assertClose(
        ofClass(e.attributions("b"), 0),
        quotient(b, v -> f.applyAsDouble(new INDArray[] {a, v})),
        1e-6);
    Explanation path =
        Explainer.of(net).output("y").baseline(0.5).integratedGradients(30).explain(a, b);
    assertThat(path.residuals().orElseThrow().amaxNumber().doubleValue()).isLessThan(1e-10);
    assertThatThrownBy(path::attributions).hasMessageContaining("[a, b]: attributions(name)");
    // an output that reads one input alone
    assertThatThrownBy(() -> Explainer.of(net).output("z").explain(a, b))
        .hasMessageContaining("\"b\"")
        .hasMessageContaining("do not depend on it");
    Explanation left = Explainer.of(net).output("z").at("left").gradients().explain(a, b);
    assertClose(
        left.sample("left", 2, 0), net.getParam("z_W").getColumn(0).dup().reshape(4), 1e-10);
  }

  @Test
  void aGraphOfOnesOwnByPlaceholders() {
    SameDiff sd = SameDiff.create();
    SDVariable ids = sd.placeHolder("ids", DataType.INT32, -1, 4);
    SDVariable table = sd.var("table", random(30, 6, 3));
    SDVariable words = sd.gather("words", table, ids, 0);
    SDVariable w = sd.var("w", random(31, 3, 2));
    sd.math().tanh(words.sum(1)).mmul("scores", w);
    Map<String, INDArray> feeds =
        Map.of("ids", Nd4j.createFromArray(new int[][] {{0, 1, 2, 3}, {5, 5, 1, 0}}));
    assertThatThrownBy(() -> Explainer.of(sd).at("ids").output("scores").explain(feeds))
        .hasMessageContaining("\"ids\" is of type INT")
        .hasMessageContaining("behind the gather");
    assertThatThrownBy(() -> Explainer.of(sd).at("words").explain(feeds))
        .hasMessageContaining("output(…)");
    int ops = sd.ops().length;
    Explanation e =
        Explainer.of(sd).at("words").output("scores").integratedGradients(40).explain(feeds);
    assertThat(sd.ops()).hasSize(ops);
    assertThat(e.attributions().shape()).containsExactly(2, 1, 4, 3);
    assertThat(e.residuals().orElseThrow().amaxNumber().doubleValue()).isLessThan(1e-10);
  }

  @Test
  void noiseIsTheSeedsAndNobodyElses() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4), new DenseLayer.Builder().nOut(6).build(), softmax(3));
    INDArray x = random(14, 5, 4);
    long root = Nd4j.getRandom().rootState();
    long node = Nd4j.getRandom().nodeState();
    Explainer explainer = Explainer.of(net).smoothGrad(4, 0.2, 9);
    INDArray all = explainer.explain(x).attributions();
    assertThat(Nd4j.getRandom().rootState()).isEqualTo(root);
    assertThat(Nd4j.getRandom().nodeState()).isEqualTo(node);
    INDArray fewer =
        explainer
            .explain(x.get(org.nd4j.linalg.indexing.NDArrayIndex.interval(0, 2)).dup())
            .attributions();
    assertClose(fewer.slice(1).dup(), all.slice(1).dup(), 1e-12);
    INDArray plain = Explainer.of(net).gradients().explain(x).attributions();
    INDArray near = Explainer.of(net).smoothGrad(4, 1e-7, 9).explain(x).attributions();
    assertClose(near, plain, 1e-5);
    assertThat(all.sub(plain).amaxNumber().doubleValue()).isGreaterThan(1e-3);
    // the mean over many draws, by hand: more draws are nearer to it
    INDArray many = Explainer.of(net).smoothGrad(400, 0.2, 1).explain(x).attributions();
    INDArray others = Explainer.of(net).smoothGrad(400, 0.2, 2).explain(x).attributions();
    assertThat(many.sub(others).norm2Number().doubleValue())
        .isLessThan(0.2 * all.sub(others).norm2Number().doubleValue() + 1e-2);
  }

  @Test
  void whatDoesNotFitIsNamed() {
    MultiLayerNetwork net = Nets.sequential(InputType.feedForward(3), softmax(2));
    INDArray x = random(15, 4, 3);
    assertThatThrownBy(() -> Explainer.of(net).classes(2).explain(x))
        .hasMessageContaining("no class 2: the output has the classes 0 to 1");
    assertThatThrownBy(() -> Explainer.of(net).classOfEach(1, 0).explain(x))
        .hasMessageContaining("2 classes for 4 samples");
    assertThatThrownBy(() -> Explainer.of(net).explain(random(1, 4, 5)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("have the shape [4, 5]; expected [N, 3]");
    assertThatThrownBy(() -> Explainer.of(net).explain(x, x))
        .hasMessageContaining("inputs [input], and there are 2 arrays");
    assertThatThrownBy(() -> Explainer.of(net).at("nine").explain(x))
        .hasMessageContaining("no layer or vertex \"nine\"");
    assertThatThrownBy(() -> Explainer.of(net).baseline(random(1, 7)).explain(x))
        .hasMessageContaining("baseline of \"input\" has the shape [7]");
    assertThatThrownBy(() -> Explainer.of(net).weights(random(1, 7)).explain(x))
        .hasMessageContaining("weights have the shape [7]");
    assertThatThrownBy(() -> Explainer.of(net).explain(Map.of("input", x)))
        .hasMessageContaining("explain(DataSet)");
    assertThatThrownBy(() -> Explainer.of(net).integratedGradients(1, Quadrature.TRAPEZOID))
        .hasMessageContaining("at least 2 points");
    INDArray nan = x.dup();
    nan.putScalar(2, 1, Double.NaN);
    assertThatThrownBy(() -> Explainer.of(net).explain(nan))
        .hasMessageContaining("\"input\" of sample 2");
    net.getParam("0_b").putScalar(0, Double.NaN);
    assertThatThrownBy(() -> Explainer.of(net).explain(x))
        .hasMessageContaining("The output of sample 0")
        .hasMessageContaining("parameters");
  }

  @Test
  void samplesThatInfluenceEachOtherAreRefused() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", random(40, 3, 2));
    x.sub(x.mean(true, 0)).mmul("scores", w);
    assertThatThrownBy(
            () -> Explainer.of(sd).at("x").output("scores").explain(Map.of("x", random(1, 4, 3))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("sample");
  }

  @Test
  void gaussAndLegendreAreExactForPolynomials() {
    for (int points = 1; points <= 64; points *= 2) {
      Quadrature.Rule rule = Quadrature.GAUSS_LEGENDRE.rule(points);
      int degree = 2 * points - 1;
      double integral = 0;
      for (int k = 0; k < points; k++) {
        integral += rule.weights()[k] * Math.pow(rule.nodes()[k], degree);
      }
      assertThat(integral).isCloseTo(1.0 / (degree + 1), within(1e-13));
    }
    Quadrature.Rule trapezoid = Quadrature.TRAPEZOID.rule(5);
    assertThat(trapezoid.nodes()).containsExactly(0, 0.25, 0.5, 0.75, 1);
    assertThat(Arrays.stream(trapezoid.weights()).sum()).isEqualTo(1);
  }

  @Test
  void twoSetsOfData() {
    MultiLayerNetwork net = Nets.sequential(InputType.feedForward(3), softmax(2));
    INDArray x = random(16, 4, 3);
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, 4, 2);
    Explanation a = Explainer.of(net).explain(new DataSet(x, labels));
    Explanation b =
        Explainer.of(net).explain(new MultiDataSet(new INDArray[] {x}, new INDArray[] {labels}));
    assertThat(a.attributions()).isEqualTo(b.attributions());
  }
}
