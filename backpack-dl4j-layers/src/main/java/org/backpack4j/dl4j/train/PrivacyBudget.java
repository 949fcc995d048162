package org.backpack4j.dl4j.train;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.backpack4j.samediff.privacy.NoiseMultiplier;
import org.backpack4j.samediff.privacy.PrivacyAccountant;
import org.backpack4j.samediff.privacy.PrivacyLedger;
import org.jspecify.annotations.Nullable;

/** What was spent, and how many steps are left. May be asked from any thread. */
final class PrivacyBudget {
  private final PrivacyAccountant accountant;
  private final @Nullable Double target;
  private final double delta;
  private final double rate;
  private final double sigma;
  private final AtomicLong left;
  private volatile PrivacyLedger ledger;

  /**
   * The budget of a training.
   *
   * @param chosen the choices
   * @param delta δ
   * @param rate q
   * @param planned how many steps are to be made
   * @throws IllegalArgumentException if it allows for no step
   */
  PrivacyBudget(PrivacyChoices chosen, double delta, double rate, long planned) {
    this.accountant = chosen.accountant;
    this.target = chosen.epsilon;
    this.ledger = chosen.ledger;
    this.delta = delta;
    this.rate = rate;
    this.sigma = multiplier(chosen, planned);
    this.left = new AtomicLong(steps(planned));
  }

  private double multiplier(PrivacyChoices chosen, long planned) {
    if (chosen.sigma != null) {
      return chosen.sigma;
    }
    List<PrivacyLedger.Phase> before = ledger.phases();
    if (!before.isEmpty()) {
      return before.get(before.size() - 1).noiseMultiplier();
    }
    double budget = PrivacyChoices.needed("epsilon(…)", target);
    return NoiseMultiplier.forTarget(budget, delta, rate, planned, accountant);
  }

  /** How many steps the budget allows for, and not more than are planned. */
  private long steps(long planned) {
    if (target == null || spentAfter(planned) <= target) {
      return planned;
    }
    long enough = 0;
    long tooMany = planned;
    while (tooMany - enough > 1) {
      long middle = enough + (tooMany - enough) / 2;
      if (spentAfter(middle) <= target) {
        enough = middle;
      } else {
        tooMany = middle;
      }
    }
    if (enough == 0) {
      throw new IllegalArgumentException(
          "epsilon %s at delta %s allows for no step with the noise multiplier %s%s: choose a larger"
                  .formatted(
                      target,
                      delta,
                      sigma,
                      ledger.phases().isEmpty() ? "" : " after what was spent before")
              + " budget or more noise");
    }
    return enough;
  }

  private double spentAfter(long steps) {
    return accountant.epsilon(ledger.plus(sigma, rate, steps), delta).upper();
  }

  /** ε until now. */
  double epsilon() {
    return accountant.epsilon(ledger, delta).upper();
  }

  PrivacyLedger ledger() {
    return ledger;
  }

  /** σ. */
  double sigma() {
    return sigma;
  }

  long left() {
    return left.get();
  }

  /**
   * Refuses a further step when there is none left.
   *
   * @throws PrivacyBudgetException if there is none
   */
  void check() {
    if (left.get() > 0) {
      return;
    }
    double spent = epsilon();
    throw new PrivacyBudgetException(
        "No further step: ε = %.4f at δ = %s was spent%s. Stop here, or build another engine with a"
                .formatted(
                    spent,
                    delta,
                    target == null ? ", and all epochs are made" : ", of a budget of " + target)
            + " larger budget or more epochs, and resume(ledger()).",
        spent);
  }

  /** Counts a step. */
  void spend() {
    ledger = ledger.plus(sigma, rate, 1);
    left.decrementAndGet();
  }
}
