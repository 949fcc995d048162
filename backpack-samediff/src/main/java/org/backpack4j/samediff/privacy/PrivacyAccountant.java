package org.backpack4j.samediff.privacy;

/**
 * Turns what a training did into (ε, δ): for every set of outcomes S, P[S] ≤ e^ε Q[S] + δ, where P
 * and Q are the distributions of all that the training published, with and without any one sample.
 *
 * <p>Every step draws each sample with probability q, sums the clipped gradients of those it drew,
 * and adds Gaussian noise of σ times the clipping norm (the sampled Gaussian mechanism). Both
 * directions count: P may be with the sample and Q without (it is removed), or the other way (it is
 * added); the answer is the larger of the two. Replacing one sample by another is a different
 * relation, and costs more.
 *
 * <p>Batches of fixed size, shuffled once an epoch, are not drawn in this way, and none of these
 * numbers holds for them.
 */
public interface PrivacyAccountant {
  /**
   * The smallest ε that goes with a δ.
   *
   * @param ledger what was done
   * @param delta δ, between 0 and 1, both excluded; commonly well below one over the number of
   *     samples
   * @return bounds of ε
   * @throws IllegalArgumentException if δ is out of its range
   * @throws ArithmeticException if double precision or memory does not suffice for an answer
   */
  PrivacyBounds epsilon(PrivacyLedger ledger, double delta);

  /**
   * The smallest δ that goes with an ε.
   *
   * @param ledger what was done
   * @param epsilon ε, not negative
   * @return bounds of δ
   * @throws IllegalArgumentException if ε is out of its range
   * @throws ArithmeticException if double precision or memory does not suffice for an answer
   */
  PrivacyBounds delta(PrivacyLedger ledger, double epsilon);

  /**
   * The accountant to use unless there is a reason not to: the distribution of the privacy loss
   * itself, discretised and composed by Fourier transform, with bounds on both sides (Gopi, Lee and
   * Wutschitz, 2021, "Numerical composition of differential privacy").
   *
   * <p>The bounds are those of their Theorem 5.5: for an error e of ε and one of δ, here δ / 1000
   * and what rounding may add, ε lies between ε̃(δ + δ / 1000) − e and ε̃(δ − δ / 1000) + e. The
   * error e is 0.01, less where ε is small (a fiftieth of the Rényi accountant's, not under 0.001),
   * more where ε is large (a two-thousandth of it) or where the steps are so many that the grid
   * would not fit into 2²³ points; the estimate is commonly nearer by orders of magnitude. No bound
   * is worse than the Rényi accountant's. A thousand steps take a fraction of a second; memory is
   * at most 0.3 GB.
   *
   * @return the accountant, of no state
   */
  static PrivacyAccountant prv() {
    return new PrvAccountant();
  }

  /**
   * The Rényi accountant (Mironov, 2017, "Rényi differential privacy"; Mironov, Talwar and Zhang,
   * 2019, "Rényi differential privacy of the sampled Gaussian mechanism"), turned into (ε, δ) by
   * Balle et al., 2020, "Hypothesis testing interpretations and Rényi differential privacy",
   * Theorem 21. Fast, for any number of steps and any δ; an upper bound, commonly some percent
   * above {@link #prv}, and therefore with a lower bound of 0.
   *
   * <p>The order is optimised over all real numbers above 1. The divergence at an order is an
   * integral of a function without a sign change, so that nothing cancels at fractional orders or
   * tiny sampling rates.
   *
   * @return the accountant, of no state
   */
  static PrivacyAccountant rdp() {
    return new RdpAccountant();
  }

  /**
   * Gaussian differential privacy by a central limit theorem (Dong, Roth and Su, 2019, "Gaussian
   * differential privacy"; Bu, Dong, Long and Su, 2019, "Deep learning with Gaussian differential
   * privacy"): μ² = Σ q² T (exp(1/σ²) − 1). An <em>approximation</em> that is commonly below the
   * true ε, so its upper bound is infinite. Where no step samples (q = 1) the estimate is exact.
   *
   * @return the accountant, of no state
   */
  static PrivacyAccountant approximateGdp() {
    return new GdpAccountant();
  }
}
