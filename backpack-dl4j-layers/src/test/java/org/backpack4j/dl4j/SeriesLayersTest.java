package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.deeplearning4j.nn.conf.layers.util.MaskLayer;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Recurrent layers, what wraps them, and masks over time. */
class SeriesLayersTest {
  private static final int N = 3;
  private static final int F = 2;
  private static final int T = 4;
  private static final int C = 3;

  /** Last steps by a mask DL4J gathers in single precision. */
  private static final double SINGLE = 1e-5;

  private static RnnOutputLayer.Builder softmax() {
    return new RnnOutputLayer.Builder(LossFunction.MCXENT).nOut(C).activation(Activation.SOFTMAX);
  }

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(C)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static MultiLayerNetwork net(RNNFormat format, Layer... layers) {
    return Nets.sequential(InputType.recurrent(F, T, format), layers);
  }

  private static INDArray series(RNNFormat format) {
    INDArray x = Nets.random(N, F, T);
    return format == RNNFormat.NCW ? x : x.permute(0, 2, 1).dup('c');
  }

  /** A class for each step of each sample. */
  private static INDArray labels(RNNFormat format) {
    INDArray y = Nd4j.zeros(Nets.random(1).dataType(), N, C, T);
    for (int n = 0; n < N; n++) {
      for (int t = 0; t < T; t++) {
        y.putScalar(n, (n + 2 * t) % C, t, 1);
      }
    }
    return format == RNNFormat.NCW ? y : y.permute(0, 2, 1).dup('c');
  }

  /** The samples have 4, 2 and 3 steps. */
  private static INDArray mask() {
    return Nd4j.createFromArray(new double[][] {{1, 1, 1, 1}, {1, 1, 0, 0}, {1, 1, 1, 0}});
  }

  private static INDArray[] one(INDArray array) {
    return array == null ? null : new INDArray[] {array};
  }

  private static Converted with(
      MultiLayerNetwork net, INDArray x, INDArray y, INDArray featureMask, INDArray labelMask) {
    return Converted.of(net, new MultiDataSet(one(x), one(y), one(featureMask), one(labelMask)));
  }

  private static LSTM.Builder lstm() {
    return new LSTM.Builder().nOut(3);
  }

  @SuppressWarnings("deprecation") // GravesLSTM is, and people have it
  static Stream<Arguments> recurrent() {
    List<Arguments> layers = new ArrayList<>();
    layers.add(Arguments.of("LSTM", lstm().build()));
    layers.add(
        Arguments.of(
            "LSTM with others",
            lstm()
                .activation(Activation.SOFTSIGN)
                .gateActivationFunction(Activation.TANH)
                .build()));
    layers.add(Arguments.of("GravesLSTM", new GravesLSTM.Builder().nOut(2).build()));
    layers.add(Arguments.of("SimpleRnn", new SimpleRnn.Builder().nOut(3).build()));
    for (Bidirectional.Mode mode : Bidirectional.Mode.values()) {
      layers.add(Arguments.of("Bidirectional " + mode, new Bidirectional(mode, lstm().build())));
    }
    layers.add(
        Arguments.of(
            "Bidirectional of SimpleRnn",
            new Bidirectional(Bidirectional.Mode.CONCAT, new SimpleRnn.Builder().nOut(2).build())));
    layers.add(Arguments.of("MaskZero", new MaskZeroLayer(lstm().build(), 0)));
    layers.add(
        Arguments.of(
            "TimeDistributed", new TimeDistributed(new DenseLayer.Builder().nOut(3).build())));
    return layers.stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("recurrent")
  void everyLayer(String name, Layer layer) {
    Converted.check(
        net(RNNFormat.NCW, layer, softmax().build()), series(RNNFormat.NCW), labels(RNNFormat.NCW));
  }

  /** Recurrent weights are in no step then: zeros, as DL4J's gradient. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("recurrent")
  void sequencesOfOneStep(String name, Layer layer) {
    MultiLayerNetwork net = Nets.sequential(InputType.recurrent(F, 1), layer, softmax().build());
    INDArray y = Nets.classes(N, C).reshape(N, C, 1);
    Converted.check(net, Nets.random(N, F, 1), y);
    ConvertedNetwork converted = Dl4jConverter.toSameDiff(net, new long[] {F, 1});
    assertThat(converted.parameters()).containsAll(net.paramTable().keySet());
    try (ExtendedGraph graph = converted.extend(new BatchGrad())) {
      net.paramTable()
          .keySet()
          .forEach(p -> assertThat(graph.outputNames()).contains(p + ".grad_batch"));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("recurrent")
  void everyLayerWithMasks(String name, Layer layer) {
    if (!name.equals("TimeDistributed")) {
      with(
              net(RNNFormat.NCW, layer, softmax().build()),
              series(RNNFormat.NCW),
              labels(RNNFormat.NCW),
              mask(),
              mask())
          .check();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("recurrent")
  void theLastStepOfEveryLayer(String name, Layer layer) {
    if (!name.equals("TimeDistributed")) {
      with(
              net(RNNFormat.NCW, new LastTimeStep(layer), output()),
              series(RNNFormat.NCW),
              Nets.classes(N, C),
              null,
              null)
          .tolerance(name.equals("MaskZero") ? SINGLE : 1e-9)
          .check();
    }
  }

  /** Backwards, the steps that are masked come first: see the next test. */
  private static boolean beginsMasked(Layer layer) {
    return layer instanceof Bidirectional two && two.getFwd() instanceof LSTM;
  }

  /** Features of which the second sample's are zero from the third step on. */
  private static INDArray padded() {
    INDArray x = series(RNNFormat.NCW);
    x.get(NDArrayIndex.point(1), NDArrayIndex.all(), NDArrayIndex.interval(2, T)).assign(0);
    return x;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("recurrent")
  void theLastStepOfEveryLayerWithMasks(String name, Layer layer) {
    if (!name.equals("TimeDistributed") && !beginsMasked(layer)) {
      INDArray x = padded();
      with(
              net(RNNFormat.NCW, new LastTimeStep(layer), output()),
              x,
              Nets.classes(N, C),
              mask(),
              null)
          .tolerance(SINGLE)
          .check();
    }
  }

  /**
   * Where the first step of an LSTM is masked, DL4J takes its features for the gradient of W all
   * the same. The converted graph's gradient is the derivative of the score.
   */
  @Test
  void stepsThatAreMaskedFirstDoNotCount() {
    Layer two = new Bidirectional(Bidirectional.Mode.CONCAT, lstm().build());
    MultiLayerNetwork net = net(RNNFormat.NCW, new LastTimeStep(two), output());
    with(net, padded(), Nets.classes(N, C), mask(), null)
        .tolerance(SINGLE)
        .againstBruteForce()
        .check();
  }

  @Test
  @SuppressWarnings("deprecation") // it is, and people have it
  void theOlderBidirectionalLayer() {
    MultiLayerNetwork net =
        net(
            RNNFormat.NCW,
            new GravesBidirectionalLSTM.Builder().nOut(2).build(),
            softmax().build());
    INDArray y = labels(RNNFormat.NCW);
    with(net, series(RNNFormat.NCW), y, null, null).check();
    with(net, series(RNNFormat.NCW), y, mask(), mask()).againstBruteForce().check();
  }

  /** A graph for each length that comes, masks included. */
  @Test
  void trainingWithAListenerOnSequencesOfSeveralLengths() {
    MultiLayerNetwork net =
        net(
            RNNFormat.NCW,
            lstm().build(),
            new DenseLayer.Builder().nOut(2).build(),
            softmax().build());
    try (BackPackListener listener = new BackPackListener(new BatchGrad(), new DiagGGNExact())) {
      net.addListeners(listener);
      for (int steps : new int[] {T, 2, T}) {
        INDArrayIndex[] first = {
          NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(0, steps)
        };
        INDArray x = series(RNNFormat.NCW).get(first).dup();
        INDArray y = labels(RNNFormat.NCW).get(first).dup();
        INDArray mask = mask().get(NDArrayIndex.all(), NDArrayIndex.interval(0, steps)).dup();
        net.fit(new DataSet(x, y, mask, mask));
        INDArray rows = listener.get("0_RW", BatchGrad.class);
        assertThat(rows.shape()).containsExactly(N, 3, 12);
        // the listener itself compares the gradient with DL4J's
        INDArray gradient = listener.outputs().get("0_RW.grad");
        assertThat(rows.sum(0).sub(gradient).amaxNumber().doubleValue()).isLessThan(1e-14);
        assertThat(listener.get("0_RW", DiagGGNExact.class).minNumber().doubleValue())
            .isGreaterThanOrEqualTo(0);
      }
    }
  }

  static Stream<Arguments> channelsLast() {
    return Stream.of(
        Arguments.of("LSTM", lstm().dataFormat(RNNFormat.NWC).build()),
        Arguments.of(
            "SimpleRnn", new SimpleRnn.Builder().nOut(3).dataFormat(RNNFormat.NWC).build()),
        Arguments.of(
            "Bidirectional",
            new Bidirectional(
                Bidirectional.Mode.CONCAT, lstm().dataFormat(RNNFormat.NWC).build())));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("channelsLast")
  void featuresLast(String name, Layer layer) {
    Converted.check(
        net(RNNFormat.NWC, layer, softmax().dataFormat(RNNFormat.NWC).build()),
        series(RNNFormat.NWC),
        labels(RNNFormat.NWC));
  }

  /** A softmax runs along the last axis of the format: of the channels in NWC, of time in NCW. */
  @ParameterizedTest
  @EnumSource(RNNFormat.class)
  void convolutionsWithASoftmax(RNNFormat format) {
    Layer convolution =
        new Convolution1DLayer.Builder()
            .kernelSize(2)
            .convolutionMode(ConvolutionMode.Same)
            .nOut(3)
            .rnnDataFormat(format)
            .activation(Activation.SOFTMAX)
            .build();
    MultiLayerNetwork net = net(format, convolution, softmax().dataFormat(format).build());
    ConvertedNetwork converted =
        Dl4jConverter.on(net).like(new DataSet(series(format), labels(format))).convert();
    String name = converted.activations("0");
    INDArray actual =
        converted
            .sameDiff()
            .output(converted.feeds(new DataSet(series(format), labels(format))), name)
            .get(name);
    INDArray expected = net.feedForward(series(format), true).get(1);
    assertThat(expected.sub(actual).amaxNumber().doubleValue()).isLessThan(1e-12);
  }

  @ParameterizedTest
  @EnumSource(
      value = LossFunction.class,
      names = {"MSE", "MCXENT", "XENT", "MEAN_ABSOLUTE_ERROR"})
  void lossesOfEveryStep(LossFunction loss) {
    Activation activation =
        switch (loss) {
          case MCXENT -> Activation.SOFTMAX;
          case XENT -> Activation.SIGMOID;
          default -> Activation.TANH;
        };
    RnnLossLayer layer = new RnnLossLayer.Builder(loss).activation(activation).build();
    MultiLayerNetwork net = net(RNNFormat.NCW, lstm().nOut(C).build(), layer);
    INDArray x = series(RNNFormat.NCW);
    INDArray y = labels(RNNFormat.NCW);
    boolean kinks = loss == LossFunction.MEAN_ABSOLUTE_ERROR;
    for (INDArray mask : new INDArray[] {null, mask()}) {
      Converted check = with(net, x, y, null, mask);
      (kinks ? check.firstOrder() : check).check();
    }
    Converted masked = with(net, x, y, mask(), null);
    (kinks ? masked.firstOrder() : masked).check();
  }

  @Test
  void masksOfSingleOutputs() {
    RnnOutputLayer layer =
        new RnnOutputLayer.Builder(LossFunction.XENT)
            .nOut(C)
            .activation(Activation.SIGMOID)
            .build();
    INDArray mask = Nets.random(N, C, T).gt(-0.3).castTo(Nets.random(1).dataType());
    with(
            net(RNNFormat.NCW, lstm().build(), layer),
            series(RNNFormat.NCW),
            labels(RNNFormat.NCW),
            null,
            mask)
        .check();
  }

  @Test
  void maskLayer() {
    MultiLayerNetwork net =
        net(RNNFormat.NCW, lstm().build(), new MaskLayer(), lstm().build(), softmax().build());
    for (INDArray mask : new INDArray[] {null, mask()}) {
      with(net, series(RNNFormat.NCW), labels(RNNFormat.NCW), mask, mask).check();
    }
  }

  @ParameterizedTest
  @EnumSource(RNNFormat.class)
  void rowsRepeated(RNNFormat format) {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(F),
            new DenseLayer.Builder().nOut(3).build(),
            new RepeatVector.Builder<>(T).dataFormat(format).build(),
            new SimpleRnn.Builder().nOut(2).dataFormat(format).build(),
            softmax().dataFormat(format).build());
    Converted.check(net, Nets.random(N, F), labels(format));
  }

  @Test
  void stackedLayers() {
    with(
            net(
                RNNFormat.NCW,
                lstm().build(),
                new Bidirectional(Bidirectional.Mode.ADD, new SimpleRnn.Builder().nOut(2).build()),
                softmax().build()),
            series(RNNFormat.NCW),
            labels(RNNFormat.NCW),
            mask(),
            mask())
        .check();
  }
}
