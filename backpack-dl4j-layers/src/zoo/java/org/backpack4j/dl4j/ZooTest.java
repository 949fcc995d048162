package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.IdentityHashMap;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.objdetect.Yolo2OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.zoo.model.AlexNet;
import org.deeplearning4j.zoo.model.Darknet19;
import org.deeplearning4j.zoo.model.FaceNetNN4Small2;
import org.deeplearning4j.zoo.model.InceptionResNetV1;
import org.deeplearning4j.zoo.model.LeNet;
import org.deeplearning4j.zoo.model.NASNet;
import org.deeplearning4j.zoo.model.ResNet50;
import org.deeplearning4j.zoo.model.SimpleCNN;
import org.deeplearning4j.zoo.model.SqueezeNet;
import org.deeplearning4j.zoo.model.TextGenerationLSTM;
import org.deeplearning4j.zoo.model.TinyYOLO;
import org.deeplearning4j.zoo.model.UNet;
import org.deeplearning4j.zoo.model.VGG16;
import org.deeplearning4j.zoo.model.Xception;
import org.deeplearning4j.zoo.model.YOLO2;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * The networks of DL4J's zoo: the outputs without dropout, and the gradient with it, which the
 * listener compares with DL4J's. Run by {@code mvn -Pzoo -pl backpack-dl4j-layers -am verify};
 * {@code -Dzoo=VGG16} runs one alone.
 *
 * <p>SimpleCNN has no loss, and gets that of a classifier. NASNet cannot be made by M2.1 itself.
 *
 * <p>InceptionResNetV1 has images of 160: of smaller ones a few values per channel are left in the
 * end, whose normalisation magnifies rounding (of 96, DL4J in single precision is some hundredths
 * off itself in double precision).
 */
class ZooTest {
  private static final int N = 4;

  static Stream<Arguments> networks() {
    int[] small = {3, 64, 64};
    int[] medium = {3, 96, 96};
    return Stream.of(
            network("LeNet", () -> LeNet.builder().numClasses(5).build().init(), 1, 28),
            network("SimpleCNN", ZooTest::simpleCnn, 3, 48),
            network("AlexNet", () -> AlexNet.builder().numClasses(5).build().init(), 3, 224),
            network(
                "VGG16",
                () -> VGG16.builder().numClasses(5).inputShape(small).build().init(),
                3,
                64),
            network(
                "SqueezeNet",
                () -> SqueezeNet.builder().numClasses(5).inputShape(medium).build().init(),
                3,
                96),
            network(
                "Darknet19",
                () -> Darknet19.builder().numClasses(5).inputShape(small).build().init(),
                3,
                64),
            network("ResNet50", () -> ResNet50.builder().numClasses(5).build().init(), 3, 224),
            network(
                "Xception",
                () -> Xception.builder().numClasses(5).inputShape(medium).build().init(),
                3,
                96),
            network(
                "InceptionResNetV1",
                () -> InceptionResNetV1.builder().numClasses(5).build().init(),
                3,
                160),
            network(
                "FaceNetNN4Small2",
                () -> FaceNetNN4Small2.builder().numClasses(5).build().init(),
                3,
                96),
            network(
                "UNet", () -> UNet.builder().numClasses(1).inputShape(small).build().init(), 3, 64),
            network(
                "TinyYOLO",
                () -> TinyYOLO.builder().numClasses(5).inputShape(small).build().init(),
                3,
                64),
            network(
                "YOLO2",
                () -> YOLO2.builder().numClasses(5).inputShape(small).build().init(),
                3,
                64),
            Arguments.of(
                "TextGenerationLSTM",
                (Supplier<Model>)
                    () ->
                        TextGenerationLSTM.builder()
                            .totalUniqueCharacters(47)
                            .inputShape(new int[] {50, 47})
                            .build()
                            .init(),
                new long[] {N, 47, 20}))
        .filter(n -> System.getProperty("zoo", (String) n.get()[0]).equals(n.get()[0]));
  }

  private static Arguments network(String name, Supplier<Model> model, int channels, int size) {
    return Arguments.of(name, model, new long[] {N, channels, size, size});
  }

  private static Model simpleCnn() {
    MultiLayerConfiguration conf =
        SimpleCNN.builder().numClasses(5).inputShape(new int[] {3, 48, 48}).build().conf();
    conf.getConf(conf.getConfs().size() - 1)
        .setLayer(
            new LossLayer.Builder(LossFunction.MCXENT).activation(Activation.SOFTMAX).build());
    MultiLayerNetwork net = new MultiLayerNetwork(conf);
    net.init();
    return net;
  }

  /** A test that begins to fail when a later DL4J can: then it belongs to the others. */
  @Test
  void m2CannotMakeNasNet() {
    assertThatThrownBy(() -> NASNet.builder().numClasses(5).build().init())
        .isInstanceOf(RuntimeException.class);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("networks")
  void activationsAndGradientAreDl4js(String name, Supplier<Model> zoo, long... shape) {
    Model net = zoo.get();
    Map<Layer, IDropout> dropouts = switchedOff(net);
    INDArray features = Nd4j.rand(DataType.FLOAT, shape);
    INDArray labels = labels(net, features);
    DataSet batch = new DataSet(features, labels);
    compareOutput(net, batch);
    dropouts.forEach(Layer::setIDropout);
    try (BackPackListener listener = new BackPackListener()) {
      if (net instanceof ComputationGraph graph) {
        graph.setListeners(listener);
        graph.fit(batch);
      } else {
        ((MultiLayerNetwork) net).setListeners(listener);
        ((MultiLayerNetwork) net).fit(batch);
      }
      assertThat(listener.outputs()).isNotEmpty();
    }
  }

  /** In training mode: with running statistics, deep networks overflow before they are trained. */
  private static INDArray output(Model net, INDArray features) {
    return net instanceof ComputationGraph graph
        ? graph.outputSingle(true, features)
        : ((MultiLayerNetwork) net).output(features, true);
  }

  private static void compareOutput(Model net, DataSet batch) {
    ConvertedNetwork converted = Dl4jConverter.on(net).like(batch).convert();
    String last = converted.losses().keySet().iterator().next();
    String variable = converted.activations(last);
    Map<String, INDArray> feeds = converted.feeds(batch);
    INDArray expected = output(net, batch.getFeatures());
    INDArray actual = converted.sameDiff().output(feeds, variable).get(variable);
    assertThat(actual.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-2);
  }

  /** Classes for rows and for the steps of series; zeros for images; boxes for detectors. */
  private static INDArray labels(Model net, INDArray features) {
    INDArray like = output(net, features);
    if (InputShapes.has(net, Yolo2OutputLayer.class)) {
      return boxes(like.size(2), like.size(3));
    }
    INDArray labels = Nd4j.zeros(DataType.FLOAT, like.shape());
    for (int n = 0; n < like.size(0); n++) {
      if (like.rank() == 2) {
        labels.putScalar(n, n % like.size(1), 1);
      }
      for (int t = 0; like.rank() == 3 && t < like.size(2); t++) {
        labels.putScalar(n, (n + t) % like.size(1), t, 1);
      }
    }
    return labels;
  }

  /** One object in each image, of five classes: its corners, in the cell of its middle. */
  private static INDArray boxes(long height, long width) {
    INDArray labels = Nd4j.zeros(DataType.FLOAT, N, 4 + 5, height, width);
    double[] corners = {0.2, 0.4, 1.3, 1.5};
    for (int n = 0; n < N; n++) {
      for (int k = 0; k < 4; k++) {
        labels.putScalar(new int[] {n, k, 0, 0}, corners[k]);
      }
      labels.putScalar(new int[] {n, 4 + n % 5, 0, 0}, 1);
    }
    return labels;
  }

  /** Switches dropout off, and answers what was there. */
  private static Map<Layer, IDropout> switchedOff(Model net) {
    Map<Layer, IDropout> before = new IdentityHashMap<>();
    for (org.deeplearning4j.nn.api.Layer running :
        net instanceof ComputationGraph graph
            ? graph.getLayers()
            : ((MultiLayerNetwork) net).getLayers()) {
      Layer layer = running.conf().getLayer();
      before.put(layer, layer.getIDropout());
      layer.setIDropout(null);
    }
    return before;
  }
}
