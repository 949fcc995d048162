package org.backpack4j.samediff.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Derivatives of functions whose derivatives are known. */
class DerivativesTest {
  private static final double STEP = Math.scalb(1.0, -9);

  private static Curve curve(DoubleUnaryOperator... components) {
    return t -> {
      double[] values = new double[components.length];
      for (int k = 0; k < values.length; k++) {
        values[k] = components[k].applyAsDouble(t);
      }
      return values;
    };
  }

  private static Estimate slope(DoubleUnaryOperator... components) {
    Curve curve = curve(components);
    return Derivatives.slope(curve, curve.at(0), STEP);
  }

  @Test
  void smoothFunctions() {
    Estimate slope = slope(t -> Math.exp(1 + t), t -> Math.sin(3 * t), t -> 5, t -> t * t);

    assertThat(slope.values()[0]).isCloseTo(Math.E, within(1e-11));
    assertThat(slope.values()[1]).isCloseTo(3, within(1e-11));
    assertThat(slope.values()[2]).isZero();
    assertThat(slope.values()[3]).isCloseTo(0, within(1e-12));
    assertThat(slope.maxError()).isLessThan(1e-9);
  }

  @Test
  @DisplayName("an error is never estimated smaller than it is")
  void errorsAreHonest() {
    for (double frequency : new double[] {1e-6, 1e-3, 1, 10, 100, 1000}) {
      Estimate slope = slope(t -> 1 + Math.sin(frequency * t + 0.5));
      double expected = frequency * Math.cos(0.5);

      assertThat(Math.abs(slope.values()[0] - expected)).isLessThanOrEqualTo(slope.errors()[0]);
      assertThat(slope.errors()[0]).isLessThan(1e-7 * expected);
    }
  }

  @Test
  void kinksBesideThePointAreAvoided() {
    for (double distance : new double[] {1e-2, 1e-3, 1e-4, 1e-5, 2e-6}) {
      Estimate slope = slope(t -> 0.5 * t + Math.max(0, 3 * t - distance), t -> Math.exp(t));

      assertThat(slope.values()[0]).isCloseTo(0.5, within(1e-8));
      assertThat(slope.errors()[0]).isLessThan(1e-8);
      assertThat(slope.values()[1]).isCloseTo(1, within(1e-9));
    }
  }

  @Test
  @DisplayName(
      "a kink at the point itself has the same central difference at each step, but is seen")
  void kinkAtThePoint() {
    Estimate slope = slope(t -> Math.max(0, t), t -> 2 * t);

    assertThat(slope.values()[0]).isCloseTo(0.5, within(1e-9));
    assertThat(slope.errors()[0]).isCloseTo(0.5, within(1e-6));
    assertThat(slope.errors()[1]).isLessThan(1e-9);
  }

  @Test
  void jumpsAreUncertain() {
    assertThat(slope(t -> t < 0 ? 0 : 1).errors()[0]).isGreaterThan(1);
    assertThat(slope(t -> Math.rint(t) + t).values()[0]).isCloseTo(1, within(1e-10));
  }

  @Test
  void notANumberIsUncertain() {
    assertThat(slope(t -> Math.sqrt(t)).errors()[0]).isInfinite();
  }

  @Test
  void secondDerivatives() {
    Curve curve = curve(t -> Math.exp(2 * t), t -> 7 * t, t -> 0.5 * t * t);
    Estimate curvature = Derivatives.curvature(curve, curve.at(0), STEP);

    assertThat(curvature.values()[0]).isCloseTo(4, within(1e-8));
    assertThat(curvature.values()[1]).isCloseTo(0, within(1e-8));
    assertThat(curvature.values()[2]).isCloseTo(1, within(1e-8));
    assertThat(curvature.maxError()).isLessThan(1e-7);
  }

  @Test
  @DisplayName("log-sum-exp along a direction of largest entry 1")
  void logSumExp() {
    Curve curve = curve(t -> Math.log(Math.exp(1 + t) + Math.exp(-t) + Math.exp(0.5)));
    double[] p = softmax(1, 0, 0.5);
    double slope = p[0] - p[1];
    double curvature = p[0] + p[1] - slope * slope;

    Estimate both = Derivatives.slopeAndCurvature(curve, curve.at(0));

    assertThat(both.values()[0]).isCloseTo(slope, within(1e-11));
    assertThat(both.values()[1]).isCloseTo(curvature, within(1e-10));
    assertThat(both.maxError()).isLessThan(1e-8);
  }

  @Test
  @DisplayName("a square error so large that small steps drown in rounding")
  void largeValues() {
    Curve curve = curve(t -> (1e5 + t) * (1e5 + t));
    Estimate both = Derivatives.slopeAndCurvature(curve, curve.at(0));

    assertThat(both.values()[0]).isCloseTo(2e5, within(1e-4));
    assertThat(both.values()[1]).isCloseTo(2, within(1e-6));
  }

  private static double[] softmax(double... z) {
    double sum = 0;
    for (double value : z) {
      sum += Math.exp(value);
    }
    double[] p = new double[z.length];
    for (int k = 0; k < z.length; k++) {
      p[k] = Math.exp(z[k]) / sum;
    }
    return p;
  }

  @Test
  @DisplayName("a loss near zero is known no better than the logarithm that it is")
  void smallLosses() {
    for (double margin : new double[] {10, 16, 18, 25, 33}) {
      Curve curve = curve(t -> Math.log(1 + Math.exp(t - margin)));
      double p = 1 / (1 + Math.exp(margin));
      Estimate both = Derivatives.slopeAndCurvature(curve, curve.at(0));
      Estimate slope = Derivatives.slopeOfLoss(curve, curve.at(0), STEP);
      Estimate curvature = Derivatives.curvature(curve, curve.at(0), STEP);

      assertThat(Math.abs(both.values()[0] - p)).isLessThanOrEqualTo(both.errors()[0]);
      assertThat(Math.abs(both.values()[1] - p * (1 - p))).isLessThanOrEqualTo(both.errors()[1]);
      assertThat(Math.abs(slope.values()[0] - p)).isLessThanOrEqualTo(slope.errors()[0]);
      assertThat(Math.abs(curvature.values()[0] - p * (1 - p)))
          .isLessThanOrEqualTo(curvature.errors()[0]);
    }
  }
}
