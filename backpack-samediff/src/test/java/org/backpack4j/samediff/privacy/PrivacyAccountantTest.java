package org.backpack4j.samediff.privacy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.apache.commons.math3.special.Erf;
import org.assertj.core.data.Percentage;
import org.backpack4j.samediff.privacy.SampledGaussian.Measure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PrivacyAccountantTest {
  private static final PrivacyAccountant PRV = PrivacyAccountant.prv();
  private static final PrivacyAccountant RDP = PrivacyAccountant.rdp();
  private static final PrivacyAccountant GDP = PrivacyAccountant.approximateGdp();

  private static PrivacyLedger ledger(double q, double sigma, long steps) {
    return PrivacyLedger.empty().plus(sigma, q, steps);
  }

  /**
   * Reference: Opacus (revision 88919b66, 2026-05-20) with NumPy 2.4.6 and SciPy 1.17.1: bounds of
   * its PRVAccountant with eps_error 0.01 and delta_error δ/1000; ε and order α of its
   * RDPAccountant; compute_eps_poisson of its GDP analysis. Opacus knows the direction in which a
   * sample is removed alone, which is the larger one.
   */
  @ParameterizedTest
  @CsvSource({
    "0.05, 1, 1000, 1e-05, 10.976112, 10.986678, 10.997244, 11.979547, 2.8, 10.447089",
    "0.01, 1, 1000, 1e-05, 1.818108, 1.828240, 1.838372, 2.101365, 7.8, 1.617712",
    "0.01, 2, 10000, 1e-06, 2.436620, 2.446737, 2.456854, 2.629142, 9.8, 2.417958",
    "0.1, 1.5, 500, 1e-05, 8.361180, 8.371614, 8.382047, 9.094128, 3.4, 8.039057",
    "0.2, 4, 300, 1e-06, 4.310621, 4.320816, 4.331011, 4.636586, 6.3, 4.226047",
    "0.004, 0.8, 20000, 1e-05, 5.110536, 5.120826, 5.131115, 5.601131, 4.5, 4.881743",
    "0.5, 3, 50, 1e-05, 5.616120, 5.626424, 5.636729, 6.109579, 4.4, 5.477193",
    "0.001, 0.5, 5000, 1e-06, 5.424813, 5.435260, 5.445708, 6.610178, 3.2, 2.341852",
    "0.9, 5, 20, 1e-05, 3.433158, 3.443350, 3.453543, 3.731233, 6.4, 3.450356",
    "0.25, 0.7, 1, 1e-05, 4.788075, 4.798428, 4.808781, 5.330704, 4.0, 2.661607"
  })
  void isWhatOpacusSays(
      double q,
      double sigma,
      long steps,
      double delta,
      double lower,
      double estimate,
      double upper,
      double renyi,
      double order,
      double gaussian) {
    PrivacyLedger ledger = ledger(q, sigma, steps);
    PrivacyBounds prv = PRV.epsilon(ledger, delta);
    assertThat(prv.estimate()).isCloseTo(estimate, Percentage.withPercentage(0.001));
    assertThat(prv.lower()).isCloseTo(lower, Percentage.withPercentage(0.01));
    assertThat(prv.upper()).isCloseTo(upper, Percentage.withPercentage(0.01));

    double less = order - 1;
    double atTheirOrder =
        steps * new SampledGaussian(q, sigma, 1).renyi(less)
            - (Math.log(delta) + Math.log(order)) / less
            + Math.log(less / order);
    assertThat(atTheirOrder).isCloseTo(renyi, Percentage.withPercentage(1e-4));
    assertThat(RDP.epsilon(ledger, delta).upper()).isBetween(0.998 * renyi, atTheirOrder);

    assertThat(GDP.epsilon(ledger, delta).estimate())
        .isCloseTo(gaussian, Percentage.withPercentage(1e-4));
  }

  /**
   * Reference: Google's differential-privacy library (revision b5b0286), privacy loss distributions
   * of {@code from_gaussian_mechanism} with connected dots at an interval of 1e-4: ε(1e-5) of
   * removal and of addition, and δ(2) of both.
   */
  @ParameterizedTest
  @CsvSource({
    "0.05, 1, 1000, 10.986679174, 8.459142464, 0.32052157542, 0.28650335862",
    "0.2, 4, 300, 3.849004571, 3.634886836, 0.00906479165, 0.00740740663",
    "0.9, 5, 20, 3.443348510, 3.369157296, 0.00447342207, 0.00406481093",
    "0.25, 0.7, 1, 4.798426079, 0.283845682, 0.00555032060, 0",
    "0.5, 3, 50, 5.626423189, 4.980758041, 0.05680950882, 0.04681485811"
  })
  void bothDirectionsAreThoseOfGoogle(
      double q,
      double sigma,
      long steps,
      double removed,
      double added,
      double deltaRemoved,
      double deltaAdded) {
    List<SampledGaussian> mechanisms = ledger(q, sigma, steps).mechanisms();
    LossGrid grid = LossGrid.of(mechanisms, 0.01, 1e-8);
    ComposedLoss removal = ComposedLoss.of(mechanisms, grid, Measure.P);
    ComposedLoss addition = ComposedLoss.of(mechanisms, grid, Measure.Q);
    assertThat(removal.epsilon(1e-5)).isCloseTo(removed, Percentage.withPercentage(0.01));
    assertThat(addition.epsilon(1e-5)).isCloseTo(added, within(0.1 * grid.mesh() + 2e-5));
    assertThat(removal.delta(2)).isCloseTo(deltaRemoved, Percentage.withPercentage(0.1));
    assertThat(addition.delta(2)).isCloseTo(deltaAdded, within(1e-3 * deltaAdded + 1e-11));
    PrivacyBounds both = PRV.epsilon(ledger(q, sigma, steps), 1e-5);
    assertThat(both.estimate()).isCloseTo(Math.max(removed, added), within(0.001 * removed));
  }

  /** Reference: both libraries give 3.93716. */
  @Test
  void phasesOfDifferentKindsCompose() {
    PrivacyLedger mixed =
        PrivacyLedger.empty().plus(1, 0.02, 500).plus(1.5, 0.05, 200).plus(3, 0.3, 10);
    PrivacyBounds bounds = PRV.epsilon(mixed, 1e-5);
    assertThat(bounds.estimate()).isCloseTo(3.937161, within(2e-5));
    assertThat(bounds.upper() - bounds.lower()).isLessThan(0.021);
    assertThat(RDP.epsilon(mixed, 1e-5).upper()).isBetween(4.336, 4.338482);
    assertThat(PRV.delta(mixed, 2).estimate())
        .isCloseTo(0.008122386, Percentage.withPercentage(0.1));
  }

  /** Reference: the exact δ(ε), one quadrature for two steps: δ₂ = E[δ₁(ε − loss of the other)]. */
  @ParameterizedTest
  @CsvSource({"0.3, 0.8, 0.1, 1.2, 0.5", "0.02, 0.5, 0.6, 2, 1", "1, 2, 0.05, 0.7, 0.1"})
  void twoStepsAreWhatQuadratureGives(
      double q, double sigma, double otherQ, double otherSigma, double epsilon) {
    double expected = 0;
    SampledGaussian first = new SampledGaussian(q, sigma, 1);
    int n = 200_000;
    double from = -12 * sigma;
    double width = (1 + 24 * sigma) / n;
    for (int i = 0; i < n; i++) {
      double x = from + (i + 0.5) * width;
      double loss = Math.log(1 - q + q * Math.exp((2 * x - 1) / (2 * sigma * sigma)));
      double density = first.density(Measure.P, x);
      expected += width * density * exactDelta(otherQ, otherSigma, epsilon - loss);
    }
    PrivacyBounds bounds = PRV.delta(ledger(q, sigma, 1).plus(otherSigma, otherQ, 1), epsilon);
    assertThat(bounds.lower()).isLessThanOrEqualTo(expected);
    assertThat(bounds.upper()).isGreaterThanOrEqualTo(expected);
    assertThat(bounds.estimate()).isCloseTo(expected, Percentage.withPercentage(0.1));
  }

  /** P[loss > ε] − e^ε Q[loss > ε], by removal. */
  private static double exactDelta(double q, double sigma, double epsilon) {
    double rest = (Math.exp(epsilon) - 1 + q) / q;
    if (rest <= 0) {
      return 1 - Math.exp(epsilon);
    }
    double x = sigma * sigma * Math.log(rest) + 0.5;
    double without = 0.5 * Erf.erfc(x / sigma / Math.sqrt(2));
    double with = 0.5 * Erf.erfc((x - 1) / sigma / Math.sqrt(2));
    return q * with + (1 - q - Math.exp(epsilon)) * without;
  }

  @ParameterizedTest
  @CsvSource({"0.25, 0.7, 0.5", "0.25, 0.7, 3", "0.01, 0.4, 1", "0.9, 6, 0.2"})
  void aSingleStepIsExact(double q, double sigma, double epsilon) {
    double expected = exactDelta(q, sigma, epsilon);
    PrivacyBounds delta = PRV.delta(ledger(q, sigma, 1), epsilon);
    assertThat(delta.estimate()).isCloseTo(expected, Percentage.withPercentage(0.2));
    assertThat(expected).isBetween(delta.lower(), delta.upper());
    PrivacyBounds back = PRV.epsilon(ledger(q, sigma, 1), expected);
    assertThat(epsilon).isBetween(back.lower(), back.upper());
    assertThat(back.estimate()).isCloseTo(epsilon, within(1e-3));
  }

  /** δ(ε) = Φ(−ε/μ + μ/2) − e^ε Φ(−ε/μ − μ/2), μ = √T/σ, with no sampling. */
  @ParameterizedTest
  @CsvSource({
    "1, 1, 1e-5",
    "1, 5, 1e-8",
    "10, 4, 1e-6",
    "1000, 30, 1e-5",
    "100, 3, 1e-3",
    "7, 0.05, 1e-5"
  })
  void withoutSamplingTheExactValueIsWithinTheBounds(long steps, double sigma, double delta) {
    double mu = Math.sqrt(steps) / sigma;
    PrivacyLedger ledger = ledger(1, sigma, steps);
    double epsilon = GDP.epsilon(ledger, delta).estimate();
    if (epsilon < 100) {
      double direct =
          0.5 * Erf.erfc((epsilon / mu - mu / 2) / Math.sqrt(2))
              - Math.exp(epsilon) * 0.5 * Erf.erfc((epsilon / mu + mu / 2) / Math.sqrt(2));
      assertThat(direct).isCloseTo(delta, Percentage.withPercentage(1e-4));
    }
    PrivacyBounds prv = PRV.epsilon(ledger, delta);
    assertThat(epsilon).isBetween(prv.lower(), prv.upper());
    assertThat(prv.estimate()).isCloseTo(epsilon, within(1e-5 + 1e-5 * epsilon));
    assertThat(RDP.epsilon(ledger, delta).upper()).isGreaterThan(epsilon);
    PrivacyBounds back = PRV.delta(ledger, epsilon);
    assertThat(delta).isBetween(back.lower(), back.upper());
  }

  @Test
  void integerOrdersAloneGiveMore() {
    PrivacyLedger ledger = ledger(0.05, 1, 1000);
    PrivacyBounds prv = PRV.epsilon(ledger, 1e-5);
    assertThat(prv.lower()).isCloseTo(10.976, within(5e-4));
    assertThat(prv.estimate()).isCloseTo(10.987, within(5e-4));
    assertThat(prv.upper()).isCloseTo(10.997, within(5e-4));
    assertThat(GDP.epsilon(ledger, 1e-5).estimate()).isCloseTo(10.45, within(5e-3));
    double best = Double.POSITIVE_INFINITY;
    SampledGaussian step = new SampledGaussian(0.05, 1, 1);
    for (int order = 2; order < 64; order++) {
      best =
          Math.min(
              best,
              1000 * step.renyi(order - 1)
                  - Math.log(1e-5 * order) / (order - 1)
                  + Math.log1p(-1.0 / order));
    }
    assertThat(best).isCloseTo(12.06, within(5e-3));
    assertThat(RDP.epsilon(ledger, 1e-5).upper()).isLessThan(best);
  }

  @Test
  void epsilonGrowsWithWhatIsRevealed() {
    for (PrivacyAccountant accountant : List.of(PRV, RDP, GDP)) {
      double middle = accountant.epsilon(ledger(0.02, 1, 500), 1e-5).estimate();
      assertThat(accountant.epsilon(ledger(0.02, 1, 600), 1e-5).estimate()).isGreaterThan(middle);
      assertThat(accountant.epsilon(ledger(0.03, 1, 500), 1e-5).estimate()).isGreaterThan(middle);
      assertThat(accountant.epsilon(ledger(0.02, 1.1, 500), 1e-5).estimate()).isLessThan(middle);
      assertThat(accountant.epsilon(ledger(0.02, 1, 500), 2e-5).estimate()).isLessThan(middle);
      double delta = accountant.delta(ledger(0.02, 1, 500), 2).estimate();
      assertThat(accountant.delta(ledger(0.02, 1, 500), 2.5).estimate()).isLessThan(delta);
      assertThat(accountant.delta(ledger(0.02, 1, 600), 2).estimate()).isGreaterThan(delta);
    }
  }

  @Test
  void epsilonAndDeltaAreInverses() {
    PrivacyLedger ledger = ledger(0.02, 1, 500).plus(2, 0.1, 30);
    for (PrivacyAccountant accountant : List.of(PRV, RDP, GDP)) {
      double epsilon = accountant.epsilon(ledger, 1e-5).estimate();
      assertThat(accountant.delta(ledger, epsilon).estimate())
          .isCloseTo(1e-5, Percentage.withPercentage(0.1));
    }
  }

  @Test
  void orderAndDivisionOfStepsDoNotMatter() {
    PrivacyLedger whole = ledger(0.1, 1.2, 60).plus(2, 0.3, 20);
    PrivacyLedger pieces =
        ledger(0.1, 1.2, 40).plus(2, 0.3, 20).plus(1.2, 0.1, 20).plus(1, 0, 99).plus(1, 0.5, 0);
    for (PrivacyAccountant accountant : List.of(PRV, RDP, GDP)) {
      assertThat(accountant.epsilon(pieces, 1e-5)).isEqualTo(accountant.epsilon(whole, 1e-5));
    }
  }

  @Test
  void whatRevealsNothingCostsNothing() {
    PrivacyBounds nothing = new PrivacyBounds(0, 0, 0);
    for (PrivacyAccountant accountant : List.of(PRV, RDP, GDP)) {
      for (PrivacyLedger ledger :
          List.of(PrivacyLedger.empty(), ledger(0, 1, 1000), ledger(1, 1, 0))) {
        assertThat(accountant.epsilon(ledger, 1e-5)).isEqualTo(nothing);
        assertThat(accountant.delta(ledger, 0)).isEqualTo(nothing);
      }
    }
  }

  @Test
  void extremesHaveBoundsThatHold() {
    PrivacyBounds little = PRV.epsilon(ledger(1e-4, 20, 10), 1e-7);
    assertThat(little.upper()).isEqualTo(RDP.epsilon(ledger(1e-4, 20, 10), 1e-7).upper());
    assertThat(little.upper()).isLessThan(1e-3);
    PrivacyBounds tiny = PRV.epsilon(ledger(1, 1e-3, 10), 1e-5);
    double exact = GDP.epsilon(ledger(1, 1e-3, 10), 1e-5).estimate();
    assertThat(exact).isBetween(tiny.lower(), tiny.upper()).isGreaterThan(5e6);
    assertThat(RDP.epsilon(ledger(0.01, 1e-4, 1), 1e-9).upper()).isFinite().isGreaterThan(1e7);
    assertThat(RDP.epsilon(ledger(1e-6, 1, 1_000_000_000_000L), 1e-5).upper()).isFinite();
    assertThat(GDP.epsilon(ledger(0.1, 1, 10), 1e-5).upper()).isInfinite();
    assertThat(RDP.epsilon(ledger(0.1, 1, 10), 1e-300).upper()).isFinite();
  }

  @Test
  void whatDoublePrecisionCannotSayIsRefused() {
    assertThatThrownBy(() -> PRV.epsilon(ledger(0.1, 1, 10), 1e-16))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("delta is 1.0E-16, expected more than")
        .hasMessageContaining("rdp()");
    assertThatThrownBy(() -> PRV.epsilon(ledger(1e-6, 1, Long.MAX_VALUE), 1e-5))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("steps, expected fewer");
    assertThatThrownBy(() -> GDP.epsilon(ledger(0.1, 0.01, 1), 1e-5))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("prv()");
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 1, -1e-5, 2, Double.NaN})
  void aDeltaOutOfRangeIsNamed(double delta) {
    for (PrivacyAccountant accountant : List.of(PRV, RDP, GDP)) {
      assertThatThrownBy(() -> accountant.epsilon(PrivacyLedger.empty(), delta))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("delta is " + delta);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, Double.POSITIVE_INFINITY, Double.NaN})
  void anEpsilonOutOfRangeIsNamed(double epsilon) {
    for (PrivacyAccountant accountant : List.of(PRV, RDP, GDP)) {
      assertThatThrownBy(() -> accountant.delta(PrivacyLedger.empty(), epsilon))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("epsilon is " + epsilon);
    }
  }
}
