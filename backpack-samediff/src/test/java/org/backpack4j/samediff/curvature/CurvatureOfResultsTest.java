package org.backpack4j.samediff.curvature;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.SameDiffBackPackListener;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.backpack4j.samediff.dataset.DataSetQuantities;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.internal.dataset.Gathering;
import org.backpack4j.samediff.internal.dataset.GatheringForm;
import org.backpack4j.samediff.train.GraphTraining;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.SingletonDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;

/** Whatever has computed Kronecker factors, they tell which axes of the weights they belong to. */
class CurvatureOfResultsTest {
  private static final KFLR FACTORS = new KFLR();

  @TempDir Path folder;

  /** One input, so that a factor of the outputs has as many rows as the weight has entries. */
  private static SameDiff model() {
    Nd4j.getRandom().setSeed(4);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 1);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable hidden = sd.math().tanh(x.mmul(sd.var("v", Nd4j.rand(DataType.DOUBLE, 1, 4))));
    SDVariable z = hidden.mmul(sd.var("w", Nd4j.rand(DataType.DOUBLE, 4, 3)));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    sd.setTrainingConfig(
        TrainingConfig.builder()
            .updater(new Sgd(0))
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("y")
            .build());
    return sd;
  }

  private static DataSet data() {
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, 6, 3);
    for (int n = 0; n < 6; n++) {
      labels.putScalar(n, n % 3, 1);
    }
    INDArray x = Nd4j.linspace(DataType.DOUBLE, -2, 0.9, 6).reshape(6, 1);
    return new DataSet(x, labels);
  }

  private static INDArray matrix(Curvature curvature) {
    return curvature.times(Nd4j.eye(curvature.layout().size()).castTo(DataType.DOUBLE));
  }

  private static INDArray expected(ExtendedGraph graph) {
    QuantityResults results = graph.evaluate(graph.feeds(data().toMultiDataSet()));
    return matrix(Curvature.of(graph, results, FACTORS));
  }

  private static void isOf(ExtendedGraph graph, QuantityResults results) {
    INDArray off = matrix(Curvature.of(results, FACTORS)).sub(expected(graph));
    assertThat(off.amaxNumber().doubleValue()).isLessThan(1e-12);
  }

  @Test
  void ofADataSet() {
    try (ExtendedGraph graph = BackPack.extend(model(), FACTORS)) {
      isOf(
          graph,
          DataSetQuantities.of(graph).over(new SingletonDataSetIterator(data())).quantities());
    }
  }

  @Test
  void ofADataSetThatGoesOnFromACheckpointOfItsEnd() {
    Path file = folder.resolve("checkpoint");
    try (ExtendedGraph graph = BackPack.extend(model(), FACTORS)) {
      DataSetQuantities stopped = DataSetQuantities.of(graph).checkpoint(file, 1).samples(7);
      try {
        stopped.over(new SingletonDataSetIterator(data()));
      } catch (IllegalArgumentException e) {
        assertThat(e).hasMessageContaining("6 samples");
      }
      assertThat(Files.exists(file)).isTrue();
      DataSetQuantities again = DataSetQuantities.of(graph).checkpoint(file, 1).samples(7);
      try {
        again.over(new SingletonDataSetIterator(data()));
      } catch (IllegalArgumentException e) {
        assertThat(e).hasMessageContaining("6 samples");
      }
      isOf(graph, again.gathered().quantities());
    }
  }

  @Test
  void ofPartsOfADataSet() {
    try (ExtendedGraph graph = BackPack.extend(model(), FACTORS)) {
      DataSetQuantities.of(graph).over(new SingletonDataSetIterator(data()));
      Gathering part = Gathering.ofPartition(0, 0);
      part.add(new GraphBatch(graph, graph.feeds(data().toMultiDataSet())));
      Gathering whole = new Gathering(null, -1);
      whole.merge(GatheringForm.read(GatheringForm.bytes(part)));
      isOf(graph, whole.results(graph.extensions()).quantities());
    }
  }

  @Test
  void ofEvaluatedArrays() {
    try (ExtendedGraph graph = BackPack.extend(model(), FACTORS)) {
      Map<String, INDArray> all =
          graph.output(graph.feeds(data().toMultiDataSet()), graph.outputNames());
      isOf(graph, graph.results(all));
    }
  }

  @Test
  void ofAPlannedStep() {
    SameDiff sd = model();
    List<QuantityResults> steps = new ArrayList<>();
    try (ExtendedGraph graph = BackPack.extend(sd, FACTORS);
        GraphTraining training = GraphTraining.of(sd, FACTORS)) {
      training.quantities((at, results) -> steps.add(results)).fit(data());
      isOf(graph, steps.get(0));
    }
  }

  @Test
  void ofAListenersStep() {
    SameDiff sd = model();
    SameDiffBackPackListener listener = new SameDiffBackPackListener(FACTORS);
    List<QuantityResults> steps = new ArrayList<>();
    listener.onStep(step -> steps.add(step.quantities()));
    sd.setListeners(listener);
    sd.fit(new SingletonDataSetIterator(data()), 1);
    try (ExtendedGraph graph = BackPack.extend(model(), FACTORS)) {
      isOf(graph, steps.get(0));
    }
  }
}
