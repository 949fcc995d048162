package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.zoo.ZooModel;
import org.deeplearning4j.zoo.model.AlexNet;
import org.deeplearning4j.zoo.model.Darknet19;
import org.deeplearning4j.zoo.model.InceptionResNetV1;
import org.deeplearning4j.zoo.model.LeNet;
import org.deeplearning4j.zoo.model.SimpleCNN;
import org.deeplearning4j.zoo.model.SqueezeNet;
import org.deeplearning4j.zoo.model.UNet;
import org.deeplearning4j.zoo.model.VGG16;
import org.deeplearning4j.zoo.model.Xception;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The networks of DL4J's zoo: the outputs, and the gradient that the listener compares with DL4J's.
 * Dropout is switched off. Run by {@code mvn -Pzoo -pl backpack-dl4j-layers -am test}.
 *
 * <p>Not here: SimpleCNN has no loss, TinyYOLO has the loss of Yolo2OutputLayer, FaceNetNN4Small2
 * pools by a norm, and M2.1 itself cannot make a NASNet.
 *
 * <p>InceptionResNetV1 has images of 160: of smaller ones a few values per channel are left in the
 * end, whose normalisation magnifies rounding (of 96, DL4J in single precision is some hundredths off
 * itself in double precision).
 */
class ZooTest {
  static Stream<Arguments> networks() {
    int[] small = {3, 64, 64};
    int[] medium = {3, 96, 96};
    return Stream.of(
        network("LeNet", () -> LeNet.builder().numClasses(5).build(), 1, 28),
        network("AlexNet", () -> AlexNet.builder().numClasses(5).build(), 3, 224),
        network("VGG16", () -> VGG16.builder().numClasses(5).inputShape(small).build(), 3, 64),
        network("SqueezeNet", () -> SqueezeNet.builder().numClasses(5).inputShape(medium).build(), 3, 96),
        network("Darknet19", () -> Darknet19.builder().numClasses(5).inputShape(small).build(), 3, 64),
        network("ResNet50", () -> org.deeplearning4j.zoo.model.ResNet50.builder().numClasses(5).build(), 3, 224),
        network("Xception", () -> Xception.builder().numClasses(5).inputShape(medium).build(), 3, 96),
        network("InceptionResNetV1", () -> InceptionResNetV1.builder().numClasses(5).build(), 3, 160),
        network("UNet", () -> UNet.builder().numClasses(1).inputShape(small).build(), 3, 64));
  }

  private static Arguments network(String name, Supplier<ZooModel> model, int channels, int size) {
    return Arguments.of(name, model, channels, size);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("networks")
  void activationsAndGradientAreDl4js(
      String name, Supplier<ZooModel> zoo, int channels, int size) {
    Model net = (Model) zoo.get().init();
    withoutDropout(net);
    INDArray features = Nd4j.rand(4, channels, size, size);
    INDArray labels = labels(net, features);
    DataSet batch = new DataSet(features, labels);
    compareOutput(net, batch);
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
    ConvertedNetwork converted =
        Dl4jConverter.on(net).like(batch).convert();
    String last = converted.losses().keySet().iterator().next();
    String variable = converted.activations(last);
    Map<String, INDArray> feeds = converted.feeds(batch);
    INDArray expected = output(net, batch.getFeatures());
    INDArray actual = converted.sameDiff().output(feeds, variable).get(variable);
    assertThat(actual.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-2);
  }

  private static INDArray labels(Model net, INDArray features) {
    INDArray like = output(net, features);
    INDArray labels = Nd4j.zeros(like.shape());
    if (like.rank() == 2) {
      for (int n = 0; n < like.size(0); n++) {
        labels.putScalar(n, n % like.size(1), 1);
      }
    }
    return labels;
  }

  private static void withoutDropout(Model net) {
    if (net instanceof ComputationGraph graph) {
      graph
          .getConfiguration()
          .getVertices()
          .values()
          .forEach(
              v -> {
                if (v instanceof LayerVertex layer) {
                  layer.getLayerConf().getLayer().setIDropout(null);
                }
              });
    } else {
      ((MultiLayerNetwork) net)
          .getLayerWiseConfigurations()
          .getConfs()
          .forEach(c -> c.getLayer().setIDropout(null));
    }
  }
}
