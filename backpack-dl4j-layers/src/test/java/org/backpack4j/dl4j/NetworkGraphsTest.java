package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.testing.ListedBatches;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.curvature.LinearOperator;
import org.backpack4j.samediff.dataset.DataSetOperator;
import org.backpack4j.samediff.dataset.DataSetQuantities;
import org.backpack4j.samediff.dataset.DataSetResults;
import org.backpack4j.samediff.dataset.Determinism;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.GGNProduct;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Batches of networks against one batch of all their samples. */
class NetworkGraphsTest {
  private static final int[] SIZES = {5, 1, 7, 4};
  private static final int SAMPLES = 17;

  private static final Extension[] EXTENSIONS = {
    new SumGradSquared(), new Variance(), new DiagGGNExact(), new KFLR()
  };

  private static NeuralNetConfiguration.Builder settings() {
    return new NeuralNetConfiguration.Builder().seed(4).dataType(DataType.DOUBLE);
  }

  private static INDArray random(long... shape) {
    return Nd4j.rand(DataType.DOUBLE, shape).subi(0.4);
  }

  private static INDArray classes(long samples, int classes) {
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, samples, classes);
    for (int n = 0; n < samples; n++) {
      labels.putScalar(n, (n * 5 + n / 3) % classes, 1);
    }
    return labels;
  }

  private static INDArray part(INDArray array, int from, int size) {
    INDArrayIndex[] indices = new INDArrayIndex[array.rank()];
    Arrays.fill(indices, NDArrayIndex.all());
    indices[0] = NDArrayIndex.interval(from, from + size);
    return array.get(indices).dup();
  }

  private static INDArray[] parts(INDArray[] arrays, int from, int size) {
    return arrays == null
        ? null
        : Arrays.stream(arrays)
            .map(a -> a == null ? null : part(a, from, size))
            .toArray(INDArray[]::new);
  }

  /** The batches of a data set; the first is without the masks, which are ones there. */
  private static List<org.nd4j.linalg.dataset.api.MultiDataSet> cut(MultiDataSet all) {
    List<org.nd4j.linalg.dataset.api.MultiDataSet> batches = new ArrayList<>();
    int from = 0;
    for (int size : SIZES) {
      boolean masked = from > 0;
      batches.add(
          new MultiDataSet(
              parts(all.getFeatures(), from, size),
              parts(all.getLabels(), from, size),
              masked ? parts(all.getFeaturesMaskArrays(), from, size) : null,
              masked ? parts(all.getLabelsMaskArrays(), from, size) : null));
      from += size;
    }
    return batches;
  }

  /** Masks are not known to be positive, so that there are no factors. */
  private static final Extension[] MASKED = {
    new SumGradSquared(), new Variance(), new DiagGGNExact()
  };

  private static DataSetResults assertAsOneBatch(
      Model net, MultiDataSet all, Scale scale, Extension... extensions) {
    Map<String, INDArray> expected;
    ConvertedNetwork converted = Dl4jConverter.on(net).like(all).scale(scale).convert();
    try (ExtendedGraph graph = converted.extend(extensions)) {
      expected = graph.evaluate(converted.feeds(all)).outputs();
    }
    try (NetworkGraphs graphs = NetworkGraphs.of(net, extensions).scale(scale)) {
      DataSetResults results = DataSetQuantities.of(graphs).over(new ListedBatches(cut(all)));
      Map<String, INDArray> outputs = results.quantities().outputs();
      assertThat(outputs.keySet()).isEqualTo(expected.keySet());
      outputs.forEach(
          (name, array) -> {
            INDArray whole = expected.get(name);
            assertThat(array.sub(whole).amaxNumber().doubleValue())
                .as(name)
                .isLessThanOrEqualTo(1e-12 * whole.amaxNumber().doubleValue());
          });
      assertThat(results.samples()).isEqualTo(SAMPLES);
      assertThat(results.normaliser()).isEqualTo(scale == Scale.SUM ? 1 : SAMPLES);
      return results;
    }
  }

  private static MultiLayerNetwork perceptron(org.deeplearning4j.nn.conf.layers.Layer... between) {
    NeuralNetConfiguration.ListBuilder list =
        settings()
            .list()
            .layer(new DenseLayer.Builder().nIn(4).nOut(3).activation(Activation.TANH).build());
    Arrays.stream(between).forEach(list::layer);
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            list.layer(
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(3)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build())
                .build());
    net.init();
    return net;
  }

  private static MultiDataSet rows() {
    Nd4j.getRandom().setSeed(8);
    return new MultiDataSet(
        new INDArray[] {random(SAMPLES, 4)}, new INDArray[] {classes(SAMPLES, 3)});
  }

  /** The gradient is held against DL4J's own as well. */
  @ParameterizedTest
  @EnumSource(Scale.class)
  void aMultiLayerNetwork(Scale scale) {
    MultiLayerNetwork net = perceptron();
    MultiDataSet all = rows();
    DataSetResults results = assertAsOneBatch(net, all, scale, EXTENSIONS);
    net.setInput(all.getFeatures(0));
    net.setLabels(all.getLabels(0));
    net.computeGradientAndScore();
    double share = scale == Scale.SUM ? 1 : 1.0 / SAMPLES;
    for (Map.Entry<String, INDArray> own : net.gradient().gradientForVariable().entrySet()) {
      INDArray ours = results.quantities().gradient(own.getKey());
      INDArray theirs = own.getValue().mul(share).reshape(ours.shape());
      assertThat(ours.sub(theirs).amaxNumber().doubleValue()).isLessThan(1e-13);
    }
    assertThat(results.loss().orElseThrow())
        .isCloseTo(net.score() * SAMPLES * share, org.assertj.core.api.Assertions.within(1e-10));
  }

  /** Some batches have masks and some have none, so that there are several graphs. */
  @ParameterizedTest
  @EnumSource(Scale.class)
  void aSeriesWithMasks(Scale scale) {
    assertAsOneBatch(recurrent(), series(), scale, MASKED);
  }

  private static MultiLayerNetwork recurrent() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            settings()
                .list()
                .layer(new SimpleRnn.Builder().nIn(2).nOut(3).activation(Activation.TANH).build())
                .layer(
                    new RnnOutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(3)
                        .nOut(2)
                        .activation(Activation.SOFTMAX)
                        .build())
                .build());
    net.init();
    return net;
  }

  private static MultiDataSet series() {
    Nd4j.getRandom().setSeed(9);
    int steps = 4;
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, SAMPLES, 2, steps);
    INDArray masks = Nd4j.ones(DataType.DOUBLE, SAMPLES, steps);
    for (int n = 0; n < SAMPLES; n++) {
      for (int t = 0; t < steps; t++) {
        labels.putScalar(new int[] {n, (n + t) % 2, t}, 1);
        if (n >= SIZES[0] && t > n % steps) {
          masks.putScalar(n, t, 0);
        }
      }
    }
    return new MultiDataSet(
        new INDArray[] {random(SAMPLES, 2, steps)},
        new INDArray[] {labels},
        new INDArray[] {masks},
        new INDArray[] {masks.dup()});
  }

  @ParameterizedTest
  @EnumSource(Scale.class)
  void aComputationGraphWithTwoOutputs(Scale scale) {
    ComputationGraph net =
        new ComputationGraph(
            settings()
                .graphBuilder()
                .addInputs("in")
                .addLayer(
                    "hidden",
                    new DenseLayer.Builder().nIn(4).nOut(3).activation(Activation.TANH).build(),
                    "in")
                .addLayer(
                    "classes",
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(3)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build(),
                    "hidden")
                .addLayer(
                    "values",
                    new OutputLayer.Builder(LossFunction.MSE)
                        .nIn(3)
                        .nOut(2)
                        .activation(Activation.IDENTITY)
                        .build(),
                    "hidden")
                .setOutputs("classes", "values")
                .build());
    net.init();
    MultiDataSet rows = rows();
    INDArray masks = Nd4j.ones(DataType.DOUBLE, SAMPLES, 1);
    for (int n = SIZES[0]; n < SAMPLES; n += 2) {
      masks.putScalar(n, 0, 0);
    }
    assertAsOneBatch(
        net,
        new MultiDataSet(
            rows.getFeatures(),
            new INDArray[] {rows.getLabels(0), random(SAMPLES, 2)},
            null,
            new INDArray[] {null, masks}),
        scale,
        MASKED);
  }

  @Test
  void chosenParametersAlone() {
    try (NetworkGraphs graphs =
        NetworkGraphs.of(perceptron(), new DiagGGNExact()).parameters("1_W")) {
      DataSetResults results = DataSetQuantities.of(graphs).over(new ListedBatches(cut(rows())));
      assertThat(results.quantities().outputs()).containsOnlyKeys("1_W.grad", "1_W.diag_ggn_exact");
      graphs.parameters("2_W");
      assertThatThrownBy(() -> DataSetQuantities.of(graphs).over(new ListedBatches(cut(rows()))))
          .hasMessageContaining("no trained parameters [2_W]");
    }
  }

  @Test
  void statisticsOfBatchesAreRefused() {
    MultiLayerNetwork net = perceptron(new BatchNormalization.Builder().nIn(3).nOut(3).build());
    ListedBatches batches = new ListedBatches(cut(rows()));
    try (NetworkGraphs graphs = NetworkGraphs.of(net)) {
      assertThatThrownBy(() -> DataSetQuantities.of(graphs).over(batches))
          .isInstanceOf(UnsupportedGraphException.class)
          .hasMessageContaining("samples influence each other")
          .hasMessageContaining("layer \"1\"")
          .hasMessageContaining("running statistics");
      graphs.statistics(BatchStatistics.RUNNING);
      assertThat(DataSetQuantities.of(graphs).over(batches).samples()).isEqualTo(SAMPLES);
    }
  }

  @Test
  void dropoutIsRefused() {
    MultiLayerNetwork net =
        perceptron(new DenseLayer.Builder().nIn(3).nOut(3).dropOut(0.5).build());
    try (NetworkGraphs graphs = NetworkGraphs.of(net)) {
      assertThatThrownBy(() -> DataSetQuantities.of(graphs).over(new ListedBatches(cut(rows()))))
          .isInstanceOf(UnconvertibleNetworkException.class)
          .hasMessageContaining("ropout");
      assertThatThrownBy(
              () ->
                  DataSetQuantities.of(graphs).over(List.of(Map.of("x", random(2, 2))).iterator()))
          .hasMessageContaining("A network's batches are data sets");
    }
  }

  /** Some batches have masks and some have none: one matrix by several graphs. */
  @Test
  void productsOfANetwork() {
    MultiLayerNetwork net = recurrent();
    MultiDataSet all = series();
    Extension products = new GGNProduct(3);
    ConvertedNetwork converted = Dl4jConverter.on(net).like(all).convert();
    try (ExtendedGraph whole = converted.extend(products);
        NetworkGraphs graphs = NetworkGraphs.of(net, products)) {
      ListedBatches batches = new ListedBatches(cut(all));
      assertThat(Determinism.of(graphs, batches).holds()).isTrue();
      DataSetOperator operator = DataSetOperator.of(graphs, products, batches);
      INDArray vectors = random(4, operator.size());
      INDArray expected = LinearOperator.of(whole, products, converted.feeds(all)).times(vectors);
      assertThat(operator.times(vectors).sub(expected).amaxNumber().doubleValue())
          .isLessThan(1e-12 * expected.amaxNumber().doubleValue());
      net.params().muli(1.5);
      expected = LinearOperator.of(whole, products, converted.feeds(all)).times(vectors);
      assertThat(operator.times(vectors).sub(expected).amaxNumber().doubleValue())
          .isLessThan(1e-12 * expected.amaxNumber().doubleValue());
    }
  }

  /** What a checkpoint is known by. */
  @Test
  void anotherNetworkHasAnotherIdentity() {
    MultiLayerNetwork net = perceptron();
    Map<String, String> own = NetworkGraphs.of(net, new KFLR()).identity();
    assertThat(NetworkGraphs.of(perceptron(), new KFLR()).identity()).isEqualTo(own);
    assertThat(NetworkGraphs.of(net, new KFLR()).scale(Scale.MEAN).identity()).isNotEqualTo(own);
    assertThat(NetworkGraphs.of(net).identity()).isNotEqualTo(own);
    Layer first = net.getLayer(0);
    first.getParam("W").addi(1e-12);
    assertThat(NetworkGraphs.of(net, new KFLR()).identity().get("parameters"))
        .isNotEqualTo(own.get("parameters"));
  }
}
