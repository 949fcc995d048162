package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.contribution.Gram;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The Gram matrix of the columns of a square root of the generalised Gauss-Newton matrix, {@code
 * gram_ggn} (Dangel, Tatzel and Hennig, 2022, "ViViT"): for each parameter {@code w.gram_ggn} and
 * for all of those asked for together {@code gram_ggn}, their sum. Entry (n V + v, m V + u) is the
 * inner product of U[v, n] and U[u, m] of {@link SqrtGGNExact}; the matrix is [N V, N V]. Its
 * eigenvalues are those of the matrix that are not zero: of one parameter's block, or of all
 * parameters.
 *
 * <p>Where factors are cheaper, U is not made: of a dense layer the matrix is a product, entry by
 * entry, of the cotangents' and the inputs' Gram matrices.
 */
public final class GramGGN implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final Columns columns;

  /** That of the exact square root. */
  public GramGGN() {
    this(Columns.EXACT);
  }

  /**
   * That of columns of a kind.
   *
   * @param columns {@link Columns#EXACT}, {@link Columns#sampled} or {@link Columns#mixed}; {@link
   *     Columns#GRADIENT} for the gradients of the samples, whose Gram matrix is the empirical
   *     neural tangent kernel of the loss (field {@code gram_grad})
   * @throws IllegalArgumentException if they are of another kind
   */
  public GramGGN(Columns columns) {
    switch (columns.kind()) {
      case GRADIENT, EXACT, SAMPLED, MIXED -> this.columns = columns;
      default ->
          throw new IllegalArgumentException(
              columns.kind()
                  + " columns have no Gram matrix: use exact, sampled, mixed or gradient ones.");
    }
  }

  @Override
  public String field() {
    return columns.secondOrder() ? columns.random() ? "gram_ggn_mc" : "gram_ggn" : "gram_grad";
  }

  @Override
  public Columns columns() {
    return columns;
  }

  @Override
  public boolean unsigned() {
    return true;
  }

  @Override
  public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
    return Gram.of(emit, contributions);
  }

  @Override
  public List<Result> together(Emitter emit, Map<String, List<ParameterVjp>> contributions) {
    return contributions.values().stream()
        .map(of -> Gram.of(emit, of))
        .reduce(emit::add)
        .map(sum -> List.of(new Result("", sum, true)))
        .orElse(List.of());
  }

  @Override
  public Combination combination(String result) {
    // of one batch it scales as a curvature does, or a product of two gradients
    double degree = columns.secondOrder() ? 1 : 2;
    return new Combination(
        Combination.Kind.NONE,
        degree,
        "inner products of samples of two batches are not known to either");
  }
}
