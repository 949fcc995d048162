package org.backpack4j.samediff.privacy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.data.Percentage;
import org.backpack4j.samediff.privacy.SampledGaussian.Measure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SampledGaussianTest {
  @ParameterizedTest
  @CsvSource({
    "0.05, 1",
    "0.01, 0.6",
    "0.5, 3",
    "0.9, 0.3",
    "0.001, 8",
    "1e-7, 1",
    "0.3, 0.05",
    "0.999, 2"
  })
  void divergenceOfWholeOrdersIsTheBinomialSum(double q, double sigma) {
    for (int order : new int[] {2, 3, 7, 20, 60}) {
      double expected = binomial(q, sigma, order) / (order - 1);
      double relative = q < 1e-3 ? 1e-3 : 1e-9; // ln(1 + tiny): the sum itself has lost digits
      assertThat(new SampledGaussian(q, sigma, 1).renyi(order - 1))
          .as("order %d", order)
          .isCloseTo(expected, within(relative * expected + 1e-13));
    }
  }

  /** ln Σ C(α,k) (1−q)^{α−k} q^k e^{(k²−k)/2σ²} (Mironov, Talwar and Zhang, 2019, §3.3). */
  private static double binomial(double q, double sigma, int order) {
    double log = Double.NEGATIVE_INFINITY;
    double choose = 0;
    for (int k = 0; k <= order; k++) {
      double term =
          choose
              + (order - k) * Math.log1p(-q)
              + k * Math.log(q)
              + (double) k * (k - 1) / (2 * sigma * sigma);
      double most = Math.max(log, term);
      log = most + Math.log(Math.exp(log - most) + Math.exp(term - most));
      choose += Math.log((double) (order - k) / (k + 1));
    }
    return log;
  }

  @ParameterizedTest
  @CsvSource({"0.05, 1", "0.01, 0.6", "0.5, 3", "0.9, 1.2", "0.001, 2", "0.2, 4"})
  void divergenceOfFractionalOrdersIsTheTwoSeries(double q, double sigma) {
    for (double order : new double[] {1.3, 1.5, 2.7, 5.5, 13.25}) {
      assertThat(new SampledGaussian(q, sigma, 1).renyi(order - 1))
          .as("order %s", order)
          .isCloseTo(series(q, sigma, order) / (order - 1), within(1e-8));
    }
  }

  /** The two series of Mironov, Talwar and Zhang, 2019, §3.3, summed as they stand. */
  private static double series(double q, double sigma, double order) {
    double z = sigma * sigma * Math.log(1 / q - 1) + 0.5;
    double root = Math.sqrt(2) * sigma;
    double sum = 0;
    double choose = 1;
    for (int i = 0; i < 20000; i++) {
      double j = order - i;
      sum +=
          Math.signum(choose)
              * (Math.exp(
                      Math.log(Math.abs(choose))
                          + i * Math.log(q)
                          + j * Math.log1p(-q)
                          + (i * (i - 1.0)) / (2 * sigma * sigma)
                          + logHalfErfc((i - z) / root))
                  + Math.exp(
                      Math.log(Math.abs(choose))
                          + j * Math.log(q)
                          + i * Math.log1p(-q)
                          + (j * j - j) / (2 * sigma * sigma)
                          + logHalfErfc((z - j) / root)));
      choose *= j / (i + 1);
    }
    return Math.log(sum);
  }

  private static double logHalfErfc(double x) {
    return x > 0
        ? Math.log(0.5 * NormalTail.erfcx(x)) - x * x
        : Math.log(NormalTail.above(Math.sqrt(2) * x));
  }

  /** Simpson's rule with fixed steps, of both directions: the one that is used is the larger. */
  @ParameterizedTest
  @CsvSource({"0.05, 1, 2.8", "0.01, 0.6, 2.5", "0.5, 3, 4.4", "0.25, 0.7, 1.05", "0.9, 5, 6.4"})
  void divergenceIsThatOfQuadrature(double q, double sigma, double order) {
    SampledGaussian mechanism = new SampledGaussian(q, sigma, 1);
    double from = -12 * sigma;
    double to = order + 12 * sigma;
    int n = 200_000;
    double forth = 0;
    double back = 0;
    for (int i = 0; i <= n; i++) {
      double x = from + (to - from) * i / n;
      double weight = (i == 0 || i == n ? 1 : i % 2 == 1 ? 4 : 2) * (to - from) / (3 * n);
      double without = Math.exp(-0.5 * x * x / (sigma * sigma)) / Math.sqrt(2 * Math.PI) / sigma;
      double ratio = 1 - q + q * Math.exp((2 * x - 1) / (2 * sigma * sigma));
      forth += weight * without * Math.pow(ratio, order);
      back += weight * without * Math.pow(ratio, 1 - order);
    }
    double actual = mechanism.renyi(order - 1);
    assertThat(actual).isCloseTo(Math.log(forth) / (order - 1), Percentage.withPercentage(1e-8));
    assertThat(Math.log(back) / (order - 1)).isLessThan(actual);
  }

  /** A tiny divergence: α q² (e^{1/σ²} − 1) / 2 and no more, though it is far below 1e-16. */
  @Test
  void aTinyDivergenceHasAllItsDigits() {
    double q = 1e-10;
    assertThat(new SampledGaussian(q, 1, 1).renyi(0.5))
        .isCloseTo(0.5 * 1.5 * q * q * Math.expm1(1), Percentage.withPercentage(1e-6));
  }

  @Test
  void withoutSamplingItIsTheGaussianMechanism() {
    assertThat(new SampledGaussian(1, 0.5, 1).renyi(1.5)).isEqualTo(2.5 / (2 * 0.25));
    assertThat(new SampledGaussian(1 - 1e-12, 0.5, 1).renyi(1.5)).isCloseTo(5, within(1e-9));
  }

  @ParameterizedTest
  @CsvSource({"0.05, 1", "1, 0.3", "0.999999, 0.2", "1e-6, 4", "0.4, 0.02"})
  void lossesAndPointsAreInverses(double q, double sigma) {
    SampledGaussian mechanism = new SampledGaussian(q, sigma, 1);
    for (double x = 0.5; x < 1 + 8 * sigma; x += sigma / 3) {
      double loss = mechanism.loss(x);
      assertThat(mechanism.loss(mechanism.point(loss)))
          .isCloseTo(loss, within(1e-12 * (1 + Math.abs(loss))));
      assertThat(Math.expm1(loss))
          .isCloseTo(mechanism.excess(x), within(1e-9 * (Math.abs(mechanism.excess(x)) + 1e-6)));
    }
    assertThat(mechanism.point(q == 1 ? -1e9 : Math.log(1 - q) - 1e-3)).isLessThan(-1e4);
  }

  /** The mean of ln P/Q is the divergence of order 1, the limit of those above. */
  @ParameterizedTest
  @CsvSource({"0.05, 1", "0.4, 0.1", "0.001, 3"})
  void theMeanLossIsTheLimitOfTheDivergences(double q, double sigma) {
    SampledGaussian mechanism = new SampledGaussian(q, sigma, 1);
    double mean = mechanism.meanLoss(Measure.P, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
    assertThat(mechanism.renyi(1e-7)).isCloseTo(mean, Percentage.withPercentage(1e-2));
    assertThat(mechanism.meanLoss(Measure.Q, -1e9, 1e9)).isNegative();
  }
}
