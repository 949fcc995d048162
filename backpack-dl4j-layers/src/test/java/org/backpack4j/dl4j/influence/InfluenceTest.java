package org.backpack4j.dl4j.influence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.backpack4j.dl4j.ConvertedNetwork;
import org.backpack4j.dl4j.Dl4jConverter;
import org.backpack4j.dl4j.testing.ListedBatches;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Scores against the formula with explicit matrices. */
class InfluenceTest {
  private static final int N = 14;
  private static final int QUERIES = 5;

  private static OutputLayer output(int classes) {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(classes)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static MultiLayerNetwork dense() {
    return Nets.sequential(
        InputType.feedForward(4), new DenseLayer.Builder().nOut(5).build(), output(3));
  }

  private static DataSet data(INDArray features) {
    return new DataSet(features, Nets.classes((int) features.size(0), 3));
  }

  private static DataSet part(DataSet all, int from, int to) {
    return new DataSet(rows(all.getFeatures(), from, to), rows(all.getLabels(), from, to));
  }

  private static INDArray rows(INDArray array, int from, int to) {
    long[] shape = array.shape().clone();
    shape[0] = (long) to - from;
    INDArray flat = array.dup('c').reshape('c', array.size(0), -1);
    return flat.get(NDArrayIndex.interval(from, to), NDArrayIndex.all())
        .dup('c')
        .reshape('c', shape);
  }

  /** Batches of 6, 6 and 2. */
  private static ListDataSetIterator<DataSet> batches(DataSet all) {
    List<DataSet> single = new ArrayList<>();
    for (int n = 0; n < all.getFeatures().size(0); n++) {
      single.add(part(all, n, n + 1));
    }
    return new ListDataSetIterator<>(single, 6);
  }

  private static INDArray scores(InfluenceReport report) {
    INDArray all = Nd4j.create(DataType.DOUBLE, report.queries(), report.query(0).size());
    for (int q = 0; q < report.queries(); q++) {
      all.putRow(q, Nd4j.createFromArray(report.query(q).toArray()));
    }
    return all;
  }

  private static void near(String what, INDArray scores, INDArray expected) {
    assertThat(scores.shape()).as(what).isEqualTo(expected.shape());
    assertThat(scores.sub(expected).amaxNumber().doubleValue())
        .as(what)
        .isLessThan(1e-9 * expected.amaxNumber().doubleValue());
  }

  /** The scores of a few other samples, and of the training samples for themselves. */
  private static void compare(
      String what,
      Influence influence,
      Explicit train,
      INDArray matrix,
      DataSet test,
      INDArray queries) {
    INDArray expected = train.scores(queries, matrix);
    near(what, scores(influence.of(batches(test))), expected);
    INDArray own = Nd4j.diag(train.scores(train.gradients, matrix)).dup();
    near(what + " self", Nd4j.createFromArray(influence.selfInfluence().toArray()), own);
  }

  // ---- every method, with matrices made by hand ----

  @Test
  void areThoseOfMatricesMadeByHand() {
    MultiLayerNetwork net = dense();
    DataSet all = data(Nets.random(N, 4));
    DataSet test = data(Nets.random(QUERIES, 4));
    Explicit train = Explicit.of(net, all);
    INDArray queries = Explicit.of(net, test).gradients;
    List<INDArray> inputs = net.feedForward(all.getFeatures());
    Function<String, INDArray> kron =
        p -> {
          if (p.endsWith("_b")) {
            return train.block(p);
          }
          INDArray x = inputs.get(Integer.parseInt(p.substring(0, 1)));
          INDArray a = x.transpose().mmul(x).div(N);
          return Explicit.kronecker(a, train.block(p.charAt(0) + "_b"));
        };
    Function<String, INDArray> ekfac =
        p -> {
          if (p.endsWith("_b")) {
            return train.block(p);
          }
          INDArray x = inputs.get(Integer.parseInt(p.substring(0, 1)));
          INDArray qa = Explicit.eigenvectors(x.transpose().mmul(x));
          INDArray qb = Explicit.eigenvectors(train.block(p.charAt(0) + "_b"));
          INDArray q = Explicit.kronecker(qa, qb);
          INDArray turned = Explicit.columns(train.root, train.range.get(p)).mmul(q);
          INDArray lambda = turned.mul(turned).sum(0);
          return q.mmul(Nd4j.diag(lambda)).mmul(q.transpose());
        };
    compare(
        "ekfac",
        Influence.on(net).fit(batches(all)),
        train,
        train.damped(train.blocks(ekfac), true),
        test,
        queries);
    compare(
        "kron",
        Influence.on(net).kron().fit(batches(all)),
        train,
        train.damped(train.blocks(kron), true),
        test,
        queries);
    compare(
        "diagonal",
        Influence.on(net).diagonal().fit(batches(all)),
        train,
        train.damped(train.diagonal(), true),
        test,
        queries);
    compare(
        "full",
        Influence.on(net).full().fit(batches(all)),
        train,
        train.damped(train.whole(), false),
        test,
        queries);
    INDArray unit = Nd4j.eye(queries.columns()).castTo(DataType.DOUBLE);
    compare(
        "damping",
        Influence.on(net).full().damping(0.3).fit(batches(all)),
        train,
        train.whole().add(unit.mul(0.3 * N)),
        test,
        queries);
    compare(
        "gradients",
        Influence.on(net).gradientDotProduct().fit(batches(all)),
        train,
        unit.mul(N),
        test,
        queries);
  }

  // ---- every kind of layer ----

  private static DataSet tokens(int samples) {
    INDArray ids = Nd4j.create(DataType.DOUBLE, samples, 1, 3);
    for (int k = 0; k < ids.length(); k++) {
      ids.putScalar(k, (k * k + samples) % 4);
    }
    return data(ids);
  }

  static Stream<Object[]> layers() {
    MultiLayerNetwork convolution =
        Nets.sequential(
            InputType.convolutional(5, 5, 2),
            new ConvolutionLayer.Builder(2, 2).nOut(3).build(),
            new BatchNormalization.Builder().useLogStd(false).build(),
            new DenseLayer.Builder().nOut(4).build(),
            output(3));
    convolution.getLayer(1).getParam("mean").assign(0.3);
    convolution.getLayer(1).getParam("var").assign(1.7);
    MultiLayerNetwork series =
        Nets.sequential(
            InputType.recurrent(3, 4),
            new LSTM.Builder().nOut(3).build(),
            new SelfAttentionLayer.Builder()
                .nOut(4)
                .nHeads(2)
                .headSize(2)
                .projectInput(true)
                .build(),
            new GlobalPoolingLayer.Builder().build(),
            output(3));
    MultiLayerNetwork text =
        new MultiLayerNetwork(
            Nets.builder()
                .list(
                    new EmbeddingSequenceLayer.Builder().nIn(4).nOut(3).inputLength(3).build(),
                    new LSTM.Builder().nIn(3).nOut(3).build(),
                    new GlobalPoolingLayer.Builder().build(),
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(3)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build())
                .build());
    text.init();
    return Stream.of(
        new Object[] {
          convolution, data(Nets.random(N, 2, 5, 5)), data(Nets.random(QUERIES, 2, 5, 5))
        },
        new Object[] {series, data(Nets.random(N, 3, 4)), data(Nets.random(QUERIES, 3, 4))},
        new Object[] {text, tokens(N), tokens(QUERIES)});
  }

  /** Where factors have other forms, the matrix is that of one batch, by its products. */
  @ParameterizedTest
  @MethodSource("layers")
  void holdForEveryLayer(MultiLayerNetwork net, DataSet all, DataSet test) {
    Explicit train = Explicit.of(net, all);
    INDArray queries = Explicit.of(net, test).gradients;
    INDArray unit = Nd4j.eye(queries.columns()).castTo(DataType.DOUBLE);
    compare(
        "gradients",
        Influence.on(net).gradientDotProduct().fit(batches(all)),
        train,
        unit.mul(N),
        test,
        queries);
    compare(
        "diagonal",
        Influence.on(net).diagonal().fit(batches(all)),
        train,
        train.damped(train.diagonal(), true),
        test,
        queries);
    for (boolean corrected : new boolean[] {true, false}) {
      if (!corrected && all.getFeatures().rank() < 4) {
        continue; // of one network: factors are those of the corrected ones
      }
      Influence.Builder builder = Influence.on(net);
      Influence influence = (corrected ? builder.ekfac() : builder.kron()).fit(batches(all));
      INDArray matrix = influence.preconditioner().damped().times(unit);
      compare("factors", influence, train, matrix, test, queries);
      if (corrected) { // the trace of each block is exact, with a tenth of it as damping
        INDArray diagonal = Nd4j.diag(matrix).dup();
        for (String p : train.names) {
          int[] at = train.range.get(p);
          double trace = Nd4j.diag(train.block(p)).sumNumber().doubleValue();
          double found =
              diagonal.get(NDArrayIndex.interval(at[0], at[1])).sumNumber().doubleValue();
          assertThat(found).as(p).isCloseTo(1.1 * trace, Offset.offset(1e-9 * trace));
        }
      }
    }
  }

  // ---- networks, graphs, losses ----

  private static SameDiff graph(MultiLayerNetwork net, LossReduce reduce) {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable h = sd.math().tanh(x.mmul(var(sd, net, "0_W")).add(var(sd, net, "0_b")));
    SDVariable z = h.mmul(var(sd, net, "1_W")).add(var(sd, net, "1_b"));
    sd.loss().softmaxCrossEntropy("loss", y, z, sd.constant(Nd4j.scalar(1.0)), reduce, 0);
    sd.setTrainingConfig(
        TrainingConfig.builder()
            .updater(new Sgd(0.1))
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("y")
            .build());
    return sd;
  }

  private static SDVariable var(SameDiff sd, MultiLayerNetwork net, String name) {
    INDArray own = net.paramTable().get(name).dup('c');
    return sd.var(name, name.endsWith("b") ? own.reshape(own.length()) : own);
  }

  /** A graph's mean over the last, smaller batch has its share. */
  @Test
  void areTheSameOfNetworksAndGraphs() {
    MultiLayerNetwork net = dense();
    ComputationGraph graph = net.toComputationGraph();
    DataSet all = data(Nets.random(N, 4));
    DataSet test = data(Nets.random(QUERIES, 4));
    for (int method = 0; method < 3; method++) {
      INDArray expected = null;
      INDArray self = null;
      for (Influence.Builder builder :
          List.of(
              Influence.on(net),
              Influence.on(graph),
              Influence.on(graph(net, LossReduce.SUM)),
              Influence.on(graph(net, LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT)),
              Influence.on(graph(net, LossReduce.MEAN_BY_WEIGHT)))) {
        switch (method) {
          case 0 -> builder.ekfac();
          case 1 -> builder.gradientDotProduct();
          default -> builder.trak(6, 5).damping(0.1);
        }
        try (Influence influence = builder.fit(batches(all))) {
          INDArray found = scores(influence.of(batches(test)));
          INDArray own = Nd4j.createFromArray(influence.selfInfluence().toArray());
          near("method " + method, found, expected == null ? found : expected);
          near("self " + method, own, self == null ? own : self);
          expected = found;
          self = own;
        }
      }
    }
  }

  /** A term of parameters alone is no part of a sample's loss. */
  @Test
  void penaltiesAreNobodys() {
    MultiLayerNetwork net = dense();
    SameDiff plain = graph(net, LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT);
    SameDiff penalised = graph(net, LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT);
    SDVariable w = penalised.getVariable("0_W");
    w.mul(w).sum().mul("penalty", 0.5);
    penalised.setLossVariables("loss", "penalty");
    DataSet all = data(Nets.random(N, 4));
    DataSet test = data(Nets.random(QUERIES, 4));
    near(
        "penalised",
        scores(Influence.on(penalised).fit(batches(all)).of(test)),
        scores(Influence.on(plain).fit(batches(all)).of(test)));
  }

  private static ComputationGraph twoOutputs() {
    return Nets.graph(
        Nets.graph(InputType.recurrent(3, 4))
            .addLayer("l", new LSTM.Builder().nOut(3).build(), "in")
            .addLayer("pool", new GlobalPoolingLayer.Builder().build(), "l")
            .addLayer("a", output(3), "pool")
            .addLayer(
                "s",
                new RnnOutputLayer.Builder(LossFunction.MCXENT)
                    .nOut(2)
                    .activation(Activation.SOFTMAX)
                    .build(),
                "l")
            .setOutputs("a", "s"));
  }

  private static MultiDataSet series(boolean masked) {
    INDArray steps = Nd4j.zeros(DataType.DOUBLE, N, 2, 4);
    INDArray mask = Nd4j.ones(DataType.DOUBLE, N, 4);
    for (int n = 0; n < N; n++) {
      mask.putScalar(n, 3, n % 2);
      for (int t = 0; t < 4; t++) {
        steps.putScalar(new int[] {n, (n + t) % 2, t}, 1);
      }
    }
    INDArray[] labels = {Nets.classes(N, 3), steps};
    INDArray[] features = {Nets.random(N, 3, 4)};
    return masked
        ? new MultiDataSet(features, labels, new INDArray[] {mask}, new INDArray[] {null, mask})
        : new MultiDataSet(features, labels);
  }

  private static ListedBatches cut(MultiDataSet all) {
    return new ListedBatches(
        List.of(Slices.of(all, 0, 6), Slices.of(all, 6, 12), Slices.of(all, 12, N)));
  }

  /** Two outputs, one of them at each step of a series. */
  @Test
  void areOfSeveralOutputs() {
    ComputationGraph net = twoOutputs();
    MultiDataSet all = series(false);
    ConvertedNetwork converted = Dl4jConverter.on(net).like(all).convert();
    Explicit train;
    try (ExtendedGraph graph = converted.extend(new BatchGrad(), new SqrtGGNExact())) {
      train = Explicit.of(graph, converted.feeds(all), 1);
    }
    INDArray expected = train.scores(train.gradients, train.damped(train.whole(), false));
    Influence full = Influence.on(net).full().fit(cut(all));
    near("full", scores(full.of(all)), expected);
    near("self", Nd4j.createFromArray(full.selfInfluence().toArray()), Nd4j.diag(expected).dup());
    Influence ekfac = Influence.on(net).layers("l", "s").fit(cut(all));
    assertThat(ekfac.parameters()).containsExactlyInAnyOrder("l_W", "l_RW", "l_b", "s_W", "s_b");
    INDArray found = scores(ekfac.of(cut(all)));
    near("self", Nd4j.createFromArray(ekfac.selfInfluence().toArray()), Nd4j.diag(found).dup());
  }

  /** Steps that do not count, whose weights might be negative for all that a graph knows. */
  @Test
  void areOfSeriesWithMasks() {
    ComputationGraph net = twoOutputs();
    MultiDataSet all = series(true);
    ConvertedNetwork converted = Dl4jConverter.on(net).like(all).convert();
    Map<String, INDArray> out;
    try (ExtendedGraph graph = converted.extend(new BatchGrad(), new DiagGGNExact())) {
      out = graph.output(converted.feeds(all), graph.outputNames());
    }
    INDArray expected = Nd4j.zeros(DataType.DOUBLE, N, N);
    for (String p : converted.parameters()) {
      INDArray g = out.get(p + ".grad_batch").dup('c').reshape(N, -1);
      INDArray diagonal = out.get(p + ".diag_ggn_exact").dup('c').reshape(-1);
      double damping = 0.1 * diagonal.meanNumber().doubleValue();
      expected.addi(g.divRowVector(diagonal.add(damping)).mmul(g.transpose()));
    }
    Influence influence = Influence.on(net).diagonal().fit(cut(all));
    near("diagonal", scores(influence.of(all)), expected);
    near(
        "self",
        Nd4j.createFromArray(influence.selfInfluence().toArray()),
        Nd4j.diag(expected).dup());
    assertThatThrownBy(() -> Influence.on(net).fit(cut(all)))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("ask for the diagonal");
  }

  @Test
  void normsAreThoseOfRows() {
    MultiLayerNetwork net = dense();
    DataSet all = data(Nets.random(N, 4));
    INDArray g = Explicit.of(net, all).gradients;
    near(
        "norms",
        Nd4j.createFromArray(
            Influence.on(net).gradientDotProduct().fit(batches(all)).gradientNorms().toArray()),
        g.norm2(1));
    INDArray last = g.get(NDArrayIndex.all(), NDArrayIndex.interval(25, g.columns())).dup('c');
    Influence layer = Influence.on(net).gradientDotProduct().layers("1").fit(batches(all));
    assertThat(layer.parameters()).containsExactly("1_W", "1_b");
    near("layer", Nd4j.createFromArray(layer.gradientNorms().toArray()), last.norm2(1));
  }

  @Test
  void errorsAreThoseOfProbabilities() {
    MultiLayerNetwork net = dense();
    DataSet all = data(Nets.random(N, 4));
    INDArray expected = net.output(all.getFeatures()).sub(all.getLabels()).norm2(1);
    for (Influence.Builder builder :
        List.of(
            Influence.on(net), Influence.on(graph(net, LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT)))) {
      Influence influence = builder.gradientDotProduct().fit(batches(all));
      near("el2n", Nd4j.createFromArray(influence.el2n().toArray()), expected);
    }
  }

  /** Dropout, noise on weights and batch statistics are of the training alone. */
  @Test
  void areThoseOfEvaluation() {
    MultiLayerNetwork noisy =
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(5).dropOut(0.5).weightNoise(new DropConnect(0.5)).build(),
            output(3));
    MultiLayerNetwork plain = dense();
    plain.setParams(noisy.params());
    DataSet all = data(Nets.random(N, 4));
    DataSet test = data(Nets.random(QUERIES, 4));
    near(
        "noisy",
        scores(Influence.on(noisy).fit(batches(all)).of(test)),
        scores(Influence.on(plain).fit(batches(all)).of(test)));
    assertThat(noisy.getLayerWiseConfigurations().getConf(0).getLayer().getIDropout()).isNotNull();
  }

  // ---- TRAK ----

  @Test
  void trakIsItsFormula() {
    MultiLayerNetwork net = dense();
    DataSet all = data(Nets.random(N, 4));
    DataSet test = data(Nets.random(QUERIES, 4));
    int k = 6;
    INDArray train = margins(net, all);
    INDArray p = TrakScorer.signs(train.columns(), 0, k, k, 11).transpose();
    assertThat(p.mul(p).sumNumber().doubleValue()).isCloseTo(p.rows(), Offset.offset(1e-9));
    INDArray features = train.mmul(p);
    INDArray gram = features.transpose().mmul(features).add(Nd4j.eye(k).castTo(DataType.DOUBLE));
    INDArray solved = Explicit.solved(gram, features.transpose());
    INDArray missing = missing(net, all);
    INDArray expected = margins(net, test).mmul(p).mmul(solved).mulRowVector(missing);
    Influence trak = Influence.on(net).trak(k, 11).damping(1).fit(batches(all));
    near("trak", scores(trak.of(batches(test))), expected);
    near(
        "self",
        Nd4j.createFromArray(trak.selfInfluence().toArray()),
        Nd4j.diag(features.mmul(solved)).dup().muli(missing));
  }

  /** 1 − p of each sample's class. */
  private static INDArray missing(MultiLayerNetwork net, DataSet data) {
    return net.output(data.getFeatures()).mul(data.getLabels()).sum(1).rsub(1);
  }

  /** ∂m/∂θ [N, D]: m = ln(p/(1 − p)) and ℓ = −ln p, so that dm = −dℓ/(1 − p). */
  private static INDArray margins(MultiLayerNetwork net, DataSet data) {
    return Explicit.of(net, data).gradients.neg().divColumnVector(missing(net, data));
  }

  /** Blocks of P have the same columns whatever their size. */
  @Test
  void signsBelongToTheirPlace() {
    INDArray all = TrakScorer.signs(100, 0, 5, 5, 3);
    near("rows", TrakScorer.signs(100, 2, 4, 5, 3), all.get(NDArrayIndex.interval(2, 4)));
    assertThat(all.distance2(TrakScorer.signs(100, 0, 5, 5, 4))).isGreaterThan(1);
    INDArray gram = all.mmul(all.transpose());
    for (int i = 0; i < 5; i++) {
      for (int j = 0; j < i; j++) {
        assertThat(Math.abs(gram.getDouble(i, j))).isLessThan(10); // of 20
      }
    }
  }
}
