package org.backpack4j.dl4j.laplace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The Laplace bridge where its formula divides by zero or overflows. */
class LinksTest {
  private static INDArray row(double... values) {
    return Nd4j.createFromArray(values).reshape(1, values.length);
  }

  private static double[] bridge(INDArray f, INDArray covariance) {
    return Links.bridge(
            f, Nd4j.diag(covariance).reshape(f.shape()), covariance.sum(1).reshape(f.shape()))
        .data()
        .asDouble();
  }

  /** Straight from the formula: projection to a sum of zero, then α. */
  private static double[] byHand(double[] f, double[][] s) {
    int k = f.length;
    double[] rows = new double[k];
    double all = 0;
    double sum = 0;
    for (int i = 0; i < k; i++) {
      for (int j = 0; j < k; j++) {
        rows[i] += s[i][j];
      }
      all += rows[i];
      sum += f[i];
    }
    double[] m = new double[k];
    double inverse = 0;
    for (int i = 0; i < k; i++) {
      m[i] = f[i] - rows[i] * sum / all;
      inverse += Math.exp(-m[i]);
    }
    double[] alpha = new double[k];
    double total = 0;
    for (int i = 0; i < k; i++) {
      double v = s[i][i] - rows[i] * rows[i] / all;
      alpha[i] = (1 - 2.0 / k + Math.exp(m[i]) * inverse / (k * k)) / v;
      total += alpha[i];
    }
    for (int i = 0; i < k; i++) {
      alpha[i] /= total;
    }
    return alpha;
  }

  @Test
  void isTheFormula() {
    double[] f = {0.3, -1.2, 2};
    double[][] s = {{1, 0.2, -0.1}, {0.2, 0.7, 0.3}, {-0.1, 0.3, 2}};
    assertThat(bridge(row(f), Nd4j.createFromArray(s)))
        .containsExactly(byHand(f, s), within(1e-12));
  }

  @Test
  void largeLogitsAreFinite() {
    double[] p = bridge(row(2000, -1500, 0), Nd4j.eye(3).castTo(DataType.DOUBLE));
    assertThat(p).containsExactly(new double[] {1, 0, 0}, within(1e-9));
  }

  @Test
  void withoutVarianceProbabilitiesAreStillSome() {
    double[] p = bridge(row(1, 0, -1), Nd4j.zeros(DataType.DOUBLE, 3, 3));
    assertThat(p[0]).isGreaterThan(p[1]);
    assertThat(p[1]).isGreaterThan(p[2]);
    assertThat(p[0] + p[1] + p[2]).isEqualTo(1, within(1e-12));
  }

  /** All classes move together: the projection leaves nothing but rounding, of either sign. */
  @Test
  void whatTheProjectionTakesAwayIsNoNegativeVariance() {
    double[] p = bridge(row(1, 0, -1), Nd4j.ones(DataType.DOUBLE, 3, 3).mul(0.1));
    for (double each : p) {
      assertThat(each).isBetween(0.0, 1.0);
    }
    assertThat(p[0]).isGreaterThan(p[2]);
  }
}
