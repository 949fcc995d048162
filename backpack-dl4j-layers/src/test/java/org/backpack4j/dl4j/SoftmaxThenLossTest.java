package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;
import org.nd4j.linalg.lossfunctions.impl.LossKLD;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossNegativeLogLikelihood;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/**
 * A classifier written as a softmax or a sigmoid and a loss layer behind it, as imports of Keras
 * models are: it is one and the same function as with an output layer, and has its curvature.
 */
class SoftmaxThenLossTest {
  private static final int N = 4;
  private static final int C = 3;
  private static final int T = 3;

  /** A network in both forms. */
  private record Pair(MultiLayerNetwork whole, MultiLayerNetwork apart, INDArray x, INDArray y) {
    Pair {
      apart.setParams(whole.params());
    }
  }

  private static Layer tanh() {
    return new DenseLayer.Builder().nOut(5).build();
  }

  private static Pair rows(ILossFunction loss, Activation function, INDArray y, boolean layer) {
    InputType input = InputType.feedForward(4);
    Layer end = new LossLayer.Builder(loss).activation(Activation.IDENTITY).build();
    MultiLayerNetwork whole =
        Nets.sequential(
            input, tanh(), new OutputLayer.Builder(loss).nOut(C).activation(function).build());
    Activation inside = layer ? Activation.IDENTITY : function;
    Layer dense = new DenseLayer.Builder().nOut(C).activation(inside).build();
    MultiLayerNetwork apart =
        layer
            ? Nets.sequential(
                input,
                tanh(),
                dense,
                new ActivationLayer.Builder().activation(function).build(),
                end)
            : Nets.sequential(input, tanh(), dense, end);
    return new Pair(whole, apart, Nets.random(N, 4), y);
  }

  private static Pair series(ILossFunction loss, Activation function, INDArray y) {
    InputType input = InputType.recurrent(2, T);
    return new Pair(
        Nets.sequential(
            input,
            new LSTM.Builder().nOut(3).build(),
            new RnnOutputLayer.Builder(loss).nOut(C).activation(function).build()),
        Nets.sequential(
            input,
            new LSTM.Builder().nOut(3).build(),
            new DenseLayer.Builder().nOut(C).activation(function).build(),
            new RnnLossLayer.Builder(loss).activation(Activation.IDENTITY).build()),
        Nets.random(N, 2, T),
        y);
  }

  private static Pair images(ILossFunction loss, INDArray y) {
    InputType input = InputType.convolutional(3, 3, 1);
    return new Pair(
        Nets.sequential(
            input,
            new ConvolutionLayer.Builder(2, 2).nOut(2).activation(Activation.IDENTITY).build(),
            new CnnLossLayer.Builder(loss).activation(Activation.SIGMOID).build()),
        Nets.sequential(
            input,
            new ConvolutionLayer.Builder(2, 2).nOut(2).activation(Activation.SIGMOID).build(),
            new CnnLossLayer.Builder(loss).activation(Activation.IDENTITY).build()),
        Nets.random(N, 1, 3, 3),
        y);
  }

  private static INDArray binary(long... shape) {
    INDArray random = Nets.random(shape);
    return random.gt(0).castTo(random.dataType());
  }

  private static INDArray probabilities() {
    INDArray positive = Nets.random(N, C).add(1.5);
    return positive.divColumnVector(positive.sum(true, 1));
  }

  private static INDArray weights() {
    return Nd4j.createFromArray(0.5, 2.0, 1.5);
  }

  private static INDArray steps() {
    INDArray y = Nd4j.zeros(Nets.random(1).dataType(), N, C, T);
    for (int n = 0; n < N; n++) {
      for (int t = 0; t < T; t++) {
        y.putScalar(n, (n + 2 * t) % C, t, 1);
      }
    }
    return y;
  }

  static Stream<Arguments> classifiers() {
    Activation softmax = Activation.SOFTMAX;
    Activation sigmoid = Activation.SIGMOID;
    INDArray classes = Nets.classes(N, C);
    INDArray numbers = Nd4j.createFromArray(new double[] {2, 0, 1, 1}).reshape(N, 1);
    return Stream.of(
        Arguments.of("cross-entropy", rows(new LossMCXENT(), softmax, classes, false)),
        Arguments.of("weights", rows(new LossMCXENT(weights()), softmax, classes, false)),
        Arguments.of("activation layer", rows(new LossMCXENT(), softmax, classes, true)),
        Arguments.of("likelihood", rows(new LossNegativeLogLikelihood(), softmax, classes, false)),
        Arguments.of("numbers", rows(new LossSparseMCXENT(), softmax, numbers, true)),
        Arguments.of("divergence", rows(new LossKLD(), softmax, probabilities(), false)),
        Arguments.of("binary", rows(new LossBinaryXENT(), sigmoid, binary(N, C), false)),
        Arguments.of(
            "weights, binary", rows(new LossBinaryXENT(weights()), sigmoid, binary(N, C), true)),
        Arguments.of("series", series(new LossMCXENT(), softmax, steps())),
        Arguments.of("series, binary", series(new LossBinaryXENT(), sigmoid, binary(N, C, T))),
        Arguments.of("images, binary", images(new LossBinaryXENT(), binary(N, 2, 2, 2))));
  }

  private static Map<String, INDArray> quantities(Model net, MultiDataSet batch) {
    ConvertedNetwork converted = Dl4jConverter.on(net).like(batch).convert();
    assertThat(converted.notes()).isEmpty();
    try (ExtendedGraph graph = converted.extend(new DiagGGNExact(), new DiagGGNMC(3))) {
      return graph.output(converted.feeds(batch), graph.outputNames());
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("classifiers")
  void itsCurvatureIsThatOfAnOutputLayer(String name, Pair pair) {
    MultiDataSet batch = new MultiDataSet(pair.x, pair.y);
    Map<String, INDArray> expected = quantities(pair.whole, batch);
    Map<String, INDArray> actual = quantities(pair.apart, batch);
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (quantity, array) -> {
          double off = array.sub(actual.get(quantity)).amaxNumber().doubleValue();
          assertThat(off)
              .as(quantity)
              .isLessThanOrEqualTo(1e-12 * Math.max(1, array.amaxNumber().doubleValue()));
        });
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("classifiers")
  void itIsDl4jsFunction(String name, Pair pair) {
    Converted.check(pair.apart, pair.x, pair.y);
  }

  private static MultiDataSet masked(INDArray y, INDArray mask) {
    return new MultiDataSet(
        new INDArray[] {Nets.random(N, 4)}, new INDArray[] {y}, null, new INDArray[] {mask});
  }

  @Test
  void masksOfRows() {
    INDArray mask = Nd4j.createFromArray(new double[] {1, 0, 1, 1}).reshape(N, 1);
    INDArray classes = Nets.classes(N, C);
    Converted.of(
            rows(new LossMCXENT(), Activation.SOFTMAX, classes, false).apart, masked(classes, mask))
        .check();
    Converted.of(
            rows(new LossKLD(), Activation.SOFTMAX, classes, false).apart,
            masked(probabilities(), mask))
        .check();
    Converted.of(
            rows(new LossBinaryXENT(), Activation.SIGMOID, classes, false).apart,
            masked(binary(N, C), mask))
        .check();
  }

  /** A factor of the labels, as DL4J's score has it. */
  @Test
  void masksOfSingleOutputs() {
    INDArray mask = binary(N, C, T);
    for (Activation function : new Activation[] {Activation.SOFTMAX, Activation.SIGMOID}) {
      boolean softmax = function == Activation.SOFTMAX;
      Pair pair =
          softmax
              ? series(new LossMCXENT(weights()), function, steps())
              : series(new LossBinaryXENT(), function, binary(N, C, T));
      Converted.of(
              pair.apart,
              new MultiDataSet(
                  new INDArray[] {pair.x}, new INDArray[] {pair.y}, null, new INDArray[] {mask}))
          .check();
    }
  }

  private static Model read(boolean twice) {
    var builder =
        Nets.graph(InputType.feedForward(4))
            .addLayer("a", tanh(), "in")
            .addLayer(
                "p", new DenseLayer.Builder().nOut(C).activation(Activation.SOFTMAX).build(), "a")
            .addLayer(
                "out",
                new LossLayer.Builder(new LossMCXENT()).activation(Activation.IDENTITY).build(),
                "p");
    if (!twice) {
      return Nets.graph(builder.setOutputs("out"));
    }
    return Nets.graph(
        builder
            .addLayer(
                "other",
                new OutputLayer.Builder(new LossMCXENT())
                    .nOut(C)
                    .activation(Activation.SOFTMAX)
                    .build(),
                "p")
            .setOutputs("out", "other"));
  }

  /** Where another layer reads the probabilities as well, that is told. */
  @Test
  void probabilitiesThatOthersReadAreNoted() {
    INDArray y = Nets.classes(N, C);
    ConvertedNetwork one = Dl4jConverter.on(read(false)).inputShapes(new long[] {4}).convert();
    assertThat(one.notes()).isEmpty();
    ConvertedNetwork two = Dl4jConverter.on(read(true)).inputShapes(new long[] {4}).convert();
    assertThat(two.notes())
        .singleElement()
        .asString()
        .startsWith("layer \"out\" (LossLayer): second-order quantities of its loss start in front")
        .contains("though other layers read that as well");
    Converted.of(
            read(true), new MultiDataSet(new INDArray[] {Nets.random(N, 4)}, new INDArray[] {y, y}))
        .check();
  }

  @Test
  void aListenerTellsOfIt() {
    INDArray y = Nets.classes(N, C);
    org.deeplearning4j.nn.graph.ComputationGraph net =
        (org.deeplearning4j.nn.graph.ComputationGraph) read(true);
    try (BackPackListener listener = new BackPackListener(new DiagGGNExact())) {
      net.setListeners(listener);
      net.fit(new MultiDataSet(new INDArray[] {Nets.random(N, 4)}, new INDArray[] {y, y}));
      assertThat(listener.latest().notes())
          .anyMatch(n -> n.contains("though other layers read that"));
    }
  }

  /** A sigmoid under a cross-entropy of classes is no likelihood of one label for each output. */
  @Test
  void aLossOfAnotherFunctionIsNoted() {
    Pair pair = rows(new LossMCXENT(), Activation.SIGMOID, Nets.classes(N, C), false);
    Converted.check(pair.apart, pair.x, pair.y);
    ConvertedNetwork converted =
        Dl4jConverter.on(pair.apart).like(new DataSet(pair.x, pair.y)).convert();
    assertThat(converted.notes())
        .singleElement()
        .asString()
        .contains("its loss is no likelihood of that function's");
  }

  /** A softmax along another axis than that of the classes is not the loss's. */
  @Test
  void aSoftmaxAlongPixelsIsNotThatOfTheClasses() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.convolutional(3, 3, 1),
            new ConvolutionLayer.Builder(2, 2).nOut(2).activation(Activation.SOFTMAX).build(),
            new CnnLossLayer.Builder(new LossMCXENT()).activation(Activation.IDENTITY).build());
    MultiDataSet batch = new MultiDataSet(Nets.random(N, 1, 3, 3), binary(N, 2, 2, 2));
    Converted.of(net, batch).firstOrder().check();
    assertThat(Dl4jConverter.on(net).like(batch).convert().notes())
        .singleElement()
        .asString()
        .contains("it is not one of each row");
  }

  /** Without a softmax in front the listener gives what an output layer's has, in training. */
  @Test
  void theListenersExactDiagonalIsNotTheSumOfSquaredGradients() {
    Pair pair = rows(new LossMCXENT(), Activation.SOFTMAX, Nets.classes(N, C), false);
    try (BackPackListener listener =
        new BackPackListener(new SumGradSquared(), new DiagGGNExact(), new DiagGGNMC(2))) {
      pair.apart.setListeners(listener);
      pair.apart.fit(new DataSet(pair.x, pair.y));
      INDArray p = pair.whole.output(pair.x);
      INDArray expected = p.mul(p.rsub(1)).sum(0);
      INDArray diagonal = listener.get("1_b", DiagGGNExact.class).reshape(C);
      assertThat(diagonal.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-12);
      assertThat(listener.latest().notes()).isEmpty();
    }
  }
}
