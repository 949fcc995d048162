package org.backpack4j.dl4j.laplace;

/** How probabilities come from normally distributed logits. */
public enum Link {
  /**
   * softmax(f / √(1 + π/8 v)), with f the logits and v their variances (MacKay, 1992); a sigmoid in
   * the same way.
   */
  PROBIT,

  /**
   * The mean of a Dirichlet distribution that matches the logits' distribution, projected to a sum
   * of zero (Hobbhahn, Kristiadi and Hennig, 2022, "Fast predictive uncertainty for classification
   * with Bayesian deep networks"). Of a softmax alone.
   */
  BRIDGE,

  /** The mean of the probabilities at logits that are drawn, from a seed. */
  SAMPLED
}
