package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.extension.BatchGrad;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.AttentionVertex;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.graph.ShiftVertex;
import org.deeplearning4j.nn.conf.graph.SubsetVertex;
import org.deeplearning4j.nn.conf.graph.rnn.DuplicateToTimeSeriesVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.graph.rnn.ReverseTimeSeriesVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LearnedSelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RecurrentAttentionLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.preprocessor.CnnToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToCnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Embeddings, attention, and what stands between time series and rows. */
class SeriesNetsTest {
  private static final int N = 3;
  private static final int F = 2;
  private static final int T = 4;
  private static final int C = 3;

  private static RnnOutputLayer softmax() {
    return new RnnOutputLayer.Builder(LossFunction.MCXENT)
        .nOut(C)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(C)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static SimpleRnn simple(int units) {
    return new SimpleRnn.Builder().nOut(units).build();
  }

  private static INDArray labels(int steps) {
    INDArray y = Nd4j.zeros(Nets.random(1).dataType(), N, C, steps);
    for (int n = 0; n < N; n++) {
      for (int t = 0; t < steps; t++) {
        y.putScalar(n, (n + 2 * t) % C, t, 1);
      }
    }
    return y;
  }

  private static INDArray mask() {
    return Nd4j.createFromArray(new double[][] {{1, 1, 1, 1}, {1, 1, 0, 0}, {1, 1, 1, 0}});
  }

  private static MultiDataSet batch(
      INDArray x, INDArray y, INDArray featureMask, INDArray labelMask) {
    return new MultiDataSet(
        new INDArray[] {x},
        new INDArray[] {y},
        featureMask == null ? null : new INDArray[] {featureMask},
        labelMask == null ? null : new INDArray[] {labelMask});
  }

  private static MultiLayerNetwork net(Layer... layers) {
    return Nets.sequential(InputType.recurrent(F, T), layers);
  }

  // ---- preprocessors ----

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void rowsBetweenSeries(boolean masked) {
    MultiLayerNetwork net =
        net(
            new DenseLayer.Builder().nOut(3).build(),
            simple(2),
            new DenseLayer.Builder().nOut(2).build(),
            softmax());
    INDArray mask = masked ? mask() : null;
    Converted.of(net, batch(Nets.random(N, F, T), labels(T), mask, mask)).check();
  }

  @Test
  void imagesBetweenSeries() {
    GraphBuilder graph =
        Nets.graph(InputType.recurrent(9, T))
            .addLayer("conv", new ConvolutionLayer.Builder(2, 2).nIn(1).nOut(2).build(), "in")
            .addLayer("rnn", new SimpleRnn.Builder().nIn(8).nOut(2).build(), "conv")
            .addLayer("out", softmax(), "rnn")
            .setOutputs("out")
            .inputPreProcessor("conv", new RnnToCnnPreProcessor(3, 3, 1))
            .inputPreProcessor("rnn", new CnnToRnnPreProcessor(2, 2, 2));
    Converted.check(Nets.graph(graph), Nets.random(N, 9, T), labels(T));
  }

  @Test
  void preprocessorsAsVertices() {
    GraphBuilder graph =
        Nets.graph(InputType.recurrent(F, T))
            .addVertex("rows", new PreprocessorVertex(new RnnToFeedForwardPreProcessor()), "in")
            .addLayer("dense", new DenseLayer.Builder().nIn(F).nOut(2).build(), "rows")
            .addVertex(
                "series", new PreprocessorVertex(new FeedForwardToRnnPreProcessor()), "dense")
            .addLayer("out", softmax(), "series")
            .setOutputs("out");
    Converted.check(Nets.graph(graph), Nets.random(N, F, T), labels(T));
  }

  // ---- vertices ----

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void lastStepDuplicatedAndReversed(boolean masked) {
    GraphBuilder graph =
        Nets.graph(InputType.recurrent(F, T))
            .addLayer("rnn", simple(2), "in")
            .addVertex("turned", new ReverseTimeSeriesVertex("in"), "rnn")
            .addLayer("again", simple(2), "turned")
            .addVertex("back", new ReverseTimeSeriesVertex("in"), "again")
            .addVertex("last", new LastTimeStepVertex("in"), "back")
            .addVertex("spread", new DuplicateToTimeSeriesVertex("in"), "last")
            .addLayer("out", softmax(), "spread")
            .setOutputs("out");
    INDArray mask = masked ? mask() : null;
    Converted.of(Nets.graph(graph), batch(Nets.random(N, F, T), labels(T), mask, mask)).check();
  }

  @Test
  void reversalWithoutMask() {
    GraphBuilder graph =
        Nets.graph(InputType.recurrent(F, T))
            .addVertex("turned", new ReverseTimeSeriesVertex(), "in")
            .addLayer("rnn", simple(2), "turned")
            .addLayer("out", softmax(), "rnn")
            .setOutputs("out");
    Converted.check(Nets.graph(graph), Nets.random(N, F, T), labels(T));
  }

  // ---- masks ----

  @ParameterizedTest
  @EnumSource(PoolingType.class)
  void masksOfPooledSeries(PoolingType type) {
    MultiLayerNetwork net =
        net(
            new LSTM.Builder().nOut(3).build(),
            new GlobalPoolingLayer.Builder(type).pnorm(2).build(),
            output());
    Converted.of(net, batch(Nets.random(N, F, T), Nets.classes(N, C), mask(), null)).check();
  }

  static Stream<Convolution1DLayer.Builder> convolutions() {
    return Stream.of(
        new Convolution1DLayer.Builder(2).convolutionMode(ConvolutionMode.Same),
        new Convolution1DLayer.Builder(2).convolutionMode(ConvolutionMode.Causal),
        new Convolution1DLayer.Builder(3).padding(1).stride(2),
        new Convolution1DLayer.Builder(2).convolutionMode(ConvolutionMode.Same).stride(2));
  }

  @ParameterizedTest
  @MethodSource("convolutions")
  void masksOfConvolutionsOverTime(Convolution1DLayer.Builder layer) {
    MultiLayerNetwork net =
        net(
            layer.nOut(3).build(),
            new GlobalPoolingLayer.Builder(PoolingType.MAX).build(),
            output());
    Nets.inDoublePrecision(
        () ->
            Converted.of(net, batch(Nets.random(N, F, T), Nets.classes(N, C), mask(), null))
                .check());
  }

  /** DL4J fails on the way back, so only the outputs can be compared. */
  @Test
  void convolutionsOverTimeWithFeaturesLast() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.recurrent(F, T, RNNFormat.NWC),
            new Convolution1DLayer.Builder(2).rnnDataFormat(RNNFormat.NWC).nOut(5).build(),
            new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(C)
                .dataFormat(RNNFormat.NWC)
                .activation(Activation.SOFTMAX)
                .build());
    DataSet batch = new DataSet(Nets.random(N, T, F), Nets.random(N, T - 1, C));
    ConvertedNetwork converted = Dl4jConverter.toSameDiff(net, new long[] {T, F});
    String name = converted.activations("1");
    INDArray ours = converted.sameDiff().output(converted.feeds(batch), name).get(name);
    assertThat(ours.sub(net.output(batch.getFeatures())).amaxNumber().doubleValue())
        .isLessThan(1e-12);
    assertThatThrownBy(() -> net.fit(batch)).hasMessageContaining("conv1d_bp");
  }

  /** A MultiLayerNetwork keeps the mask only where a convolution has made another of it. */
  @Test
  void aListenerNeedsTheFeaturesMask() {
    MultiLayerNetwork network =
        net(
            new Convolution1DLayer.Builder(3).padding(1).nOut(3).build(),
            new GlobalPoolingLayer.Builder(PoolingType.MAX).build(),
            output());
    ComputationGraph graph = network.toComputationGraph();
    DataSet batch = new DataSet(Nets.random(N, F, T), Nets.classes(N, C), mask(), null);
    Nets.inDoublePrecision(
        () -> {
          try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
            network.setListeners(listener);
            network.fit(batch);
            assertThatThrownBy(listener::outputs).hasMessageContaining("toComputationGraph()");
            graph.setListeners(listener);
            graph.fit(batch);
            assertThat(listener.get("0_W", BatchGrad.class).size(0)).isEqualTo(N);
          }
        });
  }

  /** Two inputs with masks of their own: what one of them has is there. */
  @Test
  void masksOfSeveralInputs() {
    ComputationGraph net =
        Nets.graph(
            Nets.builder()
                .graphBuilder()
                .addInputs("x", "y")
                .setInputTypes(InputType.recurrent(F, T), InputType.recurrent(F, T))
                .addLayer("a", simple(2), "x")
                .addLayer("b", simple(2), "y")
                .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "a", "b")
                .addVertex("both", new MergeVertex(), "sum", "a")
                .addVertex("some", new SubsetVertex(0, 2), "both")
                .addVertex("scaled", new ScaleVertex(0.7), "some")
                .addVertex("shifted", new ShiftVertex(0.1), "scaled")
                .addLayer("again", simple(2), "shifted")
                .addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), "again")
                .addLayer("out", output(), "pool")
                .setOutputs("out"));
    INDArray other = mask();
    other.putScalar(1, 2, 1);
    INDArray[] masks = {mask(), other};
    MultiDataSet batch =
        new MultiDataSet(
            new INDArray[] {Nets.random(N, F, T), Nets.random(N, F, T).mul(0.7)},
            new INDArray[] {Nets.classes(N, C)},
            masks,
            null);
    Converted.of(net, batch).check();
  }

  // ---- embeddings ----

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void embeddings(boolean masked) {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.recurrent(5, T),
            new EmbeddingSequenceLayer.Builder()
                .nIn(5)
                .nOut(3)
                .inputLength(T)
                .hasBias(masked)
                .build(),
            simple(2),
            softmax());
    INDArray words =
        Nd4j.createFromArray(new double[][] {{0, 3, 3, 1}, {4, 2, 0, 0}, {1, 1, 1, 2}});
    INDArray mask = masked ? mask() : null;
    Converted.of(net, batch(words.reshape(N, 1, T), labels(T), mask, mask)).check();
  }

  // ---- attention ----

  static Stream<Arguments> attention() {
    return Stream.of(
        Arguments.of(
            "by itself", new SelfAttentionLayer.Builder().nIn(2).nOut(2).nHeads(1).build()),
        Arguments.of(
            "two heads",
            new SelfAttentionLayer.Builder().nIn(2).nOut(4).nHeads(2).projectInput(true).build()),
        Arguments.of(
            "recurrent", new RecurrentAttentionLayer.Builder().nIn(2).nOut(2).nHeads(1).build()),
        Arguments.of(
            "recurrent by itself",
            new RecurrentAttentionLayer.Builder()
                .nIn(2)
                .nOut(2)
                .nHeads(1)
                .projectInput(false)
                .hasBias(false)
                .build()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("attention")
  void attentionLayers(String name, Layer layer) {
    for (INDArray mask : new INDArray[] {null, mask()}) {
      Converted.of(
              net(simple(2), layer, softmax()), batch(Nets.random(N, F, T), labels(T), mask, mask))
          .doubled("0", "1")
          .check();
    }
  }

  /** Not even its forward pass: if a later version can, this asks for a converter. */
  @Test
  void learnedAttentionFailsInDeeplearning4jToo() {
    MultiLayerNetwork net =
        net(
            new LearnedSelfAttentionLayer.Builder().nIn(2).nOut(2).nHeads(1).nQueries(3).build(),
            softmax());
    assertThatThrownBy(() -> net.output(Nets.random(N, F, T)))
        .hasMessageContaining("scatter_update");
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net, new long[] {F, T}))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("LearnedSelfAttentionLayer")
        .hasMessageContaining("itself fails");
  }

  /** If a later version can, this asks for a converter. */
  @Test
  void normalisedRecurrenceFailsInDeeplearning4jToo() {
    MultiLayerNetwork net =
        net(new SimpleRnn.Builder().nOut(2).hasLayerNorm(true).build(), softmax());
    net.setInput(Nets.random(N, F, T));
    net.setLabels(labels(T));
    assertThatThrownBy(net::computeGradientAndScore)
        .hasMessageContaining("Indices are out of range");
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net, new long[] {F, T}))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("layer \"0\" (SimpleRnn): DL4J 1.0.0-M2.1 fails on layer norm")
        .hasMessageContaining("leave hasLayerNorm(true) out");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void attentionVertex(boolean masked) {
    GraphBuilder graph =
        Nets.graph(InputType.recurrent(F, T))
            .addLayer("a", simple(2), "in")
            .addLayer("b", simple(3), "in")
            .addVertex(
                "attention",
                new AttentionVertex.Builder()
                    .nHeads(2)
                    .headSize(2)
                    .nInQueries(2)
                    .nInKeys(3)
                    .nInValues(3)
                    .nOut(2)
                    .projectInput(true)
                    .build(),
                "a",
                "b",
                "b")
            .addLayer("out", softmax(), "attention")
            .setOutputs("out");
    INDArray mask = masked ? mask() : null;
    Converted.of(Nets.graph(graph), batch(Nets.random(N, F, T), labels(T), mask, mask))
        .doubled("a", "b", "attention")
        .check();
  }

  @Test
  void aClassifierOfSequences() {
    Converted.check(
        net(
            new LSTM.Builder().nOut(3).build(),
            new LastTimeStep(new LSTM.Builder().nOut(2).build()),
            new DenseLayer.Builder().nOut(3).build(),
            output()),
        Nets.random(N, F, T),
        Nets.classes(N, C));
  }
}
