package org.backpack4j.samediff.privacy;

import java.util.List;
import org.backpack4j.samediff.privacy.SampledGaussian.Measure;

/** See {@link PrivacyAccountant#prv}. */
final class PrvAccountant implements PrivacyAccountant {
  private static final double SHARE = 1e-3;
  private static final double LEAST_DELTA_ERROR = 1e-15;

  @Override
  public PrivacyBounds epsilon(PrivacyLedger ledger, double delta) {
    Checks.delta(delta);
    List<SampledGaussian> mechanisms = ledger.mechanisms();
    double most = mechanisms.isEmpty() ? 0 : RdpAccountant.epsilon(mechanisms, delta);
    if (most == 0) {
      return PrivacyBounds.NOTHING;
    }
    LossGrid grid = LossGrid.of(mechanisms, error(most), SHARE * delta);
    double lower = 0;
    double estimate = 0;
    double upper = 0;
    for (Measure from : Measure.values()) {
      ComposedLoss loss = ComposedLoss.of(mechanisms, grid, from);
      double off = loss.deltaError();
      if (off >= 0.5 * delta) {
        throw new ArithmeticException(
            "delta is %s, expected more than %s: so many steps cannot be followed to it in double"
                    .formatted(delta, 2 * off)
                + " precision; use PrivacyAccountant.rdp()");
      }
      lower = Math.max(lower, loss.epsilon(delta + off) - grid.epsilonError());
      estimate = Math.max(estimate, loss.epsilon(delta));
      upper = Math.max(upper, loss.epsilon(delta - off) + grid.epsilonError());
    }
    return atMost(most, lower, estimate, upper);
  }

  @Override
  public PrivacyBounds delta(PrivacyLedger ledger, double epsilon) {
    Checks.epsilon(epsilon);
    List<SampledGaussian> mechanisms = ledger.mechanisms();
    double most = mechanisms.isEmpty() ? 0 : RdpAccountant.delta(mechanisms, epsilon);
    if (most == 0) {
      return PrivacyBounds.NOTHING;
    }
    LossGrid grid =
        LossGrid.of(mechanisms, error(epsilon), Math.max(SHARE * most, LEAST_DELTA_ERROR));
    double lower = 0;
    double estimate = 0;
    double upper = 0;
    for (Measure from : Measure.values()) {
      ComposedLoss loss = ComposedLoss.of(mechanisms, grid, from);
      double off = loss.deltaError();
      lower = Math.max(lower, loss.delta(epsilon + grid.epsilonError()) - off);
      estimate = Math.max(estimate, loss.delta(epsilon));
      upper = Math.max(upper, loss.delta(epsilon - grid.epsilonError()) + off);
    }
    return atMost(most, lower, estimate, upper);
  }

  /** The Rényi accountant's bound holds, too. */
  private static PrivacyBounds atMost(double most, double lower, double estimate, double upper) {
    return new PrivacyBounds(
        Math.min(lower, most), Math.min(estimate, most), Math.min(upper, most));
  }

  /** By how much ε may be off: not more than matters, nor finer than anybody needs. */
  private static double error(double epsilon) {
    double fine = Math.min(Math.max(epsilon / 50, 1e-3), 1e-2);
    return Math.max(fine, epsilon / 2000);
  }
}
