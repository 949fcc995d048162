package org.backpack4j.dl4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.privacy.NoiseMultiplier;
import org.backpack4j.samediff.privacy.PrivacyAccountant;
import org.backpack4j.samediff.privacy.PrivacyLedger;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingTrainer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** DP-SGD: updates against clipped sums by hand, noise by its moments, ε by the accountant. */
class PrivacyEngineTest {
  private static final int SAMPLES = 40;

  private static NeuralNetConfiguration.Builder configuration(IUpdater updater) {
    return new NeuralNetConfiguration.Builder()
        .seed(3)
        .dataType(DataType.DOUBLE)
        .updater(updater)
        .activation(Activation.TANH);
  }

  private static DenseLayer.Builder dense() {
    return new DenseLayer.Builder().nIn(4).nOut(5);
  }

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nIn(5)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static MultiLayerNetwork net(IUpdater updater) {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            configuration(updater).list().layer(dense().build()).layer(output()).build());
    net.init();
    return net;
  }

  private static DataSet data() {
    Nd4j.getRandom().setSeed(8);
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, SAMPLES, 3);
    for (int n = 0; n < SAMPLES; n++) {
      labels.putScalar(n, n % 3, 1);
    }
    return new DataSet(Nd4j.randn(DataType.DOUBLE, SAMPLES, 4).muli(2), labels);
  }

  /** Next to no noise, so that the update is that of clipped sums. */
  private static PrivacyEngine.Builder quiet(MultiLayerNetwork net) {
    return PrivacyEngine.on(net)
        .delta(1e-3)
        .clip(0.7)
        .batchSize(12)
        .epochs(100)
        .noiseMultiplier(1e-4)
        .accountant(PrivacyAccountant.rdp())
        .noise(silent());
  }

  /** Numbers for the sampling; the noise of 1e-4 is told from nothing below. */
  private static NoiseSource silent() {
    return NoiseSource.seeded(5);
  }

  // ---- the update ----

  private enum Steps {
    FIT {
      @Override
      void make(MultiLayerNetwork net, DataSet batch) {
        net.fit(batch);
      }
    },
    PLANNED {
      @Override
      void make(MultiLayerNetwork net, DataSet batch) {
        try (PlannedTraining planned = PlannedTraining.of(net)) {
          planned.fit(batch);
        }
      }
    };

    abstract void make(MultiLayerNetwork net, DataSet batch);
  }

  /** Samples' gradients of a batch, by the library's own listener on a copy of the network. */
  private static Map<String, INDArray> rows(MultiLayerNetwork net, DataSet batch) {
    MultiLayerNetwork copy = net.clone();
    BackPackListener listener = new BackPackListener(new BatchGrad());
    copy.setListeners(listener);
    copy.fit(batch);
    return listener.outputs();
  }

  /** Σ wₙ gₙ / expected, the samples with their weights. */
  private static Map<String, INDArray> byHand(
      Map<String, INDArray> rows, double[] present, double bound, double expected, boolean each) {
    Map<String, INDArray> sums = new LinkedHashMap<>();
    Map<String, Map<String, INDArray>> groups = new LinkedHashMap<>();
    rows.forEach(
        (name, array) -> {
          if (name.endsWith(".grad_batch")) {
            String parameter = name.substring(0, name.lastIndexOf('.'));
            groups
                .computeIfAbsent(each ? parameter.substring(0, 1) : "", g -> new LinkedHashMap<>())
                .put(parameter, array);
          }
        });
    double most = each ? bound / Math.sqrt(groups.size()) : bound;
    for (Map<String, INDArray> group : groups.values()) {
      for (int n = 0; n < present.length; n++) {
        double square = 0;
        for (INDArray all : group.values()) {
          double norm = all.slice(n).norm2Number().doubleValue();
          square += norm * norm;
        }
        double weight = present[n] * Math.min(1, most / (Math.sqrt(square) + 1e-6)) / expected;
        for (Map.Entry<String, INDArray> e : group.entrySet()) {
          sums.merge(e.getKey(), e.getValue().slice(n).mul(weight), INDArray::add);
        }
      }
    }
    return sums;
  }

  private static double[] present(DataSet batch) {
    // what fills a batch up is the data's first sample, behind the others
    INDArray features = batch.getFeatures();
    double[] present = new double[(int) features.size(0)];
    INDArray first = data().getFeatures().getRow(0);
    boolean behind = true;
    for (int n = present.length - 1; n >= 0; n--) {
      behind &= features.getRow(n).equals(first) && n > 0;
      present[n] = behind ? 0 : 1;
    }
    return present;
  }

  @ParameterizedTest
  @EnumSource(Steps.class)
  void updatesAreClippedSums(Steps steps) {
    MultiLayerNetwork net = net(new Sgd(0.5));
    try (PrivacyEngine engine = quiet(net).build(data())) {
      net.setListeners(engine.listener());
      DataSetIterator iterator = engine.iterator();
      for (int k = 0; k < 3; k++) {
        DataSet batch = iterator.next();
        Map<String, INDArray> expected = byHand(rows(net, batch), present(batch), 0.7, 12, false);
        Map<String, INDArray> before = copies(net);
        steps.make(net, batch);
        compare(net, before, expected, 0.5, 2e-4);
      }
      assertThat(engine.ledger()).isEqualTo(PrivacyLedger.empty().plus(1e-4, 12.0 / SAMPLES, 3));
    }
  }

  /** A lenient listener in front of the engine's wants a graph of its own. */
  @ParameterizedTest
  @EnumSource(Steps.class)
  void otherListenersMayComeFirst(Steps steps) {
    MultiLayerNetwork net = net(new Sgd(0.5));
    BackPackListener lenient = new BackPackListener(new BatchL2Grad()).lenient();
    try (PrivacyEngine engine = quiet(net).build(data());
        lenient) {
      net.setListeners(lenient, engine.listener());
      DataSet batch = engine.iterator().next();
      Map<String, INDArray> expected = byHand(rows(net, batch), present(batch), 0.7, 12, false);
      Map<String, INDArray> before = copies(net);
      steps.make(net, batch);
      compare(net, before, expected, 0.5, 2e-4);
      assertThat(lenient.get("0_W", BatchL2Grad.class).length())
          .isEqualTo(batch.getFeatures().size(0));
    }
  }

  /** The data are read once. */
  @Test
  void iteratorsNeedNotBeReset() {
    MultiLayerNetwork net = net(new Sgd(0.5));
    try (PrivacyEngine engine =
        quiet(net).build(new ExistingDataSetIterator(data().batchBy(9).iterator()))) {
      assertThat(engine.samplingRate()).isEqualTo(12.0 / SAMPLES);
    }
    assertThatThrownBy(() -> quiet(net).build(new ExistingDataSetIterator(List.<DataSet>of())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("The iterator has no batch");
    DataSet bare = new DataSet(data().getFeatures(), null);
    assertThatThrownBy(() -> quiet(net).build(new ExistingDataSetIterator(List.of(bare))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("without labels");
    DataSet wide = new DataSet(Nd4j.rand(DataType.DOUBLE, SAMPLES, 7), data().getLabels());
    assertThatThrownBy(() -> quiet(net).build(wide))
        .isInstanceOf(PrivacyRefusedException.class)
        .hasMessageContaining("its input has 7 features, and its weights are of 4");
  }

  private static Map<String, INDArray> copies(Model net) {
    Map<String, INDArray> copies = new LinkedHashMap<>();
    net.paramTable().forEach((name, array) -> copies.put(name, array.dup()));
    return copies;
  }

  private static void compare(
      Model net,
      Map<String, INDArray> before,
      Map<String, INDArray> gradients,
      double rate,
      double tolerance) {
    assertThat(gradients.keySet()).isEqualTo(before.keySet());
    before.forEach(
        (name, array) -> {
          INDArray gradient = array.sub(net.paramTable().get(name)).divi(rate);
          INDArray expected = gradients.get(name).reshape(gradient.shape());
          double off = gradient.sub(expected).amaxNumber().doubleValue();
          assertThat(off).as(name).isLessThan(tolerance);
          assertThat(expected.amaxNumber().doubleValue()).isGreaterThan(10 * tolerance);
        });
  }

  @Test
  void eachLayerIsClippedByItself() {
    MultiLayerNetwork net = net(new Sgd(1));
    try (PrivacyEngine engine = quiet(net).perLayer().build(data())) {
      net.setListeners(engine.listener());
      DataSet batch = engine.iterator().next();
      Map<String, INDArray> expected = byHand(rows(net, batch), present(batch), 0.7, 12, true);
      Map<String, INDArray> before = copies(net);
      net.fit(batch);
      compare(net, before, expected, 1, 2e-4);
    }
  }

  /** Every sample in every batch: the sum does not depend on how it is worked through. */
  @ParameterizedTest
  @ValueSource(ints = {7, 16, 39})
  void piecesAreAsOneBatch(int most) {
    List<INDArray> parameters = new ArrayList<>();
    for (int size : new int[] {SAMPLES, most}) {
      MultiLayerNetwork net = net(new Adam(0.01));
      try (PrivacyEngine engine =
          quiet(net).batchSize(SAMPLES).pieces(size).noise(NoiseSource.seeded(1)).build(data())) {
        net.setListeners(engine.listener());
        net.fit(engine.iterator(), 4);
        assertThat(net.getIterationCount()).isEqualTo(4);
        assertThat(engine.ledger().phases().get(0).steps()).isEqualTo(4);
        parameters.add(net.params().dup());
      }
    }
    double off = parameters.get(0).sub(parameters.get(1)).amaxNumber().doubleValue();
    assertThat(off).isLessThan(1e-9);
  }

  /** Of a batch without a sample the update is noise alone. */
  @ParameterizedTest
  @EnumSource(Steps.class)
  void emptyBatchesHaveNoise(Steps steps) {
    MultiLayerNetwork net = net(new Sgd(1));
    try (PrivacyEngine engine =
        PrivacyEngine.on(net)
            .delta(1e-3)
            .clip(2)
            .batchSize(1)
            .epochs(3)
            .noiseMultiplier(0.5)
            .noise(NoiseSource.seeded(4))
            .build(data())) {
      net.setListeners(engine.listener());
      DataSetIterator iterator = engine.iterator();
      int empty = 0;
      while (iterator.hasNext()) {
        DataSet batch = iterator.next();
        INDArray before = net.params().dup();
        steps.make(net, batch);
        if (present(batch)[0] == 1 && isFirst(batch)) {
          empty++;
          double square = Math.pow(before.sub(net.params()).norm2Number().doubleValue(), 2);
          double mean = square / net.numParams(); // σ R / L = 1
          assertThat(mean).isBetween(0.4, 2.0);
        }
      }
      assertThat(empty).isBetween(5, 30);
      assertThat(engine.stepsPerEpoch()).isEqualTo(SAMPLES);
    }
  }

  private static boolean isFirst(DataSet batch) {
    return batch.getFeatures().getRow(0).equals(data().getFeatures().getRow(0));
  }

  // ---- noise ----

  @Test
  void noiseIsNormal() {
    for (NoiseSource source : List.of(NoiseSource.seeded(2), NoiseSource.seeded(9))) {
      double[] numbers = source.normals(200_000, 3);
      double[] moments = new double[5];
      for (double x : numbers) {
        for (int p = 1; p < 5; p++) {
          moments[p] += Math.pow(x / 3, p) / numbers.length;
        }
      }
      assertThat(moments[1]).isCloseTo(0, within(0.01));
      assertThat(moments[2]).isCloseTo(1, within(0.015));
      assertThat(moments[3]).isCloseTo(0, within(0.04));
      assertThat(moments[4]).isCloseTo(3, within(0.1));
    }
  }

  /** The secure source is the same code on other bits; that they are bits is seen here. */
  @Test
  void secureNumbersAreSpreadAndNeverTheSame() {
    double[] first = NoiseSource.secure().normals(20_000, 1);
    double[] second = NoiseSource.secure().normals(20_000, 1);
    double square = 0;
    double both = 0;
    for (int k = 0; k < first.length; k++) {
      square += first[k] * first[k] / first.length;
      both += first[k] * second[k] / first.length;
    }
    assertThat(square).isCloseTo(1, within(0.1)); // ten standard deviations
    assertThat(both).isCloseTo(0, within(0.08));
    assertThat(first).doesNotContain(second[0]);
  }

  /** The noise of parameters: mean 0, σ R / L, and none alike. */
  @Test
  void noiseOfStepsIsOfTheBoundAndTheExpectedBatch() {
    MultiLayerNetwork net = net(new Sgd(1));
    try (PrivacyEngine engine =
        PrivacyEngine.on(net)
            .delta(1e-3)
            .clip(1e-7) // the gradient is nothing beside the noise
            .batchSize(10)
            .epochs(100)
            .noiseMultiplier(3)
            .noise(NoiseSource.seeded(6))
            .build(data())) {
      net.setListeners(engine.listener());
      double square = 0;
      double sum = 0;
      long count = 0;
      DataSetIterator iterator = engine.iterator();
      for (int epoch = 0; epoch < 30; epoch++) {
        iterator.reset();
        while (iterator.hasNext()) {
          INDArray before = net.params().dup();
          net.fit(iterator.next());
          INDArray moved = before.subi(net.params());
          square += Math.pow(moved.norm2Number().doubleValue(), 2);
          sum += moved.sumNumber().doubleValue();
          count += moved.length();
        }
      }
      double deviation = 3 * 1e-7 / 10;
      assertThat(Math.sqrt(square / count) / deviation).isCloseTo(1, within(0.05));
      assertThat(sum / count / deviation).isCloseTo(0, within(0.06));
    }
  }

  // ---- accounting ----

  @Test
  void epsilonIsTheAccountants() {
    MultiLayerNetwork net = net(new Adam(0.01));
    try (PrivacyEngine engine =
        PrivacyEngine.on(net).epsilon(3).delta(1e-3).epochs(4).clip(1).batchSize(8).build(data())) {
      double sigma = NoiseMultiplier.forTarget(3, 1e-3, 0.2, 20, PrivacyAccountant.prv());
      assertThat(engine.noiseMultiplier()).isEqualTo(sigma);
      assertThat(engine.epsilon()).isZero();
      net.setListeners(engine.listener());
      net.fit(engine.iterator(), 2);
      PrivacyLedger half = PrivacyLedger.empty().plus(sigma, 0.2, 10);
      assertThat(engine.ledger()).isEqualTo(half);
      assertThat(engine.epsilon())
          .isEqualTo(PrivacyAccountant.prv().epsilon(half, 1e-3).upper())
          .isLessThan(3);
      net.fit(engine.iterator(), 2);
      assertThat(engine.epsilon()).isBetween(2.99, 3.0);
      assertThat(engine.termination().terminate(1)).isTrue();
      INDArray before = net.params().dup();
      assertThatThrownBy(() -> net.fit(engine.iterator()))
          .isInstanceOf(PrivacyBudgetException.class)
          .hasMessageContaining("2.99")
          .hasMessageContaining("budget of 3.0");
      assertThat(net.params()).isEqualTo(before);
    }
  }

  @Test
  void goesOnWithWhatWasSaved(@TempDir Path folder) throws Exception {
    MultiLayerNetwork net = net(new Adam(0.01));
    Path file = folder.resolve("net.zip");
    try (PrivacyEngine engine =
        PrivacyEngine.on(net).epsilon(3).delta(1e-3).epochs(4).clip(1).batchSize(8).build(data())) {
      net.setListeners(engine.listener());
      net.fit(engine.iterator(), 2);
      engine.save(file);
      engine.save(file); // again, over it
    }
    MultiLayerNetwork restored = ModelSerializer.restoreMultiLayerNetwork(file.toFile(), true);
    PrivacyLedger ledger = PrivacyEngine.ledgerOf(file);
    assertThat(restored.params()).isEqualTo(net.params());
    try (PrivacyEngine engine =
        PrivacyEngine.on(restored)
            .epsilon(3)
            .delta(1e-3)
            .epochs(10)
            .clip(1)
            .batchSize(8)
            .resume(ledger)
            .build(data())) {
      assertThat(engine.stepsLeft()).isEqualTo(10);
      restored.setListeners(engine.listener());
      restored.fit(engine.iterator(), 2);
      assertThat(engine.ledger().phases()).hasSize(1);
      assertThat(engine.epsilon()).isBetween(2.99, 3.0);
    }
    ModelSerializer.writeModel(net, file.toFile(), true);
    assertThatThrownBy(() -> PrivacyEngine.ledgerOf(file)).hasMessageContaining("has no ledger");
  }

  // ---- adaptive and automatic clipping ----

  @Test
  void anAdaptiveBoundFollowsTheQuantile() {
    MultiLayerNetwork net = net(new Sgd(1e-9));
    try (PrivacyEngine engine =
        PrivacyEngine.on(net)
            .delta(1e-3)
            .clip(50)
            .adaptive(0.5)
            .batchSize(SAMPLES)
            .epochs(200)
            .noiseMultiplier(0.3)
            .accountant(PrivacyAccountant.rdp())
            .noise(NoiseSource.seeded(3))
            .build(data())) {
      List<Double> norms = new ArrayList<>();
      DataSet all = data();
      Map<String, INDArray> rows = rows(net, all);
      for (int n = 0; n < SAMPLES; n++) {
        double square = 0;
        for (Map.Entry<String, INDArray> e : rows.entrySet()) {
          square +=
              e.getKey().endsWith(".grad_batch")
                  ? Math.pow(e.getValue().slice(n).norm2Number().doubleValue(), 2)
                  : 0;
        }
        norms.add(Math.sqrt(square));
      }
      norms.sort(null);
      net.setListeners(engine.listener());
      net.fit(engine.iterator(), 120);
      assertThat(engine.bound()).isBetween(norms.get(13), norms.get(26));
    }
  }

  /** The count's noise and the gradient's together are the step's. */
  @Test
  void anAdaptiveBoundCostsNoise() {
    Clipping adaptive = new Clipping(Clipping.Kind.ADAPTIVE, 1, 0.01, 0.5);
    double gradient = adaptive.gradientMultiplier(1.1, 100);
    double count = 2 * Clipping.countDeviation(1.1, 100);
    assertThat(Math.pow(gradient, -2) + Math.pow(count, -2))
        .isCloseTo(Math.pow(1.1, -2), within(1e-12));
    assertThat(new Clipping(Clipping.Kind.FLAT, 1, 0.01, 0.5).gradientMultiplier(1.1, 100))
        .isEqualTo(1.1);
  }

  @Test
  void automaticClippingHasTheSensitivityOne() {
    MultiLayerNetwork net = net(new Sgd(1));
    try (PrivacyEngine engine =
        PrivacyEngine.on(net)
            .delta(1e-3)
            .automatic(0.01)
            .batchSize(SAMPLES)
            .noiseMultiplier(1e-4)
            .accountant(PrivacyAccountant.rdp())
            .noise(silent())
            .build(data())) {
      Map<String, INDArray> rows = rows(net, data());
      net.setListeners(engine.listener());
      Map<String, INDArray> before = copies(net);
      net.fit(engine.iterator());
      Map<String, INDArray> expected = new LinkedHashMap<>();
      for (int n = 0; n < SAMPLES; n++) {
        double square = 0;
        for (String name : before.keySet()) {
          square +=
              Math.pow(rows.get(name + ".grad_batch").slice(n).norm2Number().doubleValue(), 2);
        }
        for (String name : before.keySet()) {
          INDArray part =
              rows.get(name + ".grad_batch").slice(n).mul(1 / (Math.sqrt(square) + 0.01) / SAMPLES);
          expected.merge(name, part, INDArray::add);
        }
      }
      compare(net, before, expected, 1, 1e-4);
    }
  }

  // ---- networks ----

  @Test
  void ofAGraphWithAConvolutionAndDropoutAndL2() {
    ComputationGraph graph =
        new ComputationGraph(
            configuration(new Adam(0.01))
                .l2(0.01)
                .graphBuilder()
                .addInputs("in")
                .addLayer("conv", new ConvolutionLayer.Builder(2, 2).nIn(1).nOut(3).build(), "in")
                .addLayer(
                    "dense",
                    new DenseLayer.Builder().nOut(5).dropOut(new Dropout(0.6)).build(),
                    "conv")
                .addLayer("out", output(), "dense")
                .setOutputs("out")
                .setInputTypes(InputType.convolutional(4, 4, 1))
                .build());
    graph.init();
    Nd4j.getRandom().setSeed(1);
    DataSet images = new DataSet(Nd4j.randn(DataType.DOUBLE, SAMPLES, 1, 4, 4), data().getLabels());
    try (PrivacyEngine engine =
            PrivacyEngine.on(graph)
                .epsilon(8)
                .delta(1e-3)
                .epochs(3)
                .clip(1)
                .batchSize(10)
                .build(images);
        PlannedTraining planned = PlannedTraining.of(graph)) {
      graph.setListeners(engine.listener());
      graph.fit(engine.iterator());
      planned.fit(engine.iterator());
      graph.fit(engine.multiIterator());
      assertThat(graph.getIterationCount()).isEqualTo(12);
      assertThat(engine.epsilon()).isBetween(7.9, 8.0);
      assertThat(graph.params().isNaN().any()).isFalse();
    }
  }

  /** A frozen layer's parameters stay, and take no part of the norm. */
  @Test
  void frozenLayersStay() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            configuration(new Sgd(1))
                .list()
                .layer(new FrozenLayer(dense().build()))
                .layer(new FrozenLayer(new BatchNormalization.Builder().nIn(5).nOut(5).build()))
                .layer(output())
                .build());
    net.init();
    try (PrivacyEngine engine = quiet(net).build(data())) {
      net.setListeners(engine.listener());
      Map<String, INDArray> before = copies(net);
      net.fit(engine.iterator());
      net.paramTable()
          .forEach(
              (name, array) ->
                  assertThat(array.equals(before.get(name)))
                      .as(name)
                      .isEqualTo(!name.startsWith("2")));
    }
  }

  /** Series with masks, in single precision; samples that fill up have masks of their own. */
  @ParameterizedTest
  @EnumSource(Steps.class)
  void ofSeriesWithMasks(Steps steps) {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            configuration(new Sgd(1))
                .dataType(DataType.FLOAT)
                .list()
                .layer(new LSTM.Builder().nIn(4).nOut(5).build())
                .layer(
                    new RnnOutputLayer.Builder(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .nIn(5)
                        .nOut(3)
                        .build())
                .build());
    net.init();
    Nd4j.getRandom().setSeed(2);
    INDArray labels = Nd4j.zeros(DataType.FLOAT, SAMPLES, 3, 6);
    INDArray mask = Nd4j.zeros(DataType.FLOAT, SAMPLES, 6);
    for (int n = 0; n < SAMPLES; n++) {
      for (int t = 0; t <= n % 6; t++) {
        labels.putScalar(n, (n + t) % 3, t, 1);
        mask.putScalar(n, t, 1);
      }
    }
    DataSet series =
        new DataSet(Nd4j.randn(DataType.FLOAT, SAMPLES, 4, 6), labels, mask, mask.dup());
    try (PrivacyEngine engine = quiet(net).build(series)) {
      net.setListeners(engine.listener());
      DataSet batch = engine.iterator().next();
      double[] present = new double[(int) batch.getFeatures().size(0)];
      boolean behind = true;
      for (int n = present.length - 1; n >= 0; n--) {
        behind &= batch.getFeatures().slice(n).equals(series.getFeatures().slice(0)) && n > 0;
        present[n] = behind ? 0 : 1;
      }
      assertThat(present).contains(0).contains(1);
      Map<String, INDArray> expected = byHand(rows(net, batch), present, 0.7, 12, false);
      Map<String, INDArray> before = copies(net);
      steps.make(net, batch);
      compare(net, before, expected, 1, 2e-4);
    }
  }

  /** DL4J's early stopping ends with the budget, not with an exception. */
  @Test
  void earlyStoppingEndsWithTheBudget() {
    MultiLayerNetwork net = net(new Adam(0.01));
    try (PrivacyEngine engine =
        PrivacyEngine.on(net).epsilon(3).delta(1e-3).epochs(3).clip(1).batchSize(8).build(data())) {
      net.setListeners(engine.listener());
      EarlyStoppingConfiguration<MultiLayerNetwork> configuration =
          new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
              .scoreCalculator(
                  new DataSetLossCalculator(new ListDataSetIterator<>(data().asList(), 20), true))
              .iterationTerminationConditions(engine.termination())
              .epochTerminationConditions(new MaxEpochsTerminationCondition(100))
              .build();
      new EarlyStoppingTrainer(configuration, net, engine.iterator()).fit();
      assertThat(net.getIterationCount()).isEqualTo(15);
      assertThat(engine.stepsLeft()).isZero();
    }
  }

  // ---- refusals ----

  /** Centers move with each batch, by no gradient of the loss, and without noise. */
  @Test
  void refusesWhatIsMovedByNoGradient() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            configuration(new Sgd(1))
                .list()
                .layer(dense().build())
                .layer(
                    new CenterLossOutputLayer.Builder(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .lambda(0.1)
                        .alpha(0.2)
                        .nIn(5)
                        .nOut(3)
                        .build())
                .build());
    net.init();
    INDArray before = net.params().dup();
    assertThatThrownBy(
            () -> {
              try (PrivacyEngine engine = quiet(net).build(data())) {
                net.setListeners(engine.listener());
                net.fit(engine.iterator());
              }
            })
        .satisfies(e -> assertThat(e.getMessage()).contains("1_cL"));
    assertThat(net.params()).isEqualTo(before);
  }

  @Test
  void refusesPretraining() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            configuration(new Sgd(1))
                .list()
                .layer(new AutoEncoder.Builder().nIn(4).nOut(5).build())
                .layer(output())
                .build());
    net.init();
    try (PrivacyEngine engine = quiet(net).build(data())) {
      net.setListeners(engine.listener());
      INDArray before = net.params().dup();
      DataSetIterator batches = new ListDataSetIterator<>(data().asList(), 10);
      assertThatThrownBy(() -> net.pretrain(batches)).hasMessageContaining("pretrained");
      assertThat(net.params()).isEqualTo(before);
    }
  }

  private static void refused(MultiLayerNetwork net, DataSet data, String... words) {
    net.init();
    INDArray before = net.params().dup();
    assertThatThrownBy(() -> quiet(net).build(data))
        .isInstanceOf(PrivacyRefusedException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(words));
    assertThat(net.params()).isEqualTo(before);
  }

  @Test
  void refusesBatchNormalisation() {
    refused(
        new MultiLayerNetwork(
            configuration(new Sgd(1))
                .list()
                .layer(dense().build())
                .layer(new BatchNormalization.Builder().nIn(5).nOut(5).build())
                .layer(output())
                .build()),
        data(),
        "layer \"1\" (BatchNormalization)",
        "samples influence each other",
        "freeze the layer",
        "hasLayerNorm");
  }

  @Test
  void refusesGradientNormalisation() {
    refused(
        new MultiLayerNetwork(
            configuration(new Sgd(1))
                .gradientNormalization(GradientNormalization.ClipL2PerLayer)
                .list()
                .layer(dense().build())
                .layer(output())
                .build()),
        data(),
        "layer \"0\"",
        "layer \"1\"",
        "ClipL2PerLayer",
        "GradientNormalization.None");
  }

  @Test
  void refusesTruncatedBackpropagation() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            configuration(new Sgd(1))
                .list()
                .layer(new LSTM.Builder().nIn(4).nOut(5).build())
                .layer(
                    new RnnOutputLayer.Builder(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .nIn(5)
                        .nOut(3)
                        .build())
                .backpropType(BackpropType.TruncatedBPTT)
                .tBPTTLength(2)
                .build());
    DataSet series =
        new DataSet(
            Nd4j.rand(DataType.DOUBLE, SAMPLES, 4, 6), Nd4j.ones(DataType.DOUBLE, SAMPLES, 3, 6));
    refused(net, series, "truncated", "BackpropType.Standard");
  }

  @Test
  void refusesPiecesWithDropout() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            configuration(new Sgd(1))
                .list()
                .layer(dense().dropOut(0.5).build())
                .layer(output())
                .build());
    net.init();
    assertThatThrownBy(() -> quiet(net).pieces(5).build(data()))
        .isInstanceOf(PrivacyRefusedException.class)
        .hasMessageContaining("dropout");
  }

  @ParameterizedTest
  @EnumSource(Steps.class)
  void refusesOtherBatches(Steps steps) {
    MultiLayerNetwork net = net(new Sgd(1));
    try (PrivacyEngine engine = quiet(net).build(data())) {
      net.setListeners(engine.listener());
      INDArray before = net.params().dup();
      assertThatThrownBy(() -> steps.make(net, data()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("engine's iterator()");
      assertThat(net.params()).isEqualTo(before);
      DataSetIterator iterator = engine.iterator();
      DataSet batch = iterator.next();
      steps.make(net, batch);
      INDArray once = net.params().dup();
      assertThatThrownBy(() -> steps.make(net, batch)).hasMessageContaining("a second time");
      assertThat(net.params()).isEqualTo(once);
      assertThat(engine.ledger().phases().get(0).steps()).isEqualTo(1);
      steps.make(net, iterator.next());
    }
  }

  @Test
  void refusesWhoReadsAhead() {
    MultiLayerNetwork net = net(new Sgd(1));
    try (PrivacyEngine engine = quiet(net).build(data())) {
      net.addListeners(engine.listener());
      DataSetIterator iterator = engine.iterator();
      iterator.next();
      assertThatThrownBy(iterator::next)
          .hasMessageContaining("add the engine's listener()")
          .hasMessageContaining("AsyncDataSetIterator");
    }
  }

  /** Not even one step is made without noise. */
  @Test
  void refusesANetworkWithoutItsListener() {
    MultiLayerNetwork net = net(new Sgd(1));
    INDArray before = net.params().dup();
    try (PrivacyEngine engine = quiet(net).build(data())) {
      assertThatThrownBy(() -> net.fit(engine.iterator(), 1))
          .hasMessageContaining("does not have the engine's listener");
      net.setListeners(new ScoreIterationListener());
      assertThatThrownBy(() -> net.fit(engine.iterator(), 1))
          .hasMessageContaining("does not have the engine's listener");
      assertThat(net.params()).isEqualTo(before);
    }
  }

  @Test
  void refusesCurvatureOfTheBatch() {
    MultiLayerNetwork net = net(new Sgd(1));
    INDArray before = net.params().dup();
    try (PrivacyEngine engine = quiet(net).build(data())) {
      net.setListeners(engine.listener(), Kfac.preconditioner());
      assertThatThrownBy(() -> net.fit(engine.iterator(), 1)).hasMessageContaining("Kfac");
      assertThat(net.params()).isEqualTo(before);
    }
  }

  @Test
  void refusesAnotherNetwork() {
    MultiLayerNetwork net = net(new Sgd(1));
    try (PrivacyEngine engine = quiet(net).build(data())) {
      net.setListeners(engine.listener());
      MultiLayerNetwork other = net.clone();
      other.setListeners(engine.listener());
      DataSet batch = engine.iterator().next();
      assertThatThrownBy(() -> other.fit(batch)).hasMessageContaining("another network");
    }
  }

  @Test
  void choicesAreChecked() {
    MultiLayerNetwork net = net(new Sgd(1));
    assertThatThrownBy(() -> PrivacyEngine.on(net).delta(1e-3).epsilon(1).clip(1).build(data()))
        .hasMessageContaining("batchSize(…) was not chosen");
    assertThatThrownBy(() -> PrivacyEngine.on(net).epsilon(1).clip(1).batchSize(5).build(data()))
        .hasMessageContaining("delta(…) was not chosen");
    assertThatThrownBy(() -> PrivacyEngine.on(net).delta(1e-3).clip(1).batchSize(5).build(data()))
        .hasMessageContaining("epsilon(…) was not chosen");
    assertThatThrownBy(
            () -> PrivacyEngine.on(net).delta(1e-3).epsilon(1).batchSize(5).build(data()))
        .hasMessageContaining("clip(…) was not chosen");
    assertThatThrownBy(() -> quiet(net).batchSize(41).build(data()))
        .hasMessageContaining("batchSize is 41, expected at most the number of samples, 40");
    assertThatThrownBy(() -> quiet(net).epsilon(1).build(data())).hasMessageContaining("no step");
    assertThatThrownBy(() -> PrivacyEngine.on(net).clip(-1)).hasMessageContaining("clip is -1.0");
    assertThatThrownBy(() -> PrivacyEngine.on(net).delta(1)).hasMessageContaining("delta is 1.0");
    assertThatThrownBy(() -> PrivacyEngine.on(net).adaptive(1)).hasMessageContaining("a share");
  }

  /** What else listens sees the noisy gradient, if it comes behind. */
  @Test
  void theGradientHasNoiseBehindTheListener() {
    MultiLayerNetwork net = net(new Sgd(1));
    try (PrivacyEngine engine =
        PrivacyEngine.on(net)
            .delta(1e-3)
            .clip(1)
            .batchSize(10)
            .noiseMultiplier(100)
            .noise(NoiseSource.seeded(1))
            .build(data())) {
      List<Double> seen = new ArrayList<>();
      net.setListeners(
          engine.listener(),
          new BaseTrainingListener() {
            @Override
            public void onGradientCalculation(Model model) {
              seen.add(
                  ((MultiLayerNetwork) model).getGradientsViewArray().norm2Number().doubleValue());
            }
          });
      net.fit(engine.iterator().next());
      assertThat(seen.get(0)).isGreaterThan(100);
    }
  }
}
