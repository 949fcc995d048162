package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.internal.contribution.KroneckerFactors.Positions;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;

/**
 * Kronecker factors for weights that act at several positions, {@code kfac_expand} (Eschenhagen,
 * Immer, Turner, Schneider and Hennig, 2023, "Kronecker-factored approximate curvature for modern
 * neural network architectures"). Every position counts as a sample: A = Σₙₜ x xᵀ / (N T), B = Σₙᵥₜ
 * s sᵀ. Of one position it is {@link KFLR} or {@link KFAC}.
 *
 * <p>Columns choose the type: {@link Columns#EXACT}, {@link Columns#sampled} and {@link
 * Columns#mixed} (fields with the suffix {@code _mc}), or {@link Columns#GRADIENT} for the
 * empirical Fisher matrix ({@code _empirical}), of the samples' gradients as {@link BatchGrad}
 * gives them.
 *
 * <p>Results for a parameter w: {@code w.kfac_expand.B} [O, O] and {@code w.kfac_expand.A} [I, I]
 * of a weight that multiplies (dense, convolution, transposed convolution, recurrent), whose block
 * is B ⊗ A with w seen as a matrix [O, I]: the rows of B are the outputs, those of A all other axes
 * of w, in w's own order. So A's rows are [in] for a dense weight of DL4J [in, out], (channel, row,
 * column) for a convolution's [out, channel, row, column], and (row, column, channel) for
 * SameDiff's [row, column, channel, out]. A table that is looked up in has the diagonal {@code
 * A_diag} [rows] in the place of A. A parameter of another kind, such as a bias or a scale, has its
 * exact block {@code B} [P, P] if it has at most 4096 entries, else its diagonal {@code diag} [P…].
 */
public final class KFACExpand implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final Columns columns;

  /** Exact columns. */
  public KFACExpand() {
    this(Columns.EXACT);
  }

  /**
   * Columns of a kind.
   *
   * @param columns the columns
   * @throws IllegalArgumentException if they are the Hessian's, a factor of which need not be
   *     positive
   */
  public KFACExpand(Columns columns) {
    this.columns = Kronecker.checked(columns);
  }

  @Override
  public String field() {
    return "kfac_expand" + Kronecker.suffix(columns);
  }

  @Override
  public Combination combination(String result) {
    return Kronecker.combination(columns(), result);
  }

  @Override
  public Columns columns() {
    return columns;
  }

  @Override
  public boolean additive() {
    return true;
  }

  @Override
  public boolean unsigned() {
    return true;
  }

  @Override
  public List<Result> results(Emitter emit, List<ParameterVjp> contributions) {
    return Kronecker.results(emit, Positions.EXPAND, contributions);
  }
}
