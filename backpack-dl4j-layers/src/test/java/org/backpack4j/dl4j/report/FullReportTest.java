package org.backpack4j.dl4j.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.backpack4j.dl4j.NetworkGraphs;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.dl4j.train.PlannedTraining;
import org.backpack4j.samediff.curvature.LinearOperator;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.GGNProduct;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.eigen.Eigen;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

class FullReportTest {
  private static final int N = 8;

  @TempDir Path folder;

  @BeforeEach
  void seed() {
    Nd4j.getRandom().setSeed(17);
  }

  private static MultiLayerNetwork net(double retained) {
    DenseLayer.Builder dense = new DenseLayer.Builder().nOut(5).activation(Activation.TANH);
    if (retained < 1) {
      dense.dropOut(retained);
    }
    return Nets.sequential(
        Nets.builder().updater(new Sgd(0.05)),
        InputType.convolutional(6, 6, 1),
        new ConvolutionLayer.Builder(3, 3).nOut(2).activation(Activation.RELU).build(),
        dense.build(),
        new OutputLayer.Builder(LossFunction.MCXENT)
            .nOut(3)
            .activation(Activation.SOFTMAX)
            .build());
  }

  private static List<DataSet> batches(int count) {
    return IntStream.range(0, count)
        .mapToObj(k -> new DataSet(Nd4j.randn(DataType.DOUBLE, N, 1, 6, 6), Nets.classes(N, 3)))
        .toList();
  }

  private List<JsonNode> fitted(
      MultiLayerNetwork net,
      TrainingReport report,
      List<DataSet> data,
      BiConsumer<MultiLayerNetwork, DataSet> step) {
    Path file = folder.resolve("log.jsonl");
    net.addListeners(report.logTo(file));
    data.forEach(batch -> step.accept(net, batch));
    report.close();
    ObjectMapper json = new ObjectMapper();
    try {
      List<JsonNode> nodes = new ArrayList<>();
      for (String line : Files.readAllLines(file)) {
        nodes.add(json.readTree(line));
      }
      return nodes;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static GraphBatch graph(NetworkGraphs graphs, DataSet batch) {
    return graphs.of(batch.toMultiDataSet());
  }

  /** Counts of the rows of grad_batch, one entry after the other. */
  @Test
  void histogramsCountTheEntriesOfTheSamplesGradients() {
    MultiLayerNetwork net = net(1);
    DataSet batch = batches(1).get(0);
    Map<String, INDArray> rows = new TreeMap<>();
    try (NetworkGraphs graphs = NetworkGraphs.of(net, new BatchGrad())) {
      GraphBatch fed = graph(graphs, batch);
      fed.graph()
          .outputsOf(new BatchGrad())
          .forEach(
              (name, output) ->
                  rows.put(name, fed.graph().output(fed.feeds(), List.of(output)).get(output)));
    }
    JsonNode line =
        fitted(net, TrainingReport.full().every(1), List.of(batch), MultiLayerNetwork::fit).get(0);
    JsonNode all = line.get("gradient_histograms");
    assertThat(all.size()).isEqualTo(rows.size()).isEqualTo(6);
    rows.forEach(
        (name, g) -> {
          double range = g.amaxNumber().doubleValue();
          long[] expected = new long[100];
          for (double entry : g.dup('c').data().asDouble()) {
            expected[(int) Math.min(99, (entry + range) / (2 * range) * 100)]++;
          }
          JsonNode histogram = all.get(name);
          assertThat(histogram.get("range").asDouble()).isEqualTo(range);
          for (int k = 0; k < 100; k++) {
            assertThat(histogram.get("counts").get(k).asLong())
                .as("%s, bin %d", name, k)
                .isEqualTo(expected[k]);
          }
        });
  }

  /** By the matrix itself, and its blocks, of the mean loss. */
  @Test
  void theLargestEigenvaluesAreThoseOfTheDenseMatrix() {
    MultiLayerNetwork net = net(1);
    DataSet batch = batches(1).get(0);
    INDArray matrix;
    ParameterLayout layout;
    GGNProduct product = new GGNProduct();
    try (NetworkGraphs graphs = NetworkGraphs.of(net, product)) {
      GraphBatch fed = graph(graphs, batch);
      LinearOperator operator = LinearOperator.of(fed.graph(), product, fed.feeds());
      layout = operator.layout();
      matrix = operator.times(Nd4j.eye(layout.size()).castTo(DataType.DOUBLE)).divi(N);
    }
    JsonNode line =
        fitted(net, TrainingReport.full().every(1), List.of(batch), MultiLayerNetwork::fit).get(0);
    near(line.get("largest_eigenvalue"), largest(matrix));
    for (String layer : new String[] {"0", "1", "2"}) {
      int[] own =
          layout.names().stream()
              .filter(name -> name.startsWith(layer + "_"))
              .flatMapToInt(
                  name ->
                      IntStream.range(
                          (int) layout.offset(name),
                          (int) (layout.offset(name) + layout.size(name))))
              .toArray();
      INDArray block =
          matrix.get(NDArrayIndex.indices(longs(own)), NDArrayIndex.indices(longs(own)));
      near(line.get("layers").get(layer).get("largest_eigenvalue"), largest(block));
    }
  }

  private static long[] longs(int[] values) {
    return IntStream.of(values).asLongStream().toArray();
  }

  private static double largest(INDArray matrix) {
    INDArray symmetric = matrix.add(matrix.transpose()).divi(2).dup('c');
    return Eigen.symmetricGeneralizedEigenvalues(symmetric).maxNumber().doubleValue();
  }

  private static void near(JsonNode found, double expected) {
    assertThat(found.asDouble()).isCloseTo(expected, Offset.offset(1e-3 * expected));
  }

  @Test
  void trainingIsTheSameBitForBit() {
    MultiLayerNetwork plain = net(1);
    MultiLayerNetwork watched = plain.clone();
    List<DataSet> data = batches(6);
    data.forEach(plain::fit);
    assertThat(fitted(watched, TrainingReport.full().every(2), data, MultiLayerNetwork::fit))
        .hasSize(3);
    assertThat(watched.params()).isEqualTo(plain.params());
  }

  @Test
  void dropoutsNumbersAreLeftAloneAndThePageSaysWhatIsMissing() {
    MultiLayerNetwork plain = net(0.5);
    MultiLayerNetwork watched = plain.clone();
    List<DataSet> data = batches(4);
    Nd4j.getRandom().setSeed(5);
    data.forEach(plain::fit);
    Nd4j.getRandom().setSeed(5);
    TrainingReport report = TrainingReport.full().every(1);
    List<JsonNode> lines = fitted(watched, report, data, MultiLayerNetwork::fit);
    assertThat(watched.params()).isEqualTo(plain.params());
    assertThat(lines).hasSize(4);
    assertThat(lines.get(3).get("notes").get(0).asText()).contains("Histograms are not there");
    assertThat(report.html()).contains("Eigenvalues are not there");
  }

  @Test
  void plannedTrainingSeesTheSame() {
    MultiLayerNetwork net = net(1);
    MultiLayerNetwork planned = net.clone();
    List<DataSet> data = batches(3);
    List<JsonNode> expected =
        fitted(net, TrainingReport.full().every(1), data, MultiLayerNetwork::fit);
    PlannedTraining training = PlannedTraining.of(planned);
    List<JsonNode> lines =
        fitted(planned, TrainingReport.full().every(1), data, (n, batch) -> training.fit(batch));
    for (int k = 0; k < 3; k++) {
      near(lines.get(k).get("largest_eigenvalue"), eigenvalue(expected.get(k)));
    }
  }

  private static double eigenvalue(JsonNode line) {
    return line.get("largest_eigenvalue").asDouble();
  }

  @Test
  void othersHaveNoneOfIt() {
    MultiLayerNetwork net = net(1);
    JsonNode line =
        fitted(net, TrainingReport.business().every(1), batches(1), MultiLayerNetwork::fit).get(0);
    assertThat(line.has("largest_eigenvalue")).isFalse();
    assertThat(line.has("gradient_histograms")).isFalse();
  }

  @Test
  void thePageShowsThem() {
    MultiLayerNetwork net = net(1);
    TrainingReport report = TrainingReport.full().every(1);
    fitted(net, report, batches(3), MultiLayerNetwork::fit);
    assertThat(report.html())
        .contains("Largest eigenvalue", "gradients of 0_W from", "gradients of 2_b by value")
        .doesNotContain("http:", "https:", "<script", "NaN");
  }
}
