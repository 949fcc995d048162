package org.backpack4j.dl4j.laplace;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.DoubleSupplier;

/** Chooses the prior's precisions. */
final class PriorTuning {
  private static final int STEPS = 32;

  private PriorTuning() {}

  /** By the marginal likelihood, a regression's noise with them. */
  static void byEvidence(Fitted fitted, Prior prior, boolean perLayer) {
    List<List<String>> groups = fitted.groups(perLayer);
    Map<String, Double> now = prior.precisions(fitted);
    double[] start =
        groups.stream().mapToDouble(g -> Objects.requireNonNull(now.get(g.get(0)))).toArray();
    boolean withNoise = prior.tunesNoise(fitted);
    Evidence evidence = fitted.evidence(groups);
    Evidence.Maximum maximum = evidence.maximise(start, prior.sigma(fitted), withNoise);
    if (groups.size() == 1) {
      prior.all(maximum.precisions()[0]);
    } else {
      prior.given = evidence.byParameter(maximum.precisions());
    }
    if (withNoise) {
      prior.noise = maximum.noise();
      prior.tuned = true;
    }
  }

  /**
   * By the loss of predictions, one for all of 10⁻⁴ … 10⁴.
   *
   * @param loss the loss with the prior as it is then
   */
  static void byLoss(Prior prior, DoubleSupplier loss) {
    double before = prior.everywhere;
    Map<String, Double> own = prior.given;
    double best = Double.POSITIVE_INFINITY;
    double chosen = before;
    try {
      for (int k = 0; k <= STEPS; k++) {
        double precision = Math.pow(10, -4 + k / 4.0);
        prior.all(precision);
        double here = loss.getAsDouble();
        if (here < best) {
          best = here;
          chosen = precision;
        }
      }
      if (Double.isInfinite(best)) {
        throw new IllegalArgumentException(
            "The loss of the validation data is no finite number at any precision: look at their"
                + " labels, and at the link.");
      }
    } catch (RuntimeException e) {
      prior.everywhere = before;
      prior.given = own;
      throw e;
    }
    prior.all(chosen);
  }
}
