package org.backpack4j.dl4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.dl4j.train.PlannedTraining;
import org.backpack4j.samediff.dataset.BatchException;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.KFAC;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;

class PruningTest {
  private static final int FEW = 5;

  /** At the least-squares solution the loss is its quadratic model. */
  @Test
  void onAQuadraticTheSaliencyIsTheIncreaseOfTheLoss() {
    DataSet data = regression(1);
    for (Extension h : new Extension[] {new DiagGGNExact(), new DiagHessian()}) {
      MultiLayerNetwork net = WeightsCases.linear(FEW, 1);
      net.setParam("0_W", WeightsCases.solution(data.getFeatures(), data.getLabels()));
      double before = net.score(data);
      Pruning pruning = Pruning.of(net).obd(WeightsCases.batches(data, 4), h);
      assertThat(pruning.gradientNorm()).isLessThan(1e-12);
      assertThat(pruning.notes()).isEmpty();
      double predicted = pruning.predictedIncrease(1.0 / FEW);
      int least = -1;
      double smallest = Double.POSITIVE_INFINITY;
      for (int k = 0; k < FEW; k++) {
        MultiLayerNetwork one = net.clone();
        one.getParam("0_W").putScalar(k, 0, 0);
        double increase = one.score(data) - before;
        least = increase < smallest ? k : least;
        smallest = Math.min(smallest, increase);
      }
      PruningMasks masks = pruning.prune(1.0 / FEW);
      assertThat(net.getParam("0_W").getDouble(least, 0)).isZero();
      assertThat(masks.mask("0_W").sumNumber().intValue()).isEqualTo(FEW - 1);
      assertThat(net.score(data) - before).isCloseTo(predicted, within(1e-12));
      assertThat(smallest).isCloseTo(predicted, within(1e-12));
    }
  }

  private static DataSet regression(long seed) {
    INDArray x = WeightsCases.random(seed, 11, FEW);
    x.muliRowVector(Nd4j.createFromArray(0.3, 2.0, 1.0, 0.1, 1.5));
    return new DataSet(x, WeightsCases.random(seed + 1, 11, 1));
  }

  /** Where features have other scales, magnitudes choose otherwise than the loss. */
  @Test
  void magnitudesAndSaliencesDiffer() {
    DataSet data = regression(1);
    MultiLayerNetwork net = WeightsCases.linear(FEW, 1);
    net.setParam("0_W", Nd4j.createFromArray(1.0, 0.5, 0.8, 2.0, 0.6).reshape(FEW, 1));
    INDArray byMagnitude = Pruning.of(net.clone()).prune(0.2).mask("0_W");
    INDArray byLoss =
        Pruning.of(net.clone()).obd(WeightsCases.batches(data, 4)).prune(0.2).mask("0_W");
    assertThat(byMagnitude.getDouble(1, 0)).isZero();
    assertThat(byLoss.getDouble(3, 0)).isZero();
    Pruning pruning = Pruning.of(net).obd(WeightsCases.batches(data, 4));
    assertThat(pruning.notes()).anyMatch(n -> n.contains("not at a minimum"));
    assertThatThrownBy(() -> Pruning.of(net).predictedIncrease(0.5)).hasMessageContaining("obd(…)");
  }

  @Test
  void saliencesAreInTheScaleOfTheMeanLossWhateverTheGraphs() {
    DataSet data = WeightsCases.classes(4, 12);
    SameDiff[] graphs = {graph(true), graph(false)};
    double[] predicted = new double[2];
    for (int k = 0; k < 2; k++) {
      predicted[k] =
          Pruning.of(graphs[k]).obd(WeightsCases.batches(data, 5)).predictedIncrease(0.5);
    }
    assertThat(predicted[1]).isCloseTo(predicted[0], within(1e-12));
    double[] empirical = new double[2];
    for (int k = 0; k < 2; k++) {
      empirical[k] =
          Pruning.of(graphs[k])
              .obd(WeightsCases.batches(data, 5), new SumGradSquared())
              .predictedIncrease(0.5);
    }
    assertThat(empirical[1]).isCloseTo(empirical[0], within(1e-12));
    assertThat(empirical[0]).isNotCloseTo(predicted[0], within(1e-6));
  }

  private static SameDiff graph(boolean mean) {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", WeightsCases.random(8, 4, 5));
    SDVariable b = sd.var("b", Nd4j.zeros(DataType.DOUBLE, 5));
    SDVariable v = sd.var("v", WeightsCases.random(9, 5, 3));
    SDVariable z = sd.math().tanh(x.mmul(w).add(b)).mmul(v);
    sd.loss()
        .softmaxCrossEntropy(
            "loss",
            y,
            z,
            null,
            mean
                ? org.nd4j.autodiff.loss.LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT
                : org.nd4j.autodiff.loss.LossReduce.SUM,
            0);
    sd.setTrainingConfig(
        TrainingConfig.builder()
            .updater(new Adam(1e-2))
            .l2(1e-2)
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("y")
            .build());
    return sd;
  }

  static Stream<IUpdater> updaters() {
    return Stream.of(new Adam(1e-2), new Nesterovs(1e-2, 0.9), new AMSGrad(1e-2), new Sgd(0.1));
  }

  @ParameterizedTest
  @MethodSource("updaters")
  void whatIsPrunedStaysZeroInTraining(IUpdater updater) {
    DataSet data = WeightsCases.classes(5, 20);
    for (boolean planned : new boolean[] {false, true}) {
      MultiLayerNetwork net = WeightsCases.classifier(updater);
      net.fit(WeightsCases.batches(data, 10), 3); // momentum of before
      PruningMasks masks = Pruning.of(net).obd(WeightsCases.batches(data, 10)).prune(0.6);
      assertThat(masks.sparsity()).isCloseTo(0.6, within(0.02));
      assertThat(masks.parameters()).containsExactly("0_W", "1_W");
      net.addListeners(masks);
      INDArray before = net.params().dup();
      if (planned) {
        try (PlannedTraining training = PlannedTraining.of(net)) {
          training.fit(WeightsCases.batches(data, 10), 10);
        }
      } else {
        net.fit(WeightsCases.batches(data, 10), 10);
      }
      for (String name : masks.parameters()) {
        INDArray gone = net.getParam(name).mul(masks.mask(name).rsub(1));
        assertThat(gone.amaxNumber().doubleValue()).as(name).isZero();
        assertThat(net.getParam(name).neq(0).castTo(DataType.DOUBLE)).isEqualTo(masks.mask(name));
      }
      assertThat(net.params().sub(before).amaxNumber().doubleValue()).isGreaterThan(1e-3);
    }
  }

  /** What is pruned counts neither for clipping nor for the updater's averages. */
  @Test
  void theUpdaterSeesNoGradientOfWhatIsPruned() {
    MultiLayerNetwork net = WeightsCases.classifier(new Adam(1e-2));
    PruningMasks masks = Pruning.of(net).prune(0.5);
    INDArray[] seen = new INDArray[1];
    net.setListeners(masks, Nets.gradients("0_W", seen));
    net.fit(WeightsCases.classes(5, 10));
    INDArray gone = seen[0].mul(masks.mask("0_W").rsub(1));
    assertThat(gone.amaxNumber().doubleValue()).isZero();
    assertThat(seen[0].amaxNumber().doubleValue()).isGreaterThan(1e-3);
  }

  @Test
  void withoutTheListenerTrainingIsWhatItWas() {
    DataSet data = WeightsCases.classes(5, 20);
    MultiLayerNetwork net = WeightsCases.classifier(new Adam(1e-2));
    net.fit(WeightsCases.batches(data, 10), 2);
    MultiLayerNetwork other = net.clone();
    PruningMasks masks = Pruning.of(net).prune(0.5);
    net.setListeners(masks);
    net.setListeners();
    other.setParams(net.params().dup());
    net.fit(WeightsCases.batches(data, 10), 3);
    other.fit(WeightsCases.batches(data, 10), 3);
    assertThat(net.params()).isEqualTo(other.params());
    assertThat(net.getParam("0_W").eq(0).castTo(DataType.DOUBLE).sumNumber().intValue()).isZero();
  }

  @Test
  void ofAComputationGraphByLayer() {
    MultiLayerNetwork net = WeightsCases.classifier(new Adam(1e-2));
    ComputationGraph graph = net.toComputationGraph();
    PruningMasks layered = Pruning.of(graph).perLayer().prune(0.5);
    assertThat(layered.sparsity(layered.parameters().get(0))).isEqualTo(0.5);
    assertThat(layered.sparsity(layered.parameters().get(1))).isEqualTo(0.5);
    graph.addListeners(layered);
    graph.fit(WeightsCases.classes(6, 10));
    String first = layered.parameters().get(0);
    INDArray gone = graph.getParam(first).mul(layered.mask(first).rsub(1));
    assertThat(gone.amaxNumber().doubleValue()).isZero();
    MultiLayerNetwork global = WeightsCases.classifier(new Adam(1e-2));
    global.getParam("0_W").muli(100);
    PruningMasks together = Pruning.of(global).prune(0.4);
    assertThat(together.sparsity("1_W")).isGreaterThan(0.8);
    PruningMasks biases = Pruning.of(global).parameters("0_b", "1_W").prune(0.5);
    assertThat(biases.parameters()).containsExactly("0_b", "1_W");
  }

  @Test
  void ofASameDiffGraph() {
    SameDiff sd = graph(true);
    DataSet data = WeightsCases.classes(7, 12);
    sd.fit(WeightsCases.batches(data, 6), 3);
    PruningMasks masks = Pruning.of(sd).obd(WeightsCases.batches(data, 6)).prune(0.5);
    assertThat(masks.parameters()).containsExactlyInAnyOrder("w", "v");
    sd.addListeners(masks.ofSameDiff());
    INDArray before = sd.getVariable("w").getArr().dup();
    sd.fit(WeightsCases.batches(data, 6), 10);
    for (String name : masks.parameters()) {
      INDArray now = sd.getVariable(name).getArr();
      assertThat(now.neq(0).castTo(DataType.DOUBLE)).isEqualTo(masks.mask(name));
    }
    assertThat(sd.getVariable("w").getArr()).isNotEqualTo(before);
  }

  @Test
  void masksAreSavedAndLoaded(@TempDir Path folder) throws IOException {
    MultiLayerNetwork net = WeightsCases.classifier(new Adam(1e-2));
    MultiLayerNetwork other = net.clone();
    PruningMasks masks = Pruning.of(net).prune(0.7);
    Path file = folder.resolve("masks");
    masks.save(file);
    PruningMasks loaded = PruningMasks.load(file, other);
    assertThat(loaded.parameters()).isEqualTo(masks.parameters());
    loaded.parameters().forEach(p -> assertThat(loaded.mask(p)).isEqualTo(masks.mask(p)));
    assertThat(other.params()).isEqualTo(net.params());
    MultiLayerNetwork wrong = WeightsCases.linear(3, 1);
    INDArray before = wrong.params().dup();
    assertThatThrownBy(() -> PruningMasks.load(file, wrong))
        .hasMessageContaining("The mask of \"0_W\" has the shape [4, 6], the parameter [3, 1]");
    assertThat(wrong.params()).isEqualTo(before);
    byte[] bytes = Files.readAllBytes(file);
    bytes[20]++;
    Files.write(file, bytes);
    assertThatThrownBy(() -> PruningMasks.load(file, other)).hasMessageContaining("damaged");
    Files.write(file, new byte[] {1, 2, 3});
    assertThatThrownBy(() -> PruningMasks.load(file, other)).hasMessageContaining("has no masks");
  }

  @Test
  void aSaveThatFailsLeavesNothing(@TempDir Path folder) throws IOException {
    Path taken = Files.createDirectory(folder.resolve("masks"));
    Path kept = Files.createFile(taken.resolve("kept"));
    PruningMasks masks = Pruning.of(WeightsCases.linear(3, 1)).prune(0.5);
    assertThatThrownBy(() -> masks.save(taken)).isInstanceOf(IOException.class);
    assertThat(folder).isDirectoryContaining(taken::equals).isDirectoryNotContaining("glob:**.tmp");
    assertThat(taken).isDirectoryContaining(kept::equals);
  }

  @Test
  void equalRanksGoByMagnitude() {
    DataSet data =
        new DataSet(Nd4j.zeros(DataType.DOUBLE, 3, FEW), Nd4j.ones(DataType.DOUBLE, 3, 1));
    MultiLayerNetwork net = WeightsCases.linear(FEW, 1);
    net.setParam("0_W", Nd4j.createFromArray(3.0, 1.0, 5.0, 2.0, 4.0).reshape(FEW, 1));
    Pruning pruning = Pruning.of(net).obd(WeightsCases.batches(data, 3));
    assertThat(pruning.notes()).anyMatch(n -> n.contains("5 of 5 weights is zero"));
    pruning.prune(0.4);
    assertThat(net.getParam("0_W").data().asDouble()).containsExactly(3, 0, 5, 0, 4);
  }

  @Test
  void negativeCurvatureIsTold() {
    DataSet data = WeightsCases.classes(5, 20);
    MultiLayerNetwork net = WeightsCases.classifier(new Adam(1e-2));
    Pruning pruning = Pruning.of(net).obd(WeightsCases.batches(data, 10), new DiagHessian());
    assertThat(pruning.notes()).anyMatch(n -> n.contains("negative"));
    double[] ranks = {pruning.predictedIncrease(0.2), pruning.predictedIncrease(0.9)};
    assertThat(Arrays.stream(ranks).allMatch(Double::isFinite)).isTrue();
  }

  @Test
  void whatDoesNotFitIsNamed() {
    MultiLayerNetwork net = WeightsCases.classifier(new Adam(1e-2));
    DataSet data = WeightsCases.classes(5, 6);
    INDArray before = net.params().dup();
    for (double sparsity : new double[] {-0.1, 1, Double.NaN}) {
      assertThatThrownBy(() -> Pruning.of(net).prune(sparsity))
          .hasMessageContaining("from 0 to below 1");
    }
    assertThatThrownBy(() -> Pruning.of(net).parameters("7_W"))
        .hasMessageContaining("no parameter \"7_W\"");
    assertThatThrownBy(() -> Pruning.of(net).obd(WeightsCases.batches(data, 3), new KFAC()))
        .hasMessageContaining("take a diagonal");
    data.getFeatures().putScalar(4, 1, Double.NaN);
    assertThatThrownBy(() -> Pruning.of(net).obd(WeightsCases.batches(data, 3)))
        .isInstanceOf(BatchException.class)
        .hasMessageContaining("sample");
    assertThat(net.params()).isEqualTo(before);
    net.getParam("1_W").putScalar(0, 0, Double.NaN);
    assertThatThrownBy(() -> Pruning.of(net).prune(0.5)).hasMessageContaining("\"1_W\" is NaN");
  }

  /** Curvature is that of the network in evaluation mode, whose parameters are its own. */
  @Test
  void dropoutIsLeftOut() {
    DataSet data = WeightsCases.classes(5, 12);
    MultiLayerNetwork net = WeightsCases.classifier(new Adam(1e-2));
    double expected = Pruning.of(net).obd(WeightsCases.batches(data, 6)).predictedIncrease(0.5);
    net.getLayerWiseConfigurations()
        .getConf(1)
        .getLayer()
        .setIDropout(new org.deeplearning4j.nn.conf.dropout.Dropout(0.5));
    Pruning pruning = Pruning.of(net).obd(WeightsCases.batches(data, 6));
    assertThat(pruning.predictedIncrease(0.5)).isEqualTo(expected);
    assertThat(net.getLayerWiseConfigurations().getConf(1).getLayer().getIDropout()).isNotNull();
  }

  @Test
  void frozenLayersAreNotPruned() {
    MultiLayerNetwork net = WeightsCases.classifier(new Adam(1e-2));
    MultiLayerNetwork frozen =
        new org.deeplearning4j.nn.transferlearning.TransferLearning.Builder(net)
            .setFeatureExtractor(0)
            .build();
    DataSet data = WeightsCases.classes(5, 6);
    PruningMasks masks = Pruning.of(frozen).obd(WeightsCases.batches(data, 3)).prune(0.5);
    assertThat(masks.parameters()).containsExactly("1_W");
    assertThatThrownBy(
            () ->
                Pruning.of(frozen).parameters("0_W").obd(WeightsCases.batches(data, 3)).prune(0.5))
        .hasMessageContaining("no curvature of \"0_W\"");
  }
}
