package org.backpack4j.samediff.privacy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.apache.commons.math3.special.Erf;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NormalTailTest {
  /** Reference: mpmath with 30 digits, exp(x²) erfc(x). */
  @ParameterizedTest
  @CsvSource({
    "0, 1.0",
    "0.1, 0.896456979969126637",
    "0.5, 0.615690344192925875",
    "1, 0.427583576155807004",
    "2, 0.255395676310505744",
    "3.75, 0.145589721275038539",
    "5, 0.110704637733068626",
    "10, 0.0561409927438225859",
    "26, 0.0216835848505629066",
    "1000, 0.000564189301453387654"
  })
  void isTheScaledErrorFunctionToFourteenDigits(double x, double expected) {
    assertThat(NormalTail.erfcx(x)).isCloseTo(expected, Percentage.withPercentage(1e-12));
  }

  @Test
  void isTheTailOfCommonsMath() {
    for (double x = -8; x < 8; x += 0.037) {
      double expected = 0.5 * Erf.erfc(x / Math.sqrt(2));
      assertThat(NormalTail.above(x)).isCloseTo(expected, within(1e-11 * expected));
    }
  }

  /** ∫ₓ^∞ φ lies between φ(x) (1/x − 1/x³) and φ(x) / x: far out, too. */
  @Test
  void keepsItsDigitsFarOut() {
    for (double x : new double[] {10, 20, 37}) {
      double density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
      assertThat(NormalTail.above(x))
          .isBetween(density * (1 / x - 1 / (x * x * x)), density / x)
          .isPositive();
    }
    assertThat(NormalTail.above(Double.POSITIVE_INFINITY)).isZero();
    assertThat(NormalTail.above(Double.NEGATIVE_INFINITY)).isEqualTo(1);
  }
}
