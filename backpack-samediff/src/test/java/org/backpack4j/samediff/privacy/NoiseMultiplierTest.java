package org.backpack4j.samediff.privacy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NoiseMultiplierTest {
  private static final PrivacyAccountant PRV = PrivacyAccountant.prv();
  private static final PrivacyAccountant RDP = PrivacyAccountant.rdp();

  @ParameterizedTest
  @CsvSource({
    "0.05, 1e-5, 0.01, 1000",
    "3, 1e-5, 0.05, 1000",
    "1, 1e-7, 0.3, 1",
    "8, 1e-6, 1, 50",
    "1000, 1e-5, 0.1, 10",
    "0.5, 1e-5, 1e-4, 100000"
  })
  void keepsToTheTargetAndHardlyMore(double epsilon, double delta, double q, long steps) {
    double sigma = NoiseMultiplier.forTarget(epsilon, delta, q, steps, RDP);
    double spent = RDP.epsilon(PrivacyLedger.empty().plus(sigma, q, steps), delta).upper();
    assertThat(spent).isBetween(0.999 * epsilon, epsilon);
  }

  @ParameterizedTest
  @CsvSource({"0.5, 1e-5, 0.02, 50", "30, 1e-5, 0.2, 20"})
  void keepsToTheTargetWithTheDefaultAccountant(
      double epsilon, double delta, double q, long steps) {
    double sigma = NoiseMultiplier.forTarget(epsilon, delta, q, steps, PRV);
    double spent = PRV.epsilon(PrivacyLedger.empty().plus(sigma, q, steps), delta).upper();
    assertThat(spent).isBetween(0.999 * epsilon, epsilon);
    assertThat(sigma).isLessThan(NoiseMultiplier.forTarget(epsilon, delta, q, steps, RDP));
  }

  @Test
  void anAccountantWithoutAnUpperBoundIsRefused() {
    assertThatThrownBy(
            () -> NoiseMultiplier.forTarget(1, 1e-5, 0.1, 10, PrivacyAccountant.approximateGdp()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("accountant is an approximation");
  }

  @Test
  void aTargetOutOfReachIsNamed() {
    assertThatThrownBy(() -> NoiseMultiplier.forTarget(1e-9, 1e-5, 1, 1_000_000_000_000L, RDP))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is enough");
    assertThatThrownBy(() -> NoiseMultiplier.forTarget(1e12, 1e-5, 1, 1, RDP))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is needed");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1e-5, 0.1, 10, epsilon",
    "-1, 1e-5, 0.1, 10, epsilon",
    "1, 0, 0.1, 10, delta",
    "1, 1e-5, 0, 10, samplingRate",
    "1, 1e-5, 1.5, 10, samplingRate",
    "1, 1e-5, 0.1, 0, steps"
  })
  void whatIsOutOfRangeIsNamed(double epsilon, double delta, double q, long steps, String name) {
    assertThatThrownBy(() -> NoiseMultiplier.forTarget(epsilon, delta, q, steps, RDP))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(name)
        .hasMessageContaining("expected");
  }
}
