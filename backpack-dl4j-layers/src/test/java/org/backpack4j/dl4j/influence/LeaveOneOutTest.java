package org.backpack4j.dl4j.influence;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.commons.math3.stat.correlation.PearsonsCorrelation;
import org.apache.commons.math3.stat.correlation.SpearmansCorrelation;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.curvature.LinearOperator;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.extension.HessianProduct;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;

/**
 * Predicted changes of test losses against those of models that were trained again without a
 * sample, by Newton's method to the end.
 */
class LeaveOneOutTest {
  private static final int FEATURES = 4;
  private static final int TEST = 12;

  /** A model of the sum of losses and λ/2 ‖θ‖², and its data. */
  private static final class Model {
    final SameDiff sd;
    final double lambda;
    final INDArray x;
    final INDArray y;
    final DataSet test;
    private final ExtendedGraph graph;
    private final ParameterLayout layout;
    private final HessianProduct products;

    Model(SameDiff sd, double lambda, int samples, boolean classes) {
      this.sd = sd;
      this.lambda = lambda;
      Random random = new Random(5);
      INDArray all = Nd4j.create(DataType.DOUBLE, samples + TEST, FEATURES);
      INDArray labels = Nd4j.zeros(DataType.DOUBLE, samples + TEST, 3);
      INDArray truth = Nd4j.create(DataType.DOUBLE, FEATURES, 3);
      for (int k = 0; k < truth.length(); k++) {
        truth.putScalar(k, random.nextGaussian());
      }
      for (int k = 0; k < all.length(); k++) {
        all.putScalar(k, random.nextGaussian());
      }
      INDArray score = all.mmul(truth);
      for (int n = 0; n < samples + TEST; n++) {
        if (classes) {
          int c = random.nextInt(20) == 0 ? random.nextInt(3) : score.getRow(n).argMax().getInt(0);
          labels.putScalar(n, c, 1);
        } else {
          for (int c = 0; c < 3; c++) {
            labels.putScalar(n, c, score.getDouble(n, c) + 0.5 * random.nextGaussian());
          }
        }
      }
      x = rows(all, 0, samples);
      y = rows(labels, 0, samples);
      test = new DataSet(rows(all, samples, samples + TEST), rows(labels, samples, samples + TEST));
      sd.setTrainingConfig(
          TrainingConfig.builder()
              .updater(new Sgd(0.1))
              .dataSetFeatureMapping("x")
              .dataSetLabelMapping("y")
              .build());
      int size = 0;
      for (String p : parameters()) {
        size += (int) sd.getVariable(p).getArr().length();
      }
      products = new HessianProduct(size);
      graph = BackPack.extend(sd, products);
      layout = ParameterLayout.of(graph);
    }

    static INDArray rows(INDArray a, int from, int to) {
      return a.get(
              org.nd4j.linalg.indexing.NDArrayIndex.interval(from, to),
              org.nd4j.linalg.indexing.NDArrayIndex.all())
          .dup('c');
    }

    List<String> parameters() {
      return sd.variables().stream()
          .filter(v -> v.getVariableType() == org.nd4j.autodiff.samediff.VariableType.VARIABLE)
          .map(SDVariable::name)
          .toList();
    }

    INDArray theta() {
      Map<String, INDArray> all = new HashMap<>();
      parameters().forEach(p -> all.put(p, sd.getVariable(p).getArr()));
      return layout.join(all);
    }

    void set(INDArray theta) {
      layout.split(theta).forEach((p, part) -> sd.getVariable(p).getArr().assign(part));
    }

    double objective(Map<String, INDArray> feeds) {
      double norm = theta().norm2Number().doubleValue();
      return graph.output(feeds, "loss").get("loss").getDouble(0) + lambda / 2 * norm * norm;
    }

    /** Newton steps to the end; the number of them. */
    int train(INDArray features, INDArray labels) {
      Map<String, INDArray> feeds = Map.of("x", features, "y", labels);
      INDArray unit = Nd4j.eye(layout.size()).castTo(DataType.DOUBLE);
      for (int step = 0; step < 200; step++) {
        Map<String, INDArray> out =
            graph.output(feeds, parameters().stream().map(p -> p + ".grad").toList());
        Map<String, INDArray> parts = new HashMap<>();
        out.forEach((name, g) -> parts.put(name.substring(0, name.length() - 5), g));
        INDArray theta = theta();
        INDArray g = layout.join(parts).add(theta.mul(lambda));
        if (g.norm2Number().doubleValue() < 1e-8) {
          return step;
        }
        INDArray hessian = LinearOperator.of(graph, products, feeds).times(unit);
        double before = objective(feeds);
        INDArray direction = step(hessian.add(unit.mul(lambda)), g);
        double slope = direction.mul(g).sumNumber().doubleValue();
        for (double size = 1; ; size /= 2) {
          set(theta.sub(direction.mul(size)));
          if (objective(feeds) <= before - 1e-4 * size * slope + 1e-10 * Math.abs(before)) {
            break;
          }
          assertThat(size).isGreaterThan(1e-12);
        }
      }
      throw new AssertionError("no minimum was found");
    }

    /** The gradient by the inverse of the Hessian, its eigenvalues made positive. */
    private static INDArray step(INDArray hessian, INDArray g) {
      INDArray q = Explicit.eigenvectors(hessian.add(hessian.transpose()).divi(2));
      INDArray values = Nd4j.diag(q.transpose().mmul(hessian).mmul(q)).dup();
      INDArray along = q.transpose().mmul(g.reshape(-1, 1)).reshape(-1);
      for (int k = 0; k < along.length(); k++) {
        along.putScalar(k, along.getDouble(k) / Math.max(Math.abs(values.getDouble(k)), 1e-3));
      }
      return q.mmul(along.reshape(-1, 1)).reshape(-1);
    }

    /** The loss of each test sample. */
    double[] losses() {
      double[] losses = new double[TEST];
      for (int q = 0; q < TEST; q++) {
        Map<String, INDArray> feeds =
            Map.of("x", rows(test.getFeatures(), q, q + 1), "y", rows(test.getLabels(), q, q + 1));
        losses[q] = graph.output(feeds, "loss").get("loss").getDouble(0);
      }
      return losses;
    }

    ListDataSetIterator<DataSet> batches() {
      List<DataSet> single = new ArrayList<>();
      for (int n = 0; n < x.rows(); n++) {
        single.add(new DataSet(rows(x, n, n + 1), rows(y, n, n + 1)));
      }
      return new ListDataSetIterator<>(single, 16);
    }

    /** For each test sample and each training sample what leaving that out changes. */
    double[][] leftOut() {
      INDArray whole = theta();
      double[] before = losses();
      double[][] changes = new double[TEST][x.rows()];
      for (int n = 0; n < x.rows(); n++) {
        set(whole);
        train(without(x, n), without(y, n));
        double[] after = losses();
        for (int q = 0; q < TEST; q++) {
          changes[q][n] = after[q] - before[q];
        }
      }
      set(whole);
      return changes;
    }

    private static INDArray without(INDArray a, int row) {
      List<INDArray> kept = new ArrayList<>();
      for (int n = 0; n < a.rows(); n++) {
        if (n != row) {
          kept.add(rows(a, n, n + 1));
        }
      }
      return Nd4j.vstack(kept);
    }
  }

  /** How well changes are predicted: the slope is that of changes by predictions. */
  private record Fit(double correlation, double rank, double slope) {
    /** Of all pairs; the rank correlation is the mean over test samples. */
    static Fit of(InfluenceReport report, double[][] truth) {
      List<Double> predicted = new ArrayList<>();
      List<Double> changes = new ArrayList<>();
      double rank = 0;
      for (int q = 0; q < truth.length; q++) {
        double[] own = report.query(q).toArray();
        rank += new SpearmansCorrelation().correlation(own, truth[q]) / truth.length;
        for (int n = 0; n < own.length; n++) {
          predicted.add(own[n]);
          changes.add(truth[q][n]);
        }
      }
      double[] a = predicted.stream().mapToDouble(d -> d).toArray();
      double[] b = changes.stream().mapToDouble(d -> d).toArray();
      double products = 0;
      double squares = 0;
      for (int k = 0; k < a.length; k++) {
        products += a[k] * b[k];
        squares += a[k] * a[k];
      }
      return new Fit(new PearsonsCorrelation().correlation(a, b), rank, products / squares);
    }
  }

  private static SDVariable weight(SameDiff sd, String name, int seed, long... shape) {
    Random random = new Random(seed);
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    for (int k = 0; k < array.length(); k++) {
      array.putScalar(k, 0.5 * random.nextGaussian());
    }
    return sd.var(name, array);
  }

  private static SameDiff logistic() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, FEATURES);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable z = x.mmul(weight(sd, "w", 1, FEATURES, 3)).add(weight(sd, "b", 2, 3));
    sd.loss().softmaxCrossEntropy("loss", y, z, sd.constant(Nd4j.scalar(1.0)), LossReduce.SUM, 0);
    return sd;
  }

  private static SameDiff ridge() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, FEATURES);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable z = x.mmul(weight(sd, "w", 1, FEATURES, 3));
    sd.loss().meanSquaredError("loss", y, z, sd.constant(Nd4j.scalar(1.0)), LossReduce.SUM);
    return sd;
  }

  private static SameDiff perceptron() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, FEATURES);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable h =
        sd.math().tanh(x.mmul(weight(sd, "w0", 1, FEATURES, 5)).add(weight(sd, "b0", 2, 5)));
    SDVariable z = h.mmul(weight(sd, "w1", 3, 5, 3)).add(weight(sd, "b1", 4, 3));
    sd.loss().softmaxCrossEntropy("loss", y, z, sd.constant(Nd4j.scalar(1.0)), LossReduce.SUM, 0);
    return sd;
  }

  private static Fit fit(Model model, Influence.Builder builder, double[][] truth) {
    try (Influence influence = builder.fit(model.batches())) {
      return Fit.of(influence.of(model.test), truth);
    }
  }

  @Test
  void logisticRegressionIsPredicted() {
    Model model = new Model(logistic(), 2, 100, true);
    model.train(model.x, model.y);
    double[][] truth = model.leftOut();
    double damping = model.lambda / model.x.rows();
    Fit fit = fit(model, Influence.on(model.sd).full().damping(damping), truth);
    assertThat(fit.correlation()).isGreaterThan(0.99);
    assertThat(fit.rank()).isGreaterThan(0.99);
    assertThat(fit.slope()).isBetween(0.95, 1.15);
  }

  /** The Kronecker factors of a linear model's squared loss are exact. */
  @Test
  void ridgeRegressionIsPredicted() {
    Model model = new Model(ridge(), 1, 60, false);
    model.train(model.x, model.y);
    double[][] truth = model.leftOut();
    double damping = model.lambda / model.x.rows();
    for (Influence.Builder builder :
        List.of(Influence.on(model.sd).ekfac(), Influence.on(model.sd).kron())) {
      Fit fit = fit(model, builder.damping(damping), truth);
      assertThat(fit.correlation()).isGreaterThan(0.98);
      assertThat(fit.rank()).isGreaterThan(0.98);
      assertThat(fit.slope()).isBetween(0.95, 1.15);
    }
  }

  /** What docs/influence.md says of a small network. */
  @Test
  void aPerceptronIsPredictedInRank() {
    Model model = new Model(perceptron(), 1, 80, true);
    model.train(model.x, model.y);
    double[][] truth = model.leftOut();
    double damping = model.lambda / model.x.rows();
    Fit full = fit(model, Influence.on(model.sd).full().damping(damping), truth);
    assertThat(full.correlation()).isGreaterThan(0.85);
    assertThat(full.rank()).isGreaterThan(0.65);
    assertThat(full.slope()).isBetween(0.8, 1.3);
    Fit ekfac = fit(model, Influence.on(model.sd).ekfac().damping(damping), truth);
    assertThat(ekfac.correlation()).isGreaterThan(0.75);
    assertThat(ekfac.rank()).isGreaterThan(0.45);
    for (Influence.Builder builder :
        List.of(
            Influence.on(model.sd).kron().damping(damping),
            Influence.on(model.sd).diagonal().damping(damping),
            Influence.on(model.sd).gradientDotProduct(),
            Influence.on(model.sd).trak(30, 1))) {
      assertThat(fit(model, builder, truth).rank()).isGreaterThan(0.35);
    }
  }
}
