package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.KFACExpand;
import org.backpack4j.samediff.extension.KFACReduce;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Curvature matrices of converted networks. */
class CurvatureOfNetworksTest {
  /** All axes have the extent 2, so that only the layers tell which are outputs. */
  private static MultiLayerNetwork network() {
    return Nets.sequential(
        InputType.convolutional(2, 2, 2),
        new ConvolutionLayer.Builder(2, 2).nOut(2).build(),
        new BatchNormalization.Builder().useLogStd(false).build(),
        new DenseLayer.Builder().nOut(2).build(),
        new OutputLayer.Builder(LossFunction.MCXENT)
            .nOut(2)
            .activation(Activation.SOFTMAX)
            .build());
  }

  /** Of one sample and one position each block is that of the whole matrix. */
  @Test
  void ofOneSampleTheFactorsAreTheBlocks() {
    MultiLayerNetwork net = network();
    DataSet batch = new DataSet(Nets.random(1, 2, 2, 2), Nets.classes(1, 2));
    SqrtGGNExact root = new SqrtGGNExact();
    List<Extension> forms = List.of(new KFLR(), new KFACExpand(), new KFACReduce());
    ConvertedNetwork converted =
        Dl4jConverter.on(net).like(batch).statistics(BatchStatistics.RUNNING).convert();
    try (ExtendedGraph graph = converted.extend(root, forms.get(0), forms.get(1), forms.get(2))) {
      QuantityResults results = graph.evaluate(converted.feeds(batch));
      Curvature whole = Curvature.of(graph, results, root);
      ParameterLayout layout = whole.layout();
      assertThat(layout.names()).hasSameElementsAs(converted.parameters());
      INDArray unit = Nd4j.eye(layout.size()).castTo(DataType.DOUBLE);
      INDArray dense = whole.times(unit);
      for (Extension form : forms) {
        Curvature factors = Curvature.of(graph, results, form);
        INDArray blocks = factors.times(unit);
        Map<String, INDArray> variances = layout.split(factors.damped(0.1).inverseDiagonal());
        for (String p : layout.names()) {
          for (long k = layout.offset(p); k < layout.offset(p) + layout.size(p); k++) {
            for (long l = layout.offset(p); l < layout.offset(p) + layout.size(p); l++) {
              assertThat(blocks.getDouble(k, l))
                  .as(form.field() + " of " + p)
                  .isCloseTo(dense.getDouble(k, l), within(1e-12));
            }
          }
          assertThat(variances.get(p).maxNumber().doubleValue()).isLessThanOrEqualTo(10 + 1e-9);
        }
      }
      assertThat(graph.outputAxes("0_W.kflr.B")).contains(List.of(0));
      assertThat(graph.outputAxes("2_W.kflr.B")).contains(List.of(1));
    }
  }
}
