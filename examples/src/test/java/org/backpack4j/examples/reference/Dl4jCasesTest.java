package org.backpack4j.examples.reference;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.ConvertedNetwork;
import org.backpack4j.dl4j.Dl4jConverter;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.blocks.ResNet;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.Extension;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;

/** The sequential and residual cases as ComputationGraphs, their figures through the listener. */
class Dl4jCasesTest {
  private static final List<String> FIRST_ORDER =
      List.of("grad", "grad_batch", "batch_l2", "sum_grad_squared", "variance");
  private static final List<String> SECOND_ORDER =
      List.of("diag_ggn_exact", "diag_ggn_exact_batch");

  static Stream<Path> cases() throws Exception {
    List<Path> fit = new ArrayList<>();
    for (Path folder : CaseFolders.all()) {
      if (Dl4jCase.fits(CaseReader.read(folder))) {
        fit.add(folder);
      }
    }
    assertThat(fit.stream().map(p -> p.getFileName().toString()))
        .hasSizeGreaterThan(25)
        .contains("tiny_resnet18_mse", "tutorial_custom_resnet", "embedding_ce", "conv3d_ce");
    return fit.stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theListenerGivesTheFiguresOfTheCase(Path folder) throws Exception {
    ReferenceCase reference = CaseReader.read(folder);
    Dl4jCase dl4j = new Dl4jCase(reference);
    assertThat(compare(reference, dl4j, dl4j.network())).isPositive();
  }

  @Test
  void theResNetOfTheBuilderGivesTheFiguresOfTheFormula() throws Exception {
    Path folder = CaseFolders.root().resolveSibling("formula").resolve("resnet18_7x7");
    ReferenceCase reference = CaseReader.read(folder);
    Dl4jCase dl4j = new Dl4jCase(reference, Dl4jCasesTest::torchvision);
    ComputationGraphConfiguration conf =
        ResNet.builder().inputShape(3, 7, 7).numClasses(5).dataType(DataType.DOUBLE).build().conf();
    OutputLayer fc =
        (OutputLayer) ((LayerVertex) conf.getVertices().get("fc")).getLayerConf().getLayer();
    fc.setLossFn(new LossMSE());
    fc.setActivationFn(new ActivationIdentity());
    ComputationGraph net = new ComputationGraph(conf);
    net.init();
    dl4j.fill(net);
    assertThat(compare(reference, dl4j, net)).isEqualTo(3 * 62);
  }

  /** layer1.0.downsample.1 of layer1_0_downbn. */
  private static String torchvision(String node) {
    return node.replaceFirst("^(layer\\d)_(\\d)_", "$1.$2.")
        .replaceFirst("downbn$", "downsample.1")
        .replaceFirst("down$", "downsample.0");
  }

  /**
   * Compares all figures; answers how many. With batch normalisation the figures are those of
   * evaluation mode: the listener, which works in training mode, has the second-order ones.
   */
  private static int compare(ReferenceCase reference, Dl4jCase dl4j, ComputationGraph net) {
    Scale scale = reference.loss().reduction().equals("mean") ? Scale.MEAN : Scale.SUM;
    DataSet batch = new DataSet(dl4j.features(), dl4j.labels());
    int compared = 0;
    if (dl4j.normalises()) {
      ConvertedNetwork evaluation =
          Dl4jConverter.on(net)
              .like(batch)
              .scale(scale)
              .statistics(BatchStatistics.RUNNING)
              .convert();
      try (ExtendedGraph graph = evaluation.extend(extensions(reference, FIRST_ORDER))) {
        Map<String, INDArray> outputs = graph.output(evaluation.feeds(batch), graph.outputNames());
        compared += compare(reference, dl4j, FIRST_ORDER, outputs);
      }
    }
    List<String> fields = new ArrayList<>(SECOND_ORDER);
    if (!dl4j.normalises()) {
      fields.addAll(FIRST_ORDER);
    }
    try (BackPackListener listener =
        new BackPackListener(extensions(reference, fields)).scale(scale).runningStatistics()) {
      net.setListeners(listener);
      net.fit(batch);
      return compared + compare(reference, dl4j, fields, listener.outputs());
    }
  }

  private static Extension[] extensions(ReferenceCase reference, List<String> fields) {
    return fields.stream()
        .filter(reference.quantities()::containsKey)
        .flatMap(f -> Quantities.of(f).orElseThrow().extensions().stream())
        .toArray(Extension[]::new);
  }

  private static int compare(
      ReferenceCase reference, Dl4jCase dl4j, List<String> fields, Map<String, INDArray> outputs) {
    int compared = 0;
    for (String field : fields) {
      Map<String, Figure> figures = reference.quantities().getOrDefault(field, Map.of());
      for (Map.Entry<String, Figure> figure : figures.entrySet()) {
        INDArray computed = outputs.get(dl4j.parameter(figure.getKey()) + "." + field);
        INDArray inTheirLayout = dl4j.layout(figure.getKey(), field, computed);
        Difference difference = figure.getValue().compare(List.of(inTheirLayout));
        assertThat(difference.within(reference.tolerance()))
            .as(field + " of " + figure.getKey() + ": " + difference)
            .isTrue();
        compared++;
      }
    }
    return compared;
  }
}
