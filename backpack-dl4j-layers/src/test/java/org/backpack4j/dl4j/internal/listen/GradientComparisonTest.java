package org.backpack4j.dl4j.internal.listen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.dl4j.internal.convert.IterationState;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.convert.NetworkConversion;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLambdaLayer;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLambdaVertex;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** What the comparison with DL4J's gradient lets pass, what it doesn't, and what it says. */
class GradientComparisonTest {
  private static final int N = 8;

  private static NeuralNetConfiguration.Builder of(DataType type) {
    return Nets.builder().dataType(type);
  }

  private static OutputLayer softmax(int classes) {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(classes)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static OutputLayer squares(int outputs) {
    return new OutputLayer.Builder(LossFunction.MSE)
        .nOut(outputs)
        .activation(Activation.IDENTITY)
        .build();
  }

  private static DenseLayer dense(int units) {
    return new DenseLayer.Builder().nOut(units).build();
  }

  private static DataSet batch(DataType type, INDArray x, INDArray y) {
    return new DataSet(x.castTo(type), y.castTo(type));
  }

  private static void fit(Model net, BackPackListener listener, DataSet batch) {
    if (net instanceof ComputationGraph graph) {
      graph.setListeners(listener);
      graph.fit(batch);
    } else {
      ((MultiLayerNetwork) net).setListeners(listener);
      ((MultiLayerNetwork) net).fit(batch);
    }
  }

  // ---- gradients that are no numbers ----

  /**
   * DL4J's softmax in double precision divides zero by zero where all logits are far below zero.
   */
  @Test
  void whereDl4jsGradientIsNoNumberOursIsGivenWithANote() {
    InputType flat = InputType.feedForward(4);
    MultiLayerNetwork net = Nets.sequential(of(DataType.DOUBLE), flat, dense(5), softmax(3));
    net.getParam("1_b").addi(-4000);
    MultiLayerNetwork same = net.clone();
    same.getParam("1_b").addi(4000); // what is added to all logits changes nothing
    DataSet batch = batch(DataType.DOUBLE, Nets.random(N, 4), Nets.classes(N, 3));
    try (BackPackListener listener = new BackPackListener(new BatchGrad());
        BackPackListener other = new BackPackListener(new BatchGrad())) {
      fit(net, listener, batch);
      fit(same, other, batch);
      assertThat(net.gradient().getGradientFor("1_W").isNaN().any()).isTrue();
      assertThat(listener.latest().notes())
          .anyMatch(note -> note.contains("DL4J's gradient has entries that are no numbers"));
      double[] rows = listener.get("0_W", BatchGrad.class).dup('c').data().asDouble();
      double[] wanted = other.get("0_W", BatchGrad.class).dup('c').data().asDouble();
      assertThat(rows).containsExactly(wanted, within(1e-9));
    }
  }

  // ---- gradients that are zero up to rounding ----

  /** A case: what it is, the network, the batch, the parameters asked for. */
  private record Case(
      String name, InputType input, List<Layer> layers, INDArray x, INDArray y, String... names) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static List<Case> nearZero() {
    INDArray images = Nets.random(N, 2, 6, 6);
    INDArray rows = Nets.random(N, 4);
    INDArray halves = Nd4j.create(DataType.DOUBLE, N, 2);
    INDArray alternating = Nd4j.create(DataType.DOUBLE, N, 1);
    for (int n = 0; n < N; n++) {
      halves.putScalar(n, 0, n % 2 == 0 ? 0.8 : 0.2).putScalar(n, 1, n % 2 == 0 ? 0.2 : 0.8);
      alternating.putScalar(n, n % 2 == 0 ? 1 : -1);
    }
    Layer convolution =
        new ConvolutionLayer.Builder(3, 3).nOut(4).activation(Activation.IDENTITY).build();
    Layer linear = new DenseLayer.Builder().nOut(5).activation(Activation.IDENTITY).build();
    Layer normalised = new BatchNormalization.Builder().build();
    Layer dead = new DenseLayer.Builder().nOut(5).biasInit(-50).activation(Activation.RELU).build();
    InputType flat = InputType.feedForward(4);
    INDArray classes = Nets.classes(N, 3);
    return List.of(
        new Case(
            "convolution's bias before batch normalisation",
            InputType.convolutional(6, 6, 2),
            List.of(convolution, normalised, softmax(3)),
            images,
            classes,
            "0_b"),
        new Case(
            "dense bias before batch normalisation",
            flat,
            List.of(linear, normalised, softmax(3)),
            rows,
            classes,
            "0_b"),
        new Case(
            "all before batch normalisation",
            flat,
            List.of(linear, normalised, softmax(3)),
            rows,
            classes),
        new Case("dead ReLU", flat, List.of(dead, softmax(3)), rows, classes, "0_W", "0_b"),
        new Case(
            "softmax of one unit",
            flat,
            List.of(softmax(1)),
            rows,
            Nd4j.ones(DataType.DOUBLE, N, 1)),
        new Case(
            "output bias whose samples cancel",
            flat,
            List.of(zeros(softmax(2))),
            rows,
            halves,
            "0_b"),
        new Case(
            "residuals that cancel", flat, List.of(zeros(squares(1))), rows, alternating, "0_b"));
  }

  private static Layer zeros(OutputLayer layer) {
    layer.setWeightInitFn(new org.deeplearning4j.nn.weights.WeightInitConstant(0));
    layer.setBiasInit(0);
    return layer;
  }

  static Stream<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (DataType type : List.of(DataType.FLOAT, DataType.DOUBLE)) {
      for (Case c : nearZero()) {
        cases.add(Arguments.of(c, type, List.of(new BatchGrad())));
        cases.add(Arguments.of(c, type, List.of()));
      }
      Case first = nearZero().get(0);
      cases.add(Arguments.of(first, type, List.of(new BatchL2Grad())));
      cases.add(Arguments.of(first, type, List.of(new SumGradSquared())));
      cases.add(Arguments.of(first, type, List.of(new Variance())));
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void whatIsZeroUpToRoundingIsNoFailure(Case c, DataType type, List<Extension> extensions) {
    MultiLayerNetwork net = Nets.sequential(of(type), c.input(), c.layers().toArray(new Layer[0]));
    try (BackPackListener listener =
        new BackPackListener(extensions.toArray(new Extension[0])).parameters(c.names())) {
      fit(net, listener, batch(type, c.x(), c.y()));
      assertThat(listener.latest().notes()).isEmpty();
    }
  }

  /** Distillation at its optimum: the labels are what the network answers. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void labelsThatAreThePredictions(DataType type) {
    for (OutputLayer output : List.of(softmax(3), squares(3))) {
      MultiLayerNetwork net = Nets.sequential(of(type), InputType.feedForward(4), dense(5), output);
      INDArray x = Nets.random(N, 4).castTo(type);
      for (Extension extension : List.of(new BatchGrad(), new DiagGGNExact())) {
        try (BackPackListener listener = new BackPackListener(extension)) {
          fit(net, listener, new DataSet(x, net.output(x).dup()));
          assertThat(listener.latest().notes())
              .allSatisfy(n -> assertThat(n).contains("It is rounding"));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void aRegressionThatConverges(DataType type) {
    for (Extension extension : List.of(new BatchGrad(), new DiagGGNExact())) {
      MultiLayerNetwork net =
          Nets.sequential(of(type).updater(new Sgd(0.5)), InputType.feedForward(3), squares(1));
      INDArray x = Nets.random(50, 3);
      DataSet all = batch(type, x, x.sum(true, 1).addi(Nets.random(50, 1)));
      try (BackPackListener listener = new BackPackListener(extension)) {
        for (int k = 0; k < 150; k++) {
          fit(net, listener, all);
          listener.outputs();
        }
      }
    }
  }

  // ---- numbers that are not finite ----

  private static MultiLayerNetwork small(DataType type, OutputLayer output) {
    return Nets.sequential(of(type), InputType.feedForward(5), dense(4), output);
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void aPoisonedSampleIsSeenInItsRowAlone(DataType type) {
    for (double poison : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      for (boolean inLabels : new boolean[] {false, true}) {
        for (double tolerance : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
          INDArray x = Nets.random(6, 5);
          INDArray y = Nets.random(6, 2);
          (inLabels ? y : x).getRow(3).assign(poison);
          try (BackPackListener listener = new BackPackListener(new BatchL2Grad())) {
            if (!Double.isNaN(tolerance)) {
              listener.gradientTolerance(tolerance);
            }
            fit(small(type, squares(2)), listener, batch(type, x, y));
            INDArray norms = listener.get("1_W", BatchL2Grad.class);
            for (int n = 0; n < 6; n++) {
              assertThat(Double.isFinite(norms.getDouble(n))).as("row " + n).isEqualTo(n != 3);
            }
          }
        }
      }
    }
  }

  @Test
  void aGradientThatIsNotFiniteInOtherPlacesIsAFailureUnlessAllIsLetPass() {
    MultiLayerNetwork net = small(DataType.FLOAT, squares(2));
    ComparedIteration compared = compared(net, Nets.random(6, 5), Nets.random(6, 2));
    compared.results().get("0_W.grad").putScalar(0, Double.NaN);
    assertThatThrownBy(() -> comparison(null).compare(compared))
        .hasMessageContaining("\"0_W\" is not finite in 1 entries");
    assertThat(comparison(Double.POSITIVE_INFINITY).compare(compared))
        .anySatisfy(n -> assertThat(n).contains("not finite in 1 entries"));
  }

  private static GradientComparison comparison(Double tolerance) {
    return new GradientComparison(
        new ListenerSettings(
            new Extension[0],
            p -> true,
            java.util.Set.of(),
            Scale.SUM,
            false,
            false,
            tolerance,
            0,
            0,
            NetworkConverter.converters(List.of())));
  }

  /** An iteration as a listener sees it, whose results can be changed. */
  private static ComparedIteration compared(MultiLayerNetwork net, INDArray x, INDArray y) {
    DataType type = net.params().dataType();
    ConvertedGraph converted =
        NetworkConverter.convert(
            net,
            BatchShape.of(
                new INDArray[] {x}, new INDArray[] {y}, null, null, InputShapes.outputs(net)),
            new NetworkConversion.Choices(
                Scale.SUM,
                BatchStatistics.BATCH,
                false,
                false,
                NetworkConverter.converters(List.of())));
    ExtendedGraph graph = converted.extend();
    Map<String, INDArray> feeds = converted.feeds(batch(type, x, y));
    net.setInput(x.castTo(type));
    net.setLabels(y.castTo(type));
    net.computeGradientAndScore();
    NetworkBatch batch =
        new NetworkBatch(
            new INDArray[] {x.castTo(type)}, new INDArray[] {y.castTo(type)}, null, null, Map.of());
    Map<String, INDArray> results = new HashMap<>(graph.output(feeds, graph.outputNames()));
    return new ComparedIteration(
        net, batch, IterationState.NOTHING, converted, graph, feeds, results, 1);
  }

  /** A kernel that is wrong in single precision alone is not rounding either. */
  @Test
  void whatOurGraphGetsWrongIsAFailureThoughTheConversionIsRight() {
    ComparedIteration compared =
        compared(small(DataType.FLOAT, softmax(3)), Nets.random(6, 5), Nets.classes(6, 3));
    assertThat(comparison(null).compare(compared)).isEmpty();
    compared.results().get("1_b.grad").muli(0.5);
    assertThatThrownBy(() -> comparison(null).compare(compared))
        .hasMessageContaining("\"1_b\"")
        .hasMessageContaining("could be rounding");
  }

  // ---- wrong conversions ----

  /** A layer that multiplies by 2 in DL4J and is converted to one that multiplies by 3. */
  public static final class WronglyConverted extends SameDiffLambdaLayer {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable defineLayer(SameDiff sd, SDVariable x) {
      boolean ours =
          StackWalker.getInstance()
              .walk(
                  s ->
                      s.anyMatch(
                          f ->
                              f.getClassName()
                                  .startsWith("org.backpack4j.dl4j.internal.convert.")));
      return x.mul(ours ? 3 : 2);
    }

    @Override
    public InputType getOutputType(int index, InputType input) {
      return input;
    }
  }

  private static ComputationGraph twoHeads(DataType type, boolean wrong) {
    GraphBuilder graph =
        of(type)
            .graphBuilder()
            .addInputs("in")
            .setInputTypes(InputType.feedForward(4))
            .addLayer("a", dense(5), "in")
            .addLayer(
                "between",
                wrong
                    ? new WronglyConverted()
                    : new ActivationLayer.Builder().activation(Activation.TANH).build(),
                "a")
            .addLayer("policy", softmax(3), "between")
            .addLayer("value", squares(1), "a")
            .setOutputs("policy", "value");
    return Nets.graph(graph);
  }

  private static BackPackListener fitTwoHeads(ComputationGraph net, INDArray labels) {
    DataType type = net.params().dataType();
    BackPackListener listener = new BackPackListener(new BatchL2Grad());
    net.setListeners(listener);
    net.fit(
        new MultiDataSet(
            new INDArray[] {Nets.random(6, 4).castTo(type)},
            new INDArray[] {labels.castTo(type), Nets.random(6, 1).addi(4000).castTo(type)}));
    return listener;
  }

  /** The large head's gradient is some thousand times that of the small one. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void aWrongConversionOfASmallLayerIsSeenBesideALargeOne(DataType type) {
    try (BackPackListener listener = fitTwoHeads(twoHeads(type, true), Nets.classes(6, 3))) {
      assertThatThrownBy(listener::outputs)
          .hasMessageContaining("policy_W")
          .hasMessageContaining("It is not rounding");
    }
    try (BackPackListener listener = fitTwoHeads(twoHeads(type, false), Nets.classes(6, 3))) {
      assertThat(listener.latest().notes()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void labelsOfZerosInASmallHeadAreTold(DataType type) {
    try (BackPackListener listener =
        fitTwoHeads(twoHeads(type, false), Nd4j.zeros(DataType.DOUBLE, 6, 3))) {
      assertThat(listener.outputs().get("policy_b.grad").amaxNumber().doubleValue()).isZero();
      assertThat(listener.latest().notes())
          .anySatisfy(n -> assertThat(n).contains("policy_", "6 of 6 rows", "(0.00 to 0.00)"));
    }
  }

  // ---- differences that are known ----

  public static final class Average extends SameDiffLambdaVertex {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable defineVertex(SameDiff sd, VertexInputs inputs) {
      return inputs.getInput(0).add(inputs.getInput(1)).mul(0.5);
    }
  }

  private static Map<String, Model> peculiar(DataType type) {
    Map<String, Model> nets = new LinkedHashMap<>();
    nets.put(
        "answers twice the gradient for SameDiff layers and vertices",
        Nets.graph(
            of(type)
                .graphBuilder()
                .addInputs("in")
                .addLayer("a", new DenseLayer.Builder().nIn(4).nOut(5).build(), "in")
                .addLayer("b", new DenseLayer.Builder().nIn(4).nOut(5).build(), "in")
                .addVertex("m", new Average(), "a", "b")
                .addLayer(
                    "out",
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(5)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build(),
                    "m")
                .setOutputs("out")));
    nets.put(
        "Batch normalisation in a FrozenLayerWithBackprop",
        Nets.sequential(
            of(type)
                .trainingWorkspaceMode(WorkspaceMode.NONE)
                .inferenceWorkspaceMode(WorkspaceMode.NONE),
            InputType.feedForward(4),
            dense(5),
            new FrozenLayerWithBackprop(new BatchNormalization.Builder().nIn(5).nOut(5).build()),
            softmax(3)));
    nets.put(
        "Batch normalisation with a locked gamma",
        Nets.sequential(
            of(type),
            InputType.feedForward(4),
            dense(5),
            new BatchNormalization.Builder(2, 0, true).build(),
            softmax(3)));
    return nets;
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void whatDl4jIsKnownToGetWrongIsGivenAndTold(DataType type) {
    peculiar(type)
        .forEach(
            (reason, net) -> {
              try (BackPackListener listener = new BackPackListener(new BatchL2Grad())) {
                for (int k = 0; k < 2; k++) {
                  fit(net, listener, batch(type, Nets.random(6, 4), Nets.classes(6, 3)));
                  assertThat(listener.latest().notes())
                      .as(reason)
                      .anySatisfy(n -> assertThat(n).contains(reason, "; ours is"))
                      .noneSatisfy(n -> assertThat(n).contains("rounding"));
                }
              }
            });
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void partsOfSequencesAreTold(DataType type) {
    NeuralNetConfiguration.ListBuilder list =
        of(type)
            .list()
            .layer(new LSTM.Builder().nOut(6).build())
            .layer(
                new RnnOutputLayer.Builder(LossFunction.MCXENT)
                    .nOut(3)
                    .activation(Activation.SOFTMAX)
                    .build());
    list.backpropType(BackpropType.TruncatedBPTT).tBPTTLength(3);
    MultiLayerNetwork net =
        new MultiLayerNetwork(list.setInputType(InputType.recurrent(4, 6)).build());
    net.init();
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, 5, 3, 6);
    for (int k = 0; k < 30; k++) {
      labels.putScalar(new int[] {k / 6, k % 3, k % 6}, 1);
    }
    List<List<String>> notes = new ArrayList<>();
    try (BackPackListener listener =
        new BackPackListener(new BatchL2Grad()).onStep(s -> notes.add(s.notes()))) {
      fit(net, listener, batch(type, Nets.random(5, 4, 6), labels));
    }
    assertThat(notes).hasSize(2);
    assertThat(notes.get(0)).isEmpty();
    assertThat(notes.get(1))
        .anySatisfy(n -> assertThat(n).contains("truncated backpropagation", "; ours is"));
  }

  /** Of one sample in eight the output is 20 before the sigmoid, and the label is 0. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void aSampleThatDl4jClipsIsTold(DataType type) {
    for (boolean dropped : new boolean[] {false, true}) {
      OutputLayer output =
          new OutputLayer.Builder(LossFunction.XENT).nOut(1).activation(Activation.SIGMOID).build();
      MultiLayerNetwork net =
          dropped
              ? Nets.sequential(
                  of(type), InputType.feedForward(4), dense(5), new DropoutLayer(0.9), output)
              : Nets.sequential(of(type), InputType.feedForward(4), output);
      String first = dropped ? "2_W" : "0_W";
      net.getParam(first).assign(dropped ? 40 : 5);
      INDArray x = Nets.random(N, 4).muli(dropped ? 1 : 0.1);
      x.getRow(2).assign(dropped ? -1 : 1);
      try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
        fit(
            net,
            listener,
            batch(
                type,
                x,
                dropped ? Nets.random(N, 1).addi(1).divi(2) : Nd4j.zeros(DataType.DOUBLE, N, 1)));
        assertThat(listener.latest().notes())
            .anySatisfy(
                n ->
                    assertThat(n)
                        .contains(
                            "clips the outputs of XENT at 1e-05", "samples have such outputs"));
      }
    }
  }

  /** A second opinion is formed on copies, with random numbers of its own. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void askingDoesNotDisturbTheTraining(DataType type) {
    List<INDArray> parameters = new ArrayList<>();
    List<Double> random = new ArrayList<>();
    for (boolean watched : new boolean[] {false, true}) {
      Nd4j.getRandom().setSeed(5);
      MultiLayerNetwork net =
          Nets.sequential(
              of(type).l2(0.01),
              InputType.feedForward(4),
              dense(5),
              new BatchNormalization.Builder().build(),
              softmax(3));
      BackPackListener listener = new BackPackListener(new BatchL2Grad());
      if (watched) {
        net.setListeners(listener);
      }
      for (int k = 0; k < 3; k++) {
        net.fit(batch(type, Nets.random(N, 4), Nets.classes(N, 3).mul(2)));
      }
      parameters.add(net.params());
      random.add(Nd4j.getRandom().nextDouble());
      if (watched) {
        assertThat(listener.latest().notes()).anySatisfy(n -> assertThat(n).contains("; ours is"));
      }
      listener.close();
    }
    assertThat(parameters.get(1)).isEqualTo(parameters.get(0));
    assertThat(random.get(1)).isEqualTo(random.get(0));
  }

  @Test
  void aToleranceLetsPassAndTellsWhatIsKnown() {
    try (BackPackListener listener =
        new BackPackListener(new BatchL2Grad()).gradientTolerance(Double.POSITIVE_INFINITY)) {
      fit(
          small(DataType.FLOAT, softmax(3)),
          listener,
          batch(DataType.FLOAT, Nets.random(6, 5), Nets.classes(6, 3).mul(2)));
      assertThat(listener.latest().notes())
          .anySatisfy(n -> assertThat(n).contains("lets it pass", "6 of 6 rows of labels"));
    }
  }

  // ---- rounding ----

  /** Numbers whose mean is a million times their spread lose their digits in single precision. */
  @Test
  void roundingIsToldOnlyWhereDoublePrecisionShowsIt() {
    MultiLayerNetwork net =
        Nets.sequential(
            of(DataType.FLOAT),
            InputType.feedForward(4),
            new BatchNormalization.Builder().build(),
            dense(5),
            new BatchNormalization.Builder().build(),
            softmax(3));
    INDArray x = Nets.random(7, 4).muli(0.02).addi(1e4);
    DataSet batch = batch(DataType.FLOAT, x, Nets.classes(7, 3));
    try (BackPackListener listener = new BackPackListener(new BatchL2Grad())) {
      for (int k = 0; k < 3; k++) {
        fit(net, listener, batch);
        assertThat(listener.latest().notes())
            .isNotEmpty()
            .allSatisfy(n -> assertThat(n).contains("It is rounding."));
      }
    }
  }
}
