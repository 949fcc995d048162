package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.backpack4j.dl4j.testing.ListedBatches;
import org.backpack4j.samediff.dataset.DataSetQuantities;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.KFAC;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.backpack4j.samediff.spark.SparkQuantities;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Networks in two threads of this process against one. */
class SparkNetworksTest {
  private static JavaSparkContext spark;

  @BeforeAll
  static void start(@TempDir Path folder) {
    spark =
        new JavaSparkContext(
            new SparkConf()
                .setAppName("test")
                .setMaster("local[2]")
                .set("spark.ui.enabled", "false")
                .set("spark.driver.host", "127.0.0.1")
                .set("spark.driver.bindAddress", "127.0.0.1")
                .set("spark.local.dir", folder.toString()));
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  private static NeuralNetConfiguration.Builder settings() {
    return new NeuralNetConfiguration.Builder().seed(4).dataType(DataType.DOUBLE);
  }

  private static INDArray classes(int samples, int classes, int... steps) {
    INDArray labels =
        steps.length == 0
            ? Nd4j.zeros(DataType.DOUBLE, samples, classes)
            : Nd4j.zeros(DataType.DOUBLE, samples, classes, steps[0]);
    for (int n = 0; n < samples; n++) {
      for (int t = 0; t < (steps.length == 0 ? 1 : steps[0]); t++) {
        labels.putScalar(
            steps.length == 0 ? new int[] {n, n % classes} : new int[] {n, (n + t) % classes, t},
            1);
      }
    }
    return labels;
  }

  private static void assertAsOneMachine(NetworkGraphs graphs, List<MultiDataSet> batches) {
    Map<String, INDArray> expected =
        DataSetQuantities.of(graphs).over(new ListedBatches(batches)).quantities().outputs();
    Map<String, INDArray> outputs =
        SparkQuantities.of(graphs)
            .overMultiDataSets(spark.parallelize(batches, 3))
            .quantities()
            .outputs();
    assertThat(outputs.keySet()).isEqualTo(expected.keySet());
    outputs.forEach(
        (name, array) ->
            assertThat(array.sub(expected.get(name)).amaxNumber().doubleValue())
                .as(name)
                .isLessThanOrEqualTo(1e-12 * expected.get(name).amaxNumber().doubleValue()));
  }

  /** Series with masks and without, so that each thread makes several graphs. */
  @Test
  void aMultiLayerNetworkWithMasks() {
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
    Nd4j.getRandom().setSeed(3);
    List<MultiDataSet> batches = new ArrayList<>();
    for (int samples = 1; samples < 7; samples++) {
      INDArray mask = Nd4j.ones(DataType.DOUBLE, samples, 4);
      mask.putScalar(0, 3, 0);
      batches.add(
          new DataSet(
                  Nd4j.rand(DataType.DOUBLE, samples, 2, 4),
                  classes(samples, 2, 4),
                  samples % 2 == 0 ? mask : null,
                  samples % 2 == 0 ? mask.dup() : null)
              .toMultiDataSet());
    }
    try (NetworkGraphs graphs =
        NetworkGraphs.of(net, new SumGradSquared(), new Variance(), new DiagGGNExact())
            .scale(Scale.MEAN)
            .parameters("0_W", "1_b")) {
      assertAsOneMachine(graphs, batches);
    }
  }

  private static ComputationGraph graph(boolean dropout) {
    var builder =
        settings()
            .graphBuilder()
            .addInputs("in")
            .addLayer(
                "h",
                new DenseLayer.Builder().nIn(4).nOut(3).activation(Activation.TANH).build(),
                "in");
    if (dropout) {
      builder.addLayer("d", new DropoutLayer(0.5), "h");
    }
    ComputationGraph net =
        new ComputationGraph(
            builder
                .addLayer(
                    "o",
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(3)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build(),
                    dropout ? "d" : "h")
                .setOutputs("o")
                .build());
    net.init();
    return net;
  }

  private static List<MultiDataSet> rows() {
    Nd4j.getRandom().setSeed(8);
    List<MultiDataSet> batches = new ArrayList<>();
    for (int samples = 1; samples < 6; samples++) {
      batches.add(
          new DataSet(Nd4j.rand(DataType.DOUBLE, samples, 4), classes(samples, 3))
              .toMultiDataSet());
    }
    return batches;
  }

  /** Parameters as they are at the call, and random numbers by a sample's place. */
  @Test
  void aComputationGraph() {
    ComputationGraph net = graph(false);
    try (NetworkGraphs graphs = NetworkGraphs.of(net, new KFAC(1, 5), new DiagGGNExact())) {
      assertAsOneMachine(graphs, rows());
      net.params().muli(1.5);
      assertAsOneMachine(graphs, rows());
    }
  }

  @Test
  void whatCannotBeConvertedIsRefusedByTheExecutors() {
    try (NetworkGraphs graphs = NetworkGraphs.of(graph(true), new DiagGGNExact())) {
      assertThatThrownBy(
              () -> SparkQuantities.of(graphs).overMultiDataSets(spark.parallelize(rows(), 2)))
          .hasMessageContaining("ropout");
    }
  }
}
