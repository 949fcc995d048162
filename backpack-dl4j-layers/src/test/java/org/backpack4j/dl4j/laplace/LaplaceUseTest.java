package org.backpack4j.dl4j.laplace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.backpack4j.samediff.dataset.BatchException;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Tuning, updates, files, kinds of models, and hard inputs. */
class LaplaceUseTest {
  private static final DataSet DATA = LaplaceCases.classes(1, 23, 4);
  private static final INDArray X = LaplaceCases.random(9, 6, 4);

  private static MultiLayerNetwork net() {
    return LaplaceCases.trained(LaplaceCases.classifier(), DATA, 30);
  }

  private static Laplace with(Laplace laplace, Form form) {
    return switch (form) {
      case DIAGONAL -> laplace.diagonal();
      case KRON -> laplace.kron();
      case EKFAC -> laplace.ekfac();
      case FULL -> laplace.full();
    };
  }

  private static double slope(Laplace laplace, String name) {
    Map<String, Double> now = laplace.priorPrecisions();
    double h = 1e-4;
    double[] values = new double[2];
    for (int side = 0; side < 2; side++) {
      double factor = Math.exp(side == 0 ? -h : h);
      for (String p : now.keySet()) {
        boolean moves = name.isEmpty() || p.startsWith(name);
        laplace.priorPrecision(Map.of(p, now.get(p) * (moves ? factor : 1)));
      }
      values[side] = laplace.logMarginalLikelihood();
    }
    laplace.priorPrecision(now);
    return (values[1] - values[0]) / (2 * h);
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void tunedPrecisionsAreStationary(Form form) {
    try (Laplace laplace = with(Laplace.of(net()), form).fit(LaplaceCases.batches(DATA, 7))) {
      double before = laplace.logMarginalLikelihood();
      laplace.tunePrior();
      assertThat(laplace.logMarginalLikelihood()).isGreaterThan(before);
      assertThat(slope(laplace, "")).isCloseTo(0, within(1e-6));
    }
    try (Laplace laplace =
        with(Laplace.of(net()), form).priorPerLayer().fit(LaplaceCases.batches(DATA, 7))) {
      laplace.tunePrior();
      assertThat(slope(laplace, "0_")).isCloseTo(0, within(1e-6));
      assertThat(slope(laplace, "1_")).isCloseTo(0, within(1e-6));
      assertThat(laplace.priorPrecisions().get("0_W"))
          .isEqualTo(laplace.priorPrecisions().get("0_b"))
          .isNotEqualTo(laplace.priorPrecisions().get("1_W"));
    }
  }

  @Test
  void tunedNoiseIsStationary() {
    DataSet data = LaplaceCases.numbers(1, 31);
    MultiLayerNetwork net = LaplaceCases.trained(LaplaceCases.regression(), data, 60);
    try (Laplace laplace = Laplace.of(net).full().fit(LaplaceCases.batches(data, 8)).tunePrior()) {
      assertThat(slope(laplace, "")).isCloseTo(0, within(1e-6));
      double noise = laplace.noise().orElseThrow();
      double low = laplace.noise(noise * Math.exp(-1e-4)).logMarginalLikelihood();
      double high = laplace.noise(noise * Math.exp(1e-4)).logMarginalLikelihood();
      assertThat((high - low) / 2e-4).isCloseTo(0, within(1e-6));
      laplace.noise(0.25).tunePrior(); // given by a person, it stays
      assertThat(laplace.noise().orElseThrow()).isEqualTo(0.25);
    }
  }

  @Test
  void validationChoosesThePrecisionOfTheLeastLoss() {
    DataSet validation = LaplaceCases.classes(5, 40, 4);
    try (Laplace laplace = Laplace.of(net()).fit(LaplaceCases.batches(DATA, 7))) {
      laplace.tunePrior(LaplaceCases.batches(validation, 9));
      double least = loss(laplace, validation);
      for (double other : new double[] {1e-4, 1e-2, 0.1, 1, 10, 100, 1e4}) {
        laplace.priorPrecision(other);
        assertThat(loss(laplace, validation)).isGreaterThanOrEqualTo(least);
      }
    }
    DataSet numbers = LaplaceCases.numbers(1, 31);
    MultiLayerNetwork net = LaplaceCases.trained(LaplaceCases.regression(), numbers, 60);
    try (Laplace laplace = Laplace.of(net).lastLayer().fit(LaplaceCases.batches(numbers, 7))) {
      DataSet other = LaplaceCases.numbers(4, 20);
      laplace.tunePrior(LaplaceCases.batches(other, 9));
      double least = normal(laplace, other);
      for (double precision : new double[] {1e-4, 1e-2, 0.1, 1, 10, 100, 1e4}) {
        laplace.priorPrecision(precision);
        assertThat(normal(laplace, other)).isGreaterThanOrEqualTo(least);
      }
    }
  }

  private static double loss(Laplace laplace, DataSet data) {
    INDArray p = laplace.predict(data.getFeatures()).probabilities();
    return -Transforms.log(p, true).mul(data.getLabels()).sumNumber().doubleValue();
  }

  private static double normal(Laplace laplace, DataSet data) {
    Prediction prediction = laplace.predict(data.getFeatures());
    INDArray v = prediction.variances().add(prediction.noise().orElseThrow());
    INDArray off = data.getLabels().sub(prediction.means());
    return off.mul(off).div(v).add(Transforms.log(v, true)).sumNumber().doubleValue();
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void updatesAreAFitOfAll(Form form) {
    MultiLayerNetwork net = net();
    DataSet a = new DataSet(rows(DATA.getFeatures(), 0, 9), rows(DATA.getLabels(), 0, 9));
    DataSet b = new DataSet(rows(DATA.getFeatures(), 9, 23), rows(DATA.getLabels(), 9, 23));
    try (Laplace all = with(Laplace.of(net), form).fit(LaplaceCases.batches(DATA, 7));
        Laplace parts = with(Laplace.of(net), form).fit(LaplaceCases.batches(a, 4))) {
      parts.update(LaplaceCases.batches(b, 5));
      if (form == Form.EKFAC) { // in the eigenvectors of the first data, but the same trace
        assertThat(parts.curvature().trace()).isCloseTo(all.curvature().trace(), within(1e-9));
        return;
      }
      assertThat(
              LaplaceCases.difference(
                  LaplaceCases.dense(parts.curvature()), LaplaceCases.dense(all.curvature())))
          .isLessThan(1e-10);
      assertThat(parts.logMarginalLikelihood())
          .isCloseTo(all.logMarginalLikelihood(), within(1e-9));
      assertThat(parts.gradientNorm()).isCloseTo(all.gradientNorm(), within(1e-9));
    }
  }

  private static INDArray rows(INDArray array, int from, int to) {
    return array
        .get(
            org.nd4j.linalg.indexing.NDArrayIndex.interval(from, to),
            org.nd4j.linalg.indexing.NDArrayIndex.all())
        .dup();
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void filesHaveTheSameBits(Form form, @TempDir Path directory) throws IOException {
    MultiLayerNetwork net = net();
    Path model = directory.resolve("model.zip");
    Path file = directory.resolve("model.laplace");
    ModelSerializer.writeModel(net, model.toFile(), false);
    try (Laplace laplace =
        with(Laplace.of(net), form).priorPerLayer().fit(LaplaceCases.batches(DATA, 7))) {
      laplace.tunePrior().sampledLogits(20, 4).save(file);
      MultiLayerNetwork restored = ModelSerializer.restoreMultiLayerNetwork(model.toFile());
      try (Laplace again = Laplace.load(file, restored)) {
        Prediction first = laplace.predict(X);
        Prediction second = again.predict(X);
        assertThat(second.probabilities()).isEqualTo(first.probabilities());
        assertThat(second.variances()).isEqualTo(first.variances());
        assertThat(again.logMarginalLikelihood()).isEqualTo(laplace.logMarginalLikelihood());
        assertThat(again.priorPrecisions()).isEqualTo(laplace.priorPrecisions());
        assertThat(again.sample(2, 5)).isEqualTo(laplace.sample(2, 5));
        laplace.update(LaplaceCases.batches(DATA, 5));
        again.update(LaplaceCases.batches(DATA, 5));
        assertThat(again.predict(X).variances()).isEqualTo(laplace.predict(X).variances());
      }
      restored.params().putScalar(3, 0.5);
      assertThatThrownBy(() -> Laplace.load(file, restored))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("other parameters");
      Files.write(file, new byte[] {1, 2, 3});
      assertThatThrownBy(() -> Laplace.load(file, net))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("no saved Laplace approximation");
    }
  }

  @Test
  void drawsHaveThePosteriorsMeanAndCovariance() {
    MultiLayerNetwork net = net();
    try (Laplace laplace = Laplace.of(net).lastLayer().fit(LaplaceCases.batches(DATA, 7))) {
      Map<String, INDArray> draws = laplace.sample(20_000, 7);
      INDArray w = draws.get("1_W");
      assertThat(w.shape()).containsExactly(20_000, 5, 3);
      assertThat(w.mean(0).sub(net.getParam("1_W")).amaxNumber().doubleValue()).isLessThan(0.05);
      INDArray expected = laplace.curvature().block("1_W").damped(1).inverseDiagonal();
      assertThat(w.reshape('c', 20_000, 15).var(0).sub(expected).amaxNumber().doubleValue())
          .isLessThan(0.05);
      assertThat(laplace.sample(3, 1)).isEqualTo(laplace.sample(3, 1));
    }
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void kindsOfModelsAgree(Form form) {
    MultiLayerNetwork net = net();
    ComputationGraph graph = net.toComputationGraph();
    SameDiff sd = graph(net, LossReduce.SUM);
    SameDiff mean = graph(net, LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT);
    try (Laplace first = with(Laplace.of(net), form).fit(LaplaceCases.batches(DATA, 7));
        Laplace second = with(Laplace.of(graph), form).fit(LaplaceCases.batches(DATA, 7));
        Laplace third = with(Laplace.of(sd), form).fit(LaplaceCases.batches(DATA, 7));
        Laplace fourth = with(Laplace.of(mean), form).fit(LaplaceCases.batches(DATA, 5))) {
      for (Laplace other : List.of(second, third, fourth)) {
        assertThat(other.logMarginalLikelihood())
            .isCloseTo(first.logMarginalLikelihood(), within(1e-8));
        assertThat(
                LaplaceCases.difference(other.predict(X).variances(), first.predict(X).variances()))
            .isLessThan(1e-8);
        assertThat(other.gradientNorm()).isCloseTo(first.gradientNorm(), within(1e-8));
        assertThat(
                LaplaceCases.difference(
                    other.predict(X).probabilities(), first.predict(X).probabilities()))
            .isLessThan(1e-8);
      }
    }
  }

  /** The network as a graph; a mean loss is over classes or rows. */
  private static SameDiff graph(MultiLayerNetwork net, LossReduce reduce) {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", net.getParam("0_W").dup());
    SDVariable b = sd.var("b", net.getParam("0_b").dup().reshape(5));
    SDVariable v = sd.var("v", net.getParam("1_W").dup());
    SDVariable c = sd.var("c", net.getParam("1_b").dup().reshape(3));
    SDVariable z = sd.math().tanh(x.mmul(w).add(b)).mmul(v).add(c);
    sd.loss().softmaxCrossEntropy("loss", y, z, null, reduce, 0);
    sd.setLossVariables("loss");
    sd.setTrainingConfig(
        TrainingConfig.builder()
            .updater(new Sgd(0.1))
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("y")
            .build());
    return sd;
  }

  @Test
  void squaredErrorsAreHalvedWhateverTheLossDividesBy() {
    DataSet data = LaplaceCases.numbers(1, 12);
    INDArray w = LaplaceCases.random(3, 4, 2);
    INDArray phi = data.getFeatures();
    INDArray expected = phi.transpose().mmul(phi);
    for (LossReduce reduce : List.of(LossReduce.SUM, LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT)) {
      SameDiff sd = SameDiff.create();
      SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
      SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 2);
      sd.loss().meanSquaredError("loss", y, x.mmul(sd.var("w", w.dup())), null, reduce);
      sd.setLossVariables("loss");
      sd.setTrainingConfig(
          TrainingConfig.builder()
              .updater(new Sgd(0.1))
              .dataSetFeatureMapping("x")
              .dataSetLabelMapping("y")
              .build());
      try (Laplace laplace = Laplace.of(sd).full().fit(LaplaceCases.batches(data, 5))) {
        INDArray h = LaplaceCases.dense(laplace.curvature());
        for (int i = 0; i < 4; i++) {
          for (int k = 0; k < 4; k++) {
            assertThat(h.getDouble(2 * i, 2 * k)).isCloseTo(expected.getDouble(i, k), within(1e-9));
            assertThat(h.getDouble(2 * i, 2 * k + 1)).isCloseTo(0, within(1e-9));
          }
        }
        double squares =
            Transforms.pow(data.getLabels().sub(phi.mmul(w)), 2, true).sumNumber().doubleValue();
        assertThat(laplace.noise().orElseThrow()).isCloseTo(squares / 24, within(1e-9));
      }
    }
  }

  @Test
  void oneOfSeveralOutputsIsChosen() {
    ComputationGraph net = twoOutputs();
    DataSet numbers = LaplaceCases.numbers(1, 23);
    org.nd4j.linalg.dataset.MultiDataSet all =
        new org.nd4j.linalg.dataset.MultiDataSet(
            new INDArray[] {DATA.getFeatures()},
            new INDArray[] {DATA.getLabels(), numbers.getLabels()});
    org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator iterator =
        new org.deeplearning4j.datasets.iterator.IteratorMultiDataSetIterator(
            Collections.<org.nd4j.linalg.dataset.api.MultiDataSet>singletonList(all).iterator(),
            23) {
          private boolean read;

          @Override
          public boolean hasNext() {
            return !read;
          }

          @Override
          public org.nd4j.linalg.dataset.MultiDataSet next() {
            read = true;
            return all;
          }

          @Override
          public void reset() {
            read = false;
          }

          @Override
          public boolean resetSupported() {
            return true;
          }
        };
    assertThatThrownBy(() -> Laplace.of(net).fit(iterator))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[classes, numbers]: choose one by output(…)");
    assertThatThrownBy(() -> Laplace.of(net).output("other").fit(iterator))
        .hasMessageContaining("no output \"other\"");
    try (Laplace laplace = Laplace.of(net).output("numbers").lastLayer().fit(iterator)) {
      assertThat(laplace.curvature().layout().names()).containsExactly("numbers_W", "numbers_b");
      assertThat(laplace.predict(X).means().sub(net.output(X)[1]).amaxNumber().doubleValue())
          .isLessThan(1e-9);
      assertThat(laplace.noise()).isPresent();
    }
  }

  private static ComputationGraph twoOutputs() {
    ComputationGraph net =
        new ComputationGraph(
            LaplaceCases.builder()
                .graphBuilder()
                .addInputs("in")
                .addLayer("hidden", new DenseLayer.Builder().nIn(4).nOut(5).build(), "in")
                .addLayer(
                    "classes",
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(5)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build(),
                    "hidden")
                .addLayer(
                    "numbers",
                    new OutputLayer.Builder(LossFunction.MSE)
                        .nIn(5)
                        .nOut(2)
                        .activation(Activation.IDENTITY)
                        .build(),
                    "hidden")
                .setOutputs("classes", "numbers")
                .build());
    net.init();
    return net;
  }

  @Test
  void sigmoidsAreCalibratedOneByOne() {
    MultiLayerNetwork net =
        LaplaceCases.made(
            LaplaceCases.builder()
                .list()
                .layer(
                    new OutputLayer.Builder(LossFunction.XENT)
                        .nIn(4)
                        .nOut(3)
                        .activation(Activation.SIGMOID)
                        .build())
                .build());
    try (Laplace laplace = Laplace.of(net).fit(LaplaceCases.batches(DATA, 7))) {
      Prediction prediction = laplace.predict(X);
      INDArray expected =
          Transforms.sigmoid(
              prediction
                  .means()
                  .div(Transforms.sqrt(prediction.variances().mul(Math.PI / 8).add(1))),
              true);
      assertThat(LaplaceCases.difference(prediction.probabilities(), expected)).isLessThan(1e-9);
      INDArray p = net.output(DATA.getFeatures());
      INDArray y = DATA.getLabels();
      double logLikelihood =
          LaplaceCases.logLikelihood(p, y) + LaplaceCases.logLikelihood(p.rsub(1), y.rsub(1));
      INDArray h = LaplaceCases.dense(laplace.curvature());
      double norm = net.params().norm2Number().doubleValue();
      double logdet = LaplaceCases.logdet(h.add(Nd4j.eye(15).castTo(DataType.DOUBLE)));
      assertThat(laplace.logMarginalLikelihood())
          .isCloseTo(logLikelihood - 0.5 * (logdet + norm * norm), within(1e-8));
      assertThatThrownBy(() -> laplace.link(Link.BRIDGE).predict(X))
          .hasMessageContaining("bridge is of a softmax");
    }
  }

  @Test
  void sampledCurvatureIsUnbiased() {
    MultiLayerNetwork net = net();
    try (Laplace exact = Laplace.of(net).lastLayer().fit(LaplaceCases.batches(DATA, 7));
        Laplace sampled =
            Laplace.of(net).lastLayer().sampled(2000, 3).fit(LaplaceCases.batches(DATA, 7))) {
      assertThat(
              LaplaceCases.difference(
                  LaplaceCases.dense(sampled.curvature()), LaplaceCases.dense(exact.curvature())))
          .isLessThan(0.05);
    }
    assertThatThrownBy(
            () -> Laplace.of(net).full().sampled(1, 0).fit(LaplaceCases.batches(DATA, 7)))
        .hasMessageContaining("full() is exact");
  }

  // ---- hard inputs ----

  @Test
  void aNetworkThatIsNotTrainedIsNoted() {
    try (Laplace laplace =
        Laplace.of(LaplaceCases.classifier()).fit(LaplaceCases.batches(DATA, 7))) {
      assertThat(laplace.notes()).anyMatch(n -> n.contains("has not converged"));
      assertThat(laplace.gradientNorm()).isGreaterThan(1);
    }
  }

  @Test
  void classesThatWereNeverSeenAreNoted() {
    DataSet some = new DataSet(DATA.getFeatures(), DATA.getLabels().dup());
    some.getLabels().putColumn(2, Nd4j.zeros(DataType.DOUBLE, 23));
    try (Laplace laplace = Laplace.of(net()).fit(LaplaceCases.batches(some, 7))) {
      assertThat(laplace.notes()).anyMatch(n -> n.contains("no sample of the classes [2]"));
      assertThat(laplace.predict(X).variances().minNumber().doubleValue()).isPositive();
    }
  }

  @Test
  void aFeatureThatIsAlwaysZeroMakesFactorsSingularButNotThePosterior() {
    DataSet data = new DataSet(DATA.getFeatures().dup(), DATA.getLabels());
    data.getFeatures().putColumn(1, Nd4j.zeros(DataType.DOUBLE, 23));
    for (Form form : Form.values()) {
      try (Laplace laplace = with(Laplace.of(net()), form).fit(LaplaceCases.batches(data, 7))) {
        assertThat(Double.isFinite(laplace.logMarginalLikelihood())).isTrue();
        assertThat(Double.isFinite(laplace.predict(X).variances().sumNumber().doubleValue()))
            .isTrue();
      }
    }
    for (double bad : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> Laplace.of(net()).priorPrecision(bad))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("must be a finite number above 0");
      assertThatThrownBy(() -> Laplace.of(net()).priorPrecision(Map.of("0", bad)))
          .hasMessageContaining("\"0\" must be a finite number above 0");
      assertThatThrownBy(() -> Laplace.of(net()).noise(bad)).hasMessageContaining("above 0");
    }
  }

  @Test
  void aSampleWithNotANumberIsNamed() {
    DataSet data = new DataSet(DATA.getFeatures().dup(), DATA.getLabels());
    data.getFeatures().putScalar(10, 2, Double.NaN);
    assertThatThrownBy(() -> Laplace.of(net()).fit(LaplaceCases.batches(data, 7)))
        .isInstanceOf(BatchException.class)
        .hasMessageContaining("number 3 of the batch (10 of the data set)");
    try (Laplace laplace = Laplace.of(net()).fit(LaplaceCases.batches(DATA, 7))) {
      assertThatThrownBy(() -> laplace.predict(data.getFeatures()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("sample 10 of the batch is not finite");
      assertThatThrownBy(() -> laplace.predict(Nd4j.zeros(DataType.DOUBLE, 0, 4)))
          .hasMessageContaining("no sample");
    }
  }

  @Test
  void theOrderOfSamplesIsFreeButNotWhichTheyAre() {
    MultiLayerNetwork net = net();
    for (Form form : Form.values()) {
      try (Laplace fixed = with(Laplace.of(net), form).fit(LaplaceCases.batches(DATA, 7));
          Laplace shuffled = with(Laplace.of(net), form).fit(changing(d -> Shuffled.of(d)))) {
        assertThat(shuffled.logMarginalLikelihood())
            .isCloseTo(fixed.logMarginalLikelihood(), within(1e-8));
      }
    }
    for (Form form : List.of(Form.EKFAC, Form.FULL)) {
      assertThatThrownBy(
              () -> with(Laplace.of(net), form).fit(changing(d -> Shuffled.augmented(d))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("different data");
    }
  }

  /** Data that change at each reset. */
  private static final class Shuffled {
    private static final Random RANDOM = new Random(5);

    static List<DataSet> of(List<DataSet> samples) {
      Collections.shuffle(samples, RANDOM);
      return samples;
    }

    static List<DataSet> augmented(List<DataSet> samples) {
      return samples.stream()
          .map(d -> new DataSet(d.getFeatures().add(RANDOM.nextGaussian()), d.getLabels()))
          .toList();
    }
  }

  private static DataSetIterator changing(Function<List<DataSet>, List<DataSet>> change) {
    return new ListDataSetIterator<DataSet>(DATA.asList(), 7) {
      private DataSetIterator now = make();

      private DataSetIterator make() {
        return new ListDataSetIterator<>(change.apply(DATA.asList()), 7);
      }

      @Override
      public synchronized void reset() {
        now = make();
      }

      @Override
      public synchronized boolean hasNext() {
        return now.hasNext();
      }

      @Override
      public synchronized DataSet next() {
        return now.next();
      }
    };
  }

  @Test
  void whatCannotBeIsRefused() {
    MultiLayerNetwork net = net();
    DataSetIterator empty = new ListDataSetIterator<>(List.<DataSet>of(), 1);
    assertThatThrownBy(() -> Laplace.of(net).fit(empty))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no batch");
    assertThatThrownBy(() -> Laplace.of(net).predict(X))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("fit(…) comes first");
    assertThatThrownBy(() -> Laplace.of(net).layers("7").fit(LaplaceCases.batches(DATA, 7)))
        .hasMessageContaining("[7]")
        .hasMessageContaining("0_W");
    assertThatThrownBy(
            () ->
                Laplace.of(net).priorPrecision(Map.of("5", 1.0)).fit(LaplaceCases.batches(DATA, 7)))
        .hasMessageContaining("\"5\"");
    try (Laplace laplace = Laplace.of(net).fit(LaplaceCases.batches(DATA, 7))) {
      assertThatThrownBy(laplace::diagonal).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> laplace.update(empty)).hasMessageContaining("no batch");
      net.fit(DATA);
      assertThatThrownBy(() -> laplace.predict(X))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("have changed since fit");
    }
    MultiLayerNetwork hinge =
        LaplaceCases.made(
            LaplaceCases.builder()
                .list()
                .layer(
                    new OutputLayer.Builder(LossFunction.MEAN_ABSOLUTE_ERROR)
                        .nIn(4)
                        .nOut(3)
                        .activation(Activation.IDENTITY)
                        .build())
                .build());
    assertThatThrownBy(() -> Laplace.of(hinge).diagonal().fit(LaplaceCases.batches(DATA, 7)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("whose loss is a likelihood");
  }
}
