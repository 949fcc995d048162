package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.KFLR;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Dilated convolutions in single precision, in which M2.1's own op fails. */
class DilatedConvolutionTest {
  private static final int N = 3;

  private record Case(String name, CNN2DFormat format, Layer layer) {
    @Override
    public String toString() {
      return name + " " + format;
    }

    MultiLayerNetwork net() {
      return Nets.sequential(
          InputType.convolutional(6, 7, 3, format),
          layer.clone(),
          new OutputLayer.Builder(LossFunction.MCXENT)
              .nOut(3)
              .activation(Activation.SOFTMAX)
              .build());
    }

    INDArray images() {
      INDArray x = Nets.random(N, 3, 6, 7);
      return format == CNN2DFormat.NHWC ? x.permute(0, 2, 3, 1).dup('c') : x;
    }
  }

  static Stream<Case> cases() {
    return Stream.of(CNN2DFormat.values())
        .flatMap(
            format ->
                Stream.of(
                    new Case(
                        "padded",
                        format,
                        new ConvolutionLayer.Builder(3, 2)
                            .dilation(2, 1)
                            .padding(2, 1)
                            .nOut(2)
                            .dataFormat(format)
                            .build()),
                    new Case(
                        "same, with a stride and without a bias",
                        format,
                        new ConvolutionLayer.Builder(2, 3)
                            .dilation(3, 2)
                            .stride(2, 1)
                            .convolutionMode(ConvolutionMode.Same)
                            .hasBias(false)
                            .nOut(2)
                            .dataFormat(format)
                            .build()),
                    new Case(
                        "separable",
                        format,
                        new SeparableConvolution2D.Builder(2, 3)
                            .dilation(2, 2)
                            .depthMultiplier(2)
                            .nOut(3)
                            .dataFormat(format)
                            .build())));
  }

  private static Map<String, INDArray> quantities(MultiLayerNetwork net, DataSet batch) {
    ConvertedNetwork converted = Dl4jConverter.on(net).like(batch).convert();
    Map<String, INDArray> found = new LinkedHashMap<>();
    try (ExtendedGraph graph =
        converted.backPack().extend(new BatchGrad(), new DiagGGNExact(), new KFLR())) {
      graph
          .output(converted.feeds(batch), graph.outputNames())
          .forEach((name, array) -> found.put(name, array.castTo(DataType.DOUBLE)));
      String output = converted.activations("0");
      found.put(
          "activations",
          converted
              .sameDiff()
              .output(converted.feeds(batch), output)
              .get(output)
              .castTo(DataType.DOUBLE));
    }
    return found;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void quantitiesAreThoseOfDoublePrecision(Case drawn) {
    MultiLayerNetwork net = drawn.net();
    DataSet batch = new DataSet(drawn.images(), Nets.classes(N, 3));
    MultiLayerNetwork single = net.convertDataType(DataType.FLOAT);
    DataSet inSingle =
        new DataSet(
            batch.getFeatures().castTo(DataType.FLOAT), batch.getLabels().castTo(DataType.FLOAT));
    Map<String, INDArray> expected = quantities(net, batch);
    Map<String, INDArray> actual = quantities(single, inSingle);
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, array) -> {
          double off = array.sub(actual.get(name)).norm2Number().doubleValue();
          assertThat(off).as(name).isLessThan(1e-4 * array.norm2Number().doubleValue());
        });
    INDArray theirs = single.feedForward(inSingle.getFeatures()).get(1).castTo(DataType.DOUBLE);
    assertThat(theirs.sub(actual.get("activations")).amaxNumber().doubleValue()).isLessThan(1e-5);
  }
}
