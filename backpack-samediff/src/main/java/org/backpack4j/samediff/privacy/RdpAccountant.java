package org.backpack4j.samediff.privacy;

import java.util.List;
import java.util.function.DoubleUnaryOperator;

/** See {@link PrivacyAccountant#rdp}. Orders α are written as α − 1, which may be tiny. */
final class RdpAccountant implements PrivacyAccountant {
  private static final double LEAST = 1e-9;
  private static final double MOST = 1e5;
  private static final double RATIO = 1.5;
  private static final int RISES = 4;
  private static final int REFINEMENTS = 40;

  @Override
  public PrivacyBounds epsilon(PrivacyLedger ledger, double delta) {
    Checks.delta(delta);
    List<SampledGaussian> mechanisms = ledger.mechanisms();
    return mechanisms.isEmpty() ? PrivacyBounds.NOTHING : atMost(epsilon(mechanisms, delta));
  }

  @Override
  public PrivacyBounds delta(PrivacyLedger ledger, double epsilon) {
    Checks.epsilon(epsilon);
    List<SampledGaussian> mechanisms = ledger.mechanisms();
    return mechanisms.isEmpty() ? PrivacyBounds.NOTHING : atMost(delta(mechanisms, epsilon));
  }

  private static PrivacyBounds atMost(double value) {
    return new PrivacyBounds(0, value, value);
  }

  /** ε(α) = ρ(α) + ln((α−1)/α) − (ln δ + ln α)/(α−1), the least of all orders. */
  static double epsilon(List<SampledGaussian> mechanisms, double delta) {
    double least =
        least(
            less ->
                divergence(mechanisms, less)
                    + Math.log(less)
                    - Math.log1p(less)
                    - (Math.log(delta) + Math.log1p(less)) / less);
    return Math.max(0, least);
  }

  /** The same, solved for δ. */
  static double delta(List<SampledGaussian> mechanisms, double epsilon) {
    double least =
        least(
            less ->
                less * (divergence(mechanisms, less) - epsilon + Math.log(less) - Math.log1p(less))
                    - Math.log1p(less));
    return Math.min(1, Math.exp(least));
  }

  /** ρ(α): divergences add up over steps. */
  private static double divergence(List<SampledGaussian> mechanisms, double less) {
    double sum = 0;
    for (SampledGaussian mechanism : mechanisms) {
      sum += mechanism.steps() * mechanism.renyi(less);
    }
    return sum;
  }

  /**
   * The least value that is found: orders in geometric progression until the values only rise, then
   * a golden section. Every order gives a bound that holds, so an order that is missed costs
   * tightness alone.
   */
  private static double least(DoubleUnaryOperator bound) {
    double best = Double.POSITIVE_INFINITY;
    double at = LEAST;
    int rises = 0;
    double before = Double.POSITIVE_INFINITY;
    for (double less = LEAST; less < MOST && rises < RISES; less *= RATIO) {
      double value = bound.applyAsDouble(less);
      rises = value > before ? rises + 1 : 0;
      if (value < best) {
        best = value;
        at = less;
      }
      before = value;
    }
    return Math.min(best, golden(bound, Math.log(at / RATIO), Math.log(at * RATIO)));
  }

  private static double golden(DoubleUnaryOperator bound, double from, double to) {
    double section = (Math.sqrt(5) - 1) / 2;
    double low = from;
    double high = to;
    double left = high - section * (high - low);
    double right = low + section * (high - low);
    double atLeft = bound.applyAsDouble(Math.exp(left));
    double atRight = bound.applyAsDouble(Math.exp(right));
    for (int i = 0; i < REFINEMENTS && high - low > 1e-6; i++) {
      if (atLeft < atRight) {
        high = right;
        right = left;
        atRight = atLeft;
        left = high - section * (high - low);
        atLeft = bound.applyAsDouble(Math.exp(left));
      } else {
        low = left;
        left = right;
        atLeft = atRight;
        right = low + section * (high - low);
        atRight = bound.applyAsDouble(Math.exp(right));
      }
    }
    return Math.min(atLeft, atRight);
  }
}
