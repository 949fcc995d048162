package org.backpack4j.samediff.extension;

import java.io.Serializable;

/**
 * Products of a Fisher matrix of all parameters asked for with vectors, {@code
 * fisher_vector_product}: Σₙ gₙ gₙᵀ v. With the gradients gₙ of the samples' parts of the loss, as
 * {@link BatchGrad} gives them, it is the empirical one. With gradients at labels that are drawn
 * from the model, it has the Fisher matrix as its mean, which of a loss that is a negative
 * log-likelihood (softmax and sigmoid cross-entropy, squared errors) is the generalised
 * Gauss-Newton matrix; that one's exact products are {@link GGNProduct}'s (Martens, 2020, "New
 * insights and perspectives on the natural gradient method").
 *
 * <p>The vectors are fed, as {@link GGNProduct}'s are.
 */
public final class FisherProduct implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final Columns columns;

  private FisherProduct(Columns columns) {
    this.columns = columns;
  }

  /** The empirical Fisher matrix, times one vector. */
  public FisherProduct() {
    this(new Columns(Columns.Kind.FISHER_VECTORS, 0, 0));
  }

  /**
   * The empirical Fisher matrix, times several vectors at once.
   *
   * @param vectors how many, at least one
   * @throws IllegalArgumentException if there is not at least one
   */
  public FisherProduct(int vectors) {
    this(new Columns(Columns.Kind.FISHER_VECTORS, Columns.several(vectors), 0));
  }

  /**
   * A Fisher matrix of labels drawn from the model, times one vector.
   *
   * @param samples how many labels for each input, at least one
   * @param seed the seed of the random numbers: each evaluation draws others
   * @return the extension, with the field {@code fisher_vector_product_mc}
   * @throws IllegalArgumentException if there is not at least one
   */
  public static FisherProduct sampled(int samples, long seed) {
    int checked = Columns.sampled(samples, seed).samples();
    return new FisherProduct(new Columns(Columns.Kind.SAMPLED_VECTORS, checked, seed));
  }

  @Override
  public String field() {
    return columns.random() ? "fisher_vector_product_mc" : "fisher_vector_product";
  }

  @Override
  public Columns columns() {
    return columns;
  }

  @Override
  public Combination combination(String result) {
    return Combination.sum(columns.random() ? 1 : 2);
  }
}
