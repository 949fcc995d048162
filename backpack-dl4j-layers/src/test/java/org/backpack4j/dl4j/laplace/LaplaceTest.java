package org.backpack4j.dl4j.laplace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.laplace.LaplaceCases.Dense;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Posterior, marginal likelihood and predictions against dense matrices. */
class LaplaceTest {
  private static final List<String> ALL = List.of("0_W", "0_b", "1_W", "1_b");

  private static Laplace with(Laplace laplace, Form form) {
    return switch (form) {
      case DIAGONAL -> laplace.diagonal();
      case KRON -> laplace.kron();
      case EKFAC -> laplace.ekfac();
      case FULL -> laplace.full();
    };
  }

  @Test
  void theFullMatrixIsThatOfJacobiansAndLossHessians() {
    DataSet data = LaplaceCases.classes(1, 23, 4);
    MultiLayerNetwork net = LaplaceCases.trained(LaplaceCases.classifier(), data, 30);
    Dense dense = Dense.of(net, data, false, ALL);
    try (Laplace laplace = Laplace.of(net).full().fit(LaplaceCases.batches(data, 7))) {
      assertThat(laplace.curvature().layout()).isEqualTo(dense.layout());
      assertThat(LaplaceCases.difference(LaplaceCases.dense(laplace.curvature()), dense.ggn()))
          .isLessThan(1e-9);
    }
    try (Laplace laplace = Laplace.of(net).diagonal().fit(LaplaceCases.batches(data, 7))) {
      INDArray diagonal = Nd4j.diag(dense.ggn()).reshape(dense.layout().size());
      assertThat(LaplaceCases.difference(laplace.curvature().diagonal(), diagonal))
          .isLessThan(1e-9);
    }
    try (Laplace laplace = Laplace.of(net).ekfac().fit(LaplaceCases.batches(data, 7))) {
      double trace = Nd4j.diag(dense.ggn()).sumNumber().doubleValue();
      assertThat(laplace.curvature().trace()).isCloseTo(trace, within(1e-9 * trace));
    }
  }

  @Test
  void factorsAreThoseOfTheLastLayer() {
    DataSet data = LaplaceCases.classes(1, 23, 4);
    MultiLayerNetwork net = LaplaceCases.trained(LaplaceCases.classifier(), data, 30);
    INDArray phi = net.feedForward(data.getFeatures()).get(1);
    INDArray a = phi.transpose().mmul(phi).div(23);
    INDArray p = net.output(data.getFeatures());
    INDArray b = Nd4j.diag(p.sum(0)).sub(p.transpose().mmul(p));
    try (Laplace laplace = Laplace.of(net).lastLayer().fit(LaplaceCases.batches(data, 7))) {
      assertThat(laplace.curvature().layout().names()).containsExactly("1_W", "1_b");
      INDArray block = LaplaceCases.dense(laplace.curvature().block("1_W"));
      for (int i = 0; i < 5; i++) {
        for (int o = 0; o < 3; o++) {
          for (int k = 0; k < 5; k++) {
            for (int q = 0; q < 3; q++) {
              assertThat(block.getDouble(3 * i + o, 3 * k + q))
                  .isCloseTo(a.getDouble(i, k) * b.getDouble(o, q), within(1e-10));
            }
          }
        }
      }
      assertThat(LaplaceCases.difference(LaplaceCases.dense(laplace.curvature().block("1_b")), b))
          .isLessThan(1e-9);
    }
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void predictionsAndEvidenceAreThoseOfDenseMatrices(Form form) {
    DataSet data = LaplaceCases.classes(1, 23, 4);
    MultiLayerNetwork net = LaplaceCases.trained(LaplaceCases.classifier(), data, 30);
    check(form, net, data, LaplaceCases.classes(9, 6, 4), ALL);
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void convolutionsAndFixedBatchNormalisation(Form form) {
    DataSet data = LaplaceCases.classes(2, 19, 2, 3, 3);
    MultiLayerNetwork net = LaplaceCases.trained(LaplaceCases.convolutional(), data, 30);
    check(
        form,
        net,
        data,
        LaplaceCases.classes(9, 5, 2, 3, 3),
        List.of("0_W", "0_b", "1_gamma", "1_beta", "2_W", "2_b"));
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void timeStepsAreRows(Form form) {
    DataSet data = LaplaceCases.series(3, 9, 4);
    MultiLayerNetwork net = LaplaceCases.trained(LaplaceCases.recurrent(), data, 20);
    check(
        form,
        net,
        data,
        LaplaceCases.series(8, 3, 6), // another length
        List.of("0_RW", "0_W", "0_b", "1_W", "1_b"));
  }

  private static void check(
      Form form, MultiLayerNetwork net, DataSet data, DataSet other, List<String> parameters) {
    Dense trained = Dense.of(net, data, false, parameters);
    Dense there = Dense.of(net, other, false, parameters);
    INDArray precisions = there.same(0.7);
    double logLikelihood =
        LaplaceCases.logLikelihood(net.output(data.getFeatures()), data.getLabels());
    try (Laplace laplace =
        with(Laplace.of(net), form).priorPrecision(0.7).fit(LaplaceCases.batches(data, 5))) {
      INDArray h = LaplaceCases.dense(laplace.curvature());
      INDArray expected = there.covariances(h, precisions);
      assertThat(LaplaceCases.difference(laplace.covariances(other.getFeatures()), expected))
          .isLessThan(1e-8);
      assertThat(laplace.logMarginalLikelihood())
          .isCloseTo(trained.marginalLikelihood(logLikelihood, h, precisions), within(1e-7));
      checkLinks(laplace, other.getFeatures(), there.f(), expected, form == Form.FULL);
      INDArray atOnce = laplace.predict(other.getFeatures()).variances();
      laplace.memoryBudget(1); // a sample at a time
      assertThat(LaplaceCases.difference(laplace.predict(other.getFeatures()).variances(), atOnce))
          .isLessThan(1e-9);
    }
  }

  private static void checkLinks(
      Laplace laplace, INDArray x, INDArray f, INDArray covariances, boolean sampled) {
    long r = f.size(0);
    long c = f.size(1);
    INDArray variances = Nd4j.zeros(f.dataType(), r, c);
    INDArray bridge = Nd4j.zeros(f.dataType(), r, c);
    for (long k = 0; k < r; k++) {
      INDArray s = covariances.slice(k);
      variances.getRow(k).assign(Nd4j.diag(s).reshape(c));
      bridge.getRow(k).assign(bridge(f.getRow(k), s));
    }
    INDArray probit =
        Transforms.softmax(f.div(Transforms.sqrt(variances.mul(Math.PI / 8).add(1))), true);
    Prediction prediction = laplace.predict(x);
    assertThat(LaplaceCases.difference(rows(prediction.means(), c), f)).isLessThan(1e-9);
    assertThat(LaplaceCases.difference(rows(prediction.variances(), c), variances))
        .isLessThan(1e-8);
    assertThat(LaplaceCases.difference(rows(prediction.probabilities(), c), probit))
        .isLessThan(1e-8);
    INDArray found = laplace.link(Link.BRIDGE).predict(x).probabilities();
    assertThat(LaplaceCases.difference(rows(found, c), bridge)).isLessThan(1e-7);
    laplace.link(Link.PROBIT);
    if (!sampled) {
      return;
    }
    INDArray drawn = laplace.sampledLogits(500, 1).predict(x).probabilities();
    INDArray mean = expectation(f, covariances);
    assertThat(rows(drawn, c).sub(mean).amaxNumber().doubleValue()).isLessThan(0.06);
    laplace.link(Link.PROBIT);
  }

  /** The published formulas, with the whole covariance. */
  private static INDArray bridge(INDArray mean, INDArray covariance) {
    int k = (int) mean.length();
    double total = covariance.sumNumber().doubleValue();
    INDArray sums = covariance.sum(1);
    INDArray f = mean.sub(sums.mul(mean.sumNumber().doubleValue() / total));
    INDArray s = covariance.sub(sums.reshape(k, 1).mmul(sums.reshape(1, k)).div(total));
    INDArray alpha = Nd4j.zeros(mean.dataType(), k);
    double other = Transforms.exp(f.neg()).sumNumber().doubleValue();
    for (int i = 0; i < k; i++) {
      alpha.putScalar(
          i, (1 - 2.0 / k + Math.exp(f.getDouble(i)) * other / k / k) / s.getDouble(i, i));
    }
    return alpha.div(alpha.sumNumber());
  }

  /** By draws with the covariances' Cholesky factors. */
  private static INDArray expectation(INDArray f, INDArray covariances) {
    java.util.Random random = new java.util.Random(4);
    INDArray mean = Nd4j.zeros(f.dataType(), f.shape());
    int c = (int) f.size(1);
    for (long r = 0; r < f.size(0); r++) {
      double[][] l = new double[c][c];
      for (int i = 0; i < c; i++) {
        for (int j = 0; j <= i; j++) {
          double s = covariances.getDouble(r, i, j);
          for (int k = 0; k < j; k++) {
            s -= l[i][k] * l[j][k];
          }
          l[i][j] = i == j ? Math.sqrt(Math.max(s, 1e-12)) : s / l[j][j];
        }
      }
      for (int n = 0; n < 4000; n++) {
        double[] normal = random.doubles(c).toArray();
        double[] z = new double[c];
        double sum = 0;
        for (int i = 0; i < c; i++) {
          normal[i] = random.nextGaussian();
        }
        for (int i = 0; i < c; i++) {
          z[i] = f.getDouble(r, i);
          for (int j = 0; j <= i; j++) {
            z[i] += l[i][j] * normal[j];
          }
          z[i] = Math.exp(z[i]);
          sum += z[i];
        }
        for (int i = 0; i < c; i++) {
          mean.putScalar(r, i, mean.getDouble(r, i) + z[i] / sum / 4000);
        }
      }
    }
    return mean;
  }

  /** [N, C] or [N, C, T] as rows. */
  private static INDArray rows(INDArray array, long c) {
    return array.rank() == 2
        ? array
        : array.permute(0, 2, 1).dup('c').reshape('c', array.length() / c, c);
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void theLastLayerAlone(Form form) {
    DataSet data = LaplaceCases.classes(1, 23, 4);
    MultiLayerNetwork net = LaplaceCases.trained(LaplaceCases.classifier(), data, 30);
    DataSet other = LaplaceCases.classes(9, 6, 4);
    Dense there = Dense.of(net, other, false, List.of("1_W", "1_b"));
    try (Laplace laplace =
        with(Laplace.of(net).lastLayer(), form).fit(LaplaceCases.batches(data, 5))) {
      INDArray h = LaplaceCases.dense(laplace.curvature());
      INDArray expected = there.covariances(h, there.same(1));
      assertThat(LaplaceCases.difference(laplace.covariances(other.getFeatures()), expected))
          .isLessThan(1e-8);
      checkLinks(laplace, other.getFeatures(), there.f(), expected, form != Form.FULL);
    }
    try (Laplace laplace =
        with(Laplace.of(net).layers("0", "1_b"), form)
            .priorPrecision(Map.of("0", 0.3))
            .fit(LaplaceCases.batches(data, 5))) {
      Dense some = Dense.of(net, other, false, List.of("0_W", "0_b", "1_b"));
      INDArray precisions = some.same(0.3);
      precisions.get(org.nd4j.linalg.indexing.NDArrayIndex.interval(25, 28)).assign(1);
      assertThat(
              LaplaceCases.difference(
                  laplace.covariances(other.getFeatures()),
                  some.covariances(LaplaceCases.dense(laplace.curvature()), precisions)))
          .isLessThan(1e-8);
    }
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void regressionsHaveNoise(Form form) {
    DataSet data = LaplaceCases.numbers(1, 31);
    MultiLayerNetwork net = LaplaceCases.trained(LaplaceCases.regression(), data, 60);
    Dense dense = Dense.of(net, data, true, ALL);
    DataSet other = LaplaceCases.numbers(7, 5);
    Dense there = Dense.of(net, other, true, ALL);
    double squares =
        Transforms.pow(data.getLabels().sub(dense.f()), 2, true).sumNumber().doubleValue();
    double noise = squares / 62;
    double logLikelihood = -0.5 * squares / noise - 31 * Math.log(2 * Math.PI * noise);
    try (Laplace laplace = with(Laplace.of(net), form).fit(LaplaceCases.batches(data, 8))) {
      assertThat(laplace.noise().getAsDouble()).isCloseTo(noise, within(1e-10));
      INDArray h = LaplaceCases.dense(laplace.curvature());
      if (form == Form.FULL) {
        assertThat(LaplaceCases.difference(h, dense.ggn())).isLessThan(1e-9);
      }
      h.divi(noise);
      assertThat(
              LaplaceCases.difference(
                  laplace.covariances(other.getFeatures()), there.covariances(h, there.same(1))))
          .isLessThan(1e-8);
      assertThat(laplace.logMarginalLikelihood())
          .isCloseTo(dense.marginalLikelihood(logLikelihood, h, dense.same(1)), within(1e-7));
    }
  }
}
