package org.backpack4j.dl4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.backpack4j.dl4j.Dl4jConverter;
import org.backpack4j.dl4j.NetworkGraphs;
import org.backpack4j.dl4j.train.PlannedTraining;
import org.backpack4j.samediff.dataset.DataSetQuantities;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;

/** Elastic weight consolidation and merging against their formulas. */
class MemoryOfTasksTest {
  private static final double RATE = 0.1;

  private static INDArray fisher(MultiLayerNetwork net, DataSet data, String name, Extension f) {
    try (NetworkGraphs graphs = NetworkGraphs.of(net, f)) {
      return DataSetQuantities.of(graphs)
          .over(WeightsCases.batches(data, 4))
          .quantities()
          .get(name, f)
          .castTo(DataType.DOUBLE)
          .div(data.numExamples());
    }
  }

  /** θ′ = θ − η (ḡ + Σ λ F (θ − θ*)), ḡ with DL4J's l2. */
  @Test
  void aStepHasThePenaltysGradient() {
    DataSet first = WeightsCases.classes(1, 12);
    DataSet second = WeightsCases.classes(2, 8);
    DataSet third = WeightsCases.classes(3, 9);
    for (boolean planned : new boolean[] {false, true}) {
      MultiLayerNetwork net = WeightsCases.classifier(new Sgd(RATE));
      INDArray learned = net.getParam("0_W").dup();
      INDArray f = fisher(net, first, "0_W", new DiagGGNExact());
      ElasticWeightConsolidation ewc =
          ElasticWeightConsolidation.of(net).strength(3).fit(WeightsCases.batches(first, 5));
      assertThat(ewc.penalty()).isZero();
      net.fit(second); // without the listener
      INDArray later = net.getParam("0_W").dup();
      INDArray g = fisher(net, second, "0_W", new SumGradSquared());
      ewc.strength(0.5).fisher(new SumGradSquared()).fit(WeightsCases.batches(second, 3));
      net.fit(second);
      MultiLayerNetwork plain = net.clone();
      INDArray theta = net.getParam("0_W").dup();
      net.addListeners(ewc);
      if (planned) {
        try (PlannedTraining training = PlannedTraining.of(net)) {
          training.fit(third);
        }
      } else {
        net.fit(third);
      }
      plain.fit(third);
      INDArray pull = f.mul(theta.sub(learned)).muli(3).addi(g.mul(theta.sub(later)).muli(0.5));
      INDArray expected = plain.getParam("0_W").sub(pull.mul(RATE));
      assertThat(net.getParam("0_W").sub(expected).amaxNumber().doubleValue()).isLessThan(1e-12);
      assertThat(pull.amaxNumber().doubleValue()).isGreaterThan(1e-5);
      assertThat(ewc.tasks()).isEqualTo(2);
      INDArray all = f.mul(3).addi(g.mul(0.5));
      assertThat(ewc.importance("0_W").sub(all).amaxNumber().doubleValue()).isLessThan(1e-12);
    }
  }

  @Test
  void thePenaltyIsItsGradientsIntegral() {
    DataSet first = WeightsCases.classes(1, 12);
    MultiLayerNetwork net = WeightsCases.classifier(new Sgd(RATE));
    INDArray learned = net.getParam("1_W").dup();
    INDArray f = fisher(net, first, "1_W", new DiagGGNExact());
    ElasticWeightConsolidation ewc =
        ElasticWeightConsolidation.of(net).strength(2).fit(WeightsCases.batches(first, 12));
    INDArray moved = WeightsCases.random(9, 6, 3);
    net.setParam("1_W", learned.add(moved));
    double expected = moved.mul(moved).muli(f).sumNumber().doubleValue();
    assertThat(ewc.penalty()).isCloseTo(expected, within(1e-12));
  }

  @Test
  void withoutTheListenerTrainingIsWhatItWas() {
    DataSet first = WeightsCases.classes(1, 12);
    MultiLayerNetwork net = WeightsCases.classifier(new Adam(1e-2));
    MultiLayerNetwork other = net.clone();
    ElasticWeightConsolidation ewc =
        ElasticWeightConsolidation.of(net).strength(100).fit(WeightsCases.batches(first, 12));
    net.setListeners(ewc);
    net.setListeners();
    net.fit(WeightsCases.batches(first, 4), 2);
    other.fit(WeightsCases.batches(first, 4), 2);
    assertThat(net.params()).isEqualTo(other.params());
    // another network is not its
    other.setListeners(ewc);
    MultiLayerNetwork third = other.clone();
    third.setListeners();
    other.fit(first);
    third.fit(first);
    assertThat(other.params()).isEqualTo(third.params());
  }

  @Test
  void aStrongPenaltyHoldsWhatMatters() {
    DataSet first = WeightsCases.classes(1, 30);
    DataSet second = WeightsCases.classes(2, 30);
    double[] losses = new double[2];
    for (int k = 0; k < 2; k++) {
      MultiLayerNetwork net = WeightsCases.classifier(new Adam(1e-2));
      net.fit(WeightsCases.batches(first, 30), 150);
      if (k == 1) {
        net.addListeners(
            ElasticWeightConsolidation.of(net)
                .fisher(new DiagGGNMC(4))
                .strength(50)
                .fit(WeightsCases.batches(first, 30)));
      }
      net.fit(WeightsCases.batches(second, 30), 100);
      losses[k] = net.score(first);
    }
    assertThat(losses[1]).isLessThan(losses[0] - 0.1);
  }

  @Test
  void frozenLayersHaveNoPenaltyAndGraphsAreAlike() {
    DataSet first = WeightsCases.classes(1, 12);
    MultiLayerNetwork net = WeightsCases.classifier(new Sgd(RATE));
    MultiLayerNetwork frozen = new TransferLearning.Builder(net).setFeatureExtractor(0).build();
    ElasticWeightConsolidation ewc =
        ElasticWeightConsolidation.of(frozen).fit(WeightsCases.batches(first, 12));
    assertThatThrownBy(() -> ewc.importance("0_W")).hasMessageContaining("not trained");
    frozen.addListeners(ewc);
    INDArray before = frozen.getParam("0_W").dup();
    frozen.fit(WeightsCases.classes(2, 6));
    assertThat(frozen.getParam("0_W")).isEqualTo(before);
    ComputationGraph graph = net.toComputationGraph();
    ElasticWeightConsolidation same =
        ElasticWeightConsolidation.of(graph).fit(WeightsCases.batches(first, 12));
    ElasticWeightConsolidation own =
        ElasticWeightConsolidation.of(net).fit(WeightsCases.batches(first, 12));
    String name = graph.paramTable().keySet().iterator().next();
    INDArray difference = same.importance(name).sub(own.importance("0_W"));
    assertThat(difference.amaxNumber().doubleValue()).isLessThan(1e-14);
    assertThatThrownBy(() -> own.strength(-1)).hasMessageContaining("0 or above");
    assertThatThrownBy(() -> own.fisher(new DiagHessian()).fit(WeightsCases.batches(first, 12)))
        .hasMessageContaining("negative entries");
    assertThat(own.tasks()).isEqualTo(1);
  }

  // ---- merging ----

  private static DataSet orthogonal(long seed, int samples) {
    INDArray x = Nd4j.zeros(DataType.DOUBLE, samples, 3);
    INDArray scale = WeightsCases.random(seed, samples, 1);
    for (int n = 0; n < samples; n++) {
      x.putScalar(n, n % 3, scale.getDouble(n, 0) + 2);
    }
    return new DataSet(x, WeightsCases.random(seed + 1, samples, 2));
  }

  private static MultiLayerNetwork solved(DataSet data) {
    MultiLayerNetwork net = WeightsCases.linear(3, 2);
    net.setParam("0_W", WeightsCases.solution(data.getFeatures(), data.getLabels()));
    return net;
  }

  /** Where the Fisher matrices are diagonal, the merged model is that of both data sets. */
  @Test
  void mergedIsTheSolutionOfBothDataSets() {
    DataSet a = orthogonal(1, 9);
    DataSet b = orthogonal(5, 15);
    DataSet both = DataSet.merge(java.util.List.of(a, b));
    INDArray expected = WeightsCases.solution(both.getFeatures(), both.getLabels());
    FisherMerging<MultiLayerNetwork> merging =
        FisherMerging.of(solved(a), solved(b))
            .fit(WeightsCases.batches(a, 4), WeightsCases.batches(b, 6));
    INDArray merged = merging.merge().getParam("0_W");
    assertThat(merged.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-12);
    INDArray plain = solved(a).getParam("0_W").add(solved(b).getParam("0_W")).divi(2);
    assertThat(merged.sub(plain).amaxNumber().doubleValue()).isGreaterThan(1e-3);
    // weights of the models are those of their data
    INDArray weighted = merging.weights(1, 1e12).merge().getParam("0_W");
    assertThat(weighted.sub(solved(b).getParam("0_W")).amaxNumber().doubleValue()).isLessThan(1e-9);
  }

  @Test
  void whatNoDataTellIsAveraged() {
    DataSet a = orthogonal(1, 9);
    a.getFeatures().getColumn(2).assign(0);
    MultiLayerNetwork first = WeightsCases.linear(3, 2);
    MultiLayerNetwork second = WeightsCases.linear(3, 2);
    first.setParam("0_W", WeightsCases.random(20, 3, 2));
    second.setParam("0_W", WeightsCases.random(21, 3, 2));
    INDArray merged =
        FisherMerging.of(first, second)
            .fit(WeightsCases.batches(a, 9), WeightsCases.batches(a, 9))
            .merge()
            .getParam("0_W");
    INDArray mean = first.getParam("0_W").add(second.getParam("0_W")).divi(2);
    assertThat(merged.sub(mean).amaxNumber().doubleValue()).isLessThan(1e-12);
  }

  @Test
  void theThreeKindsOfModelsAgree() {
    DataSet a = WeightsCases.classes(1, 12);
    DataSet b = WeightsCases.classes(2, 10);
    MultiLayerNetwork first = WeightsCases.classifier(new Sgd(RATE));
    MultiLayerNetwork second = first.clone();
    first.fit(a);
    second.fit(b);
    INDArray before = first.params().dup();
    MultiLayerNetwork merged =
        FisherMerging.of(first, second)
            .fit(WeightsCases.batches(a, 5), WeightsCases.batches(b, 5))
            .merge();
    assertThat(first.params()).isEqualTo(before);
    ComputationGraph graph =
        FisherMerging.of(first.toComputationGraph(), second.toComputationGraph())
            .fit(WeightsCases.batches(a, 5), WeightsCases.batches(b, 5))
            .merge();
    assertThat(graph.params().sub(merged.params()).amaxNumber().doubleValue()).isLessThan(1e-13);
    SameDiff one = converted(first, a);
    SameDiff two = converted(second, b);
    SameDiff sd =
        FisherMerging.of(one, two)
            .fit(WeightsCases.batches(a, 5), WeightsCases.batches(b, 5))
            .merge();
    for (String name : new String[] {"0_W", "0_b", "1_W", "1_b"}) {
      INDArray expected = merged.getParam(name);
      INDArray own = sd.getVariable(name).getArr();
      assertThat(own.reshape(expected.shape()).sub(expected).amaxNumber().doubleValue())
          .isLessThan(1e-13);
    }
    sd.fit(WeightsCases.batches(a, 5), 1); // it trains, and the others are as they were
    assertThat(first.params()).isEqualTo(before);
  }

  private static SameDiff converted(MultiLayerNetwork net, DataSet data) {
    SameDiff sd = Dl4jConverter.on(net).like(data).convert().sameDiff();
    sd.setTrainingConfig(
        TrainingConfig.builder()
            .updater(new Sgd(RATE))
            .dataSetFeatureMapping("input")
            .dataSetLabelMapping("1.labels")
            .build());
    return sd;
  }

  @Test
  void whatIsOfAnotherArchitectureIsNamed() {
    assertThatThrownBy(() -> FisherMerging.of(WeightsCases.linear(3, 2)))
        .hasMessageContaining("two models");
    assertThatThrownBy(() -> FisherMerging.of(WeightsCases.linear(3, 2), WeightsCases.linear(4, 2)))
        .hasMessageContaining("parameter \"0_W\" is [4, 2], that of the first [3, 2]");
    assertThatThrownBy(
            () ->
                FisherMerging.of(WeightsCases.linear(3, 2), WeightsCases.classifier(new Sgd(RATE))))
        .hasMessageContaining("Model 2 is of another architecture")
        .hasMessageContaining("DenseLayer");
    FisherMerging<MultiLayerNetwork> merging =
        FisherMerging.of(WeightsCases.linear(3, 2), WeightsCases.linear(3, 2));
    assertThatThrownBy(merging::merge).hasMessageContaining("fit(…) first");
    assertThatThrownBy(() -> merging.fit(WeightsCases.batches(orthogonal(1, 3), 3)))
        .hasMessageContaining("1 data sets for 2 models");
    assertThatThrownBy(() -> merging.weights(1, 0)).hasMessageContaining("above 0");
  }

  @Test
  void aGraphOfOnesOwn() {
    SameDiff[] graphs = new SameDiff[2];
    for (int k = 0; k < 2; k++) {
      SameDiff sd = SameDiff.create();
      SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
      SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 2);
      SDVariable w = sd.var("w", WeightsCases.random(30 + k, 3, 2));
      sd.loss().meanSquaredError("loss", y, x.mmul(w), null);
      sd.setTrainingConfig(
          TrainingConfig.builder()
              .updater(new Sgd(RATE))
              .dataSetFeatureMapping("x")
              .dataSetLabelMapping("y")
              .build());
      graphs[k] = sd;
    }
    DataSet a = orthogonal(1, 9);
    DataSet b = orthogonal(5, 15);
    INDArray[] solutions = {
      WeightsCases.solution(a.getFeatures(), a.getLabels()),
      WeightsCases.solution(b.getFeatures(), b.getLabels())
    };
    graphs[0].getVariable("w").setArray(solutions[0].dup());
    graphs[1].getVariable("w").setArray(solutions[1].dup());
    SameDiff merged =
        FisherMerging.of(graphs)
            .fit(WeightsCases.batches(a, 4), WeightsCases.batches(b, 6))
            .merge();
    DataSet both = DataSet.merge(java.util.List.of(a, b));
    INDArray expected = WeightsCases.solution(both.getFeatures(), both.getLabels());
    assertThat(merged.getVariable("w").getArr().sub(expected).amaxNumber().doubleValue())
        .isLessThan(1e-12);
    assertThat(graphs[0].getVariable("w").getArr()).isEqualTo(solutions[0]);
    merged.fit(WeightsCases.batches(a, 4), 2);
    assertThat(graphs[0].getVariable("w").getArr()).isEqualTo(solutions[0]);
    assertThat(merged.getVariable("w").getArr()).isNotEqualTo(expected);
  }
}
