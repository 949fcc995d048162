package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.internal.contribution.KroneckerFactors.Positions;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;

/**
 * Kronecker factors of the exact generalised Gauss-Newton matrix, {@code kflr} (Botev, Ritter and
 * Barber, 2017, "Practical Gauss-Newton optimisation for deep learning"), in BackPACK's convention:
 * B = Σₙᵥ ŝ ŝᵀ with ŝ the column's cotangent at the layer's output, summed over positions, and A =
 * 1/N Σₙ Xₙ Xₙᵀ with Xₙ the layer's inputs at all positions. The loss's scale is in B alone. Exact
 * for one dense layer's weight and one sample; of a convolution it is too large by about the number
 * of positions: {@link KFACExpand} and {@link KFACReduce} are not.
 *
 * <p>Results for a parameter w: {@code w.kflr.B} [O, O] and {@code w.kflr.A} [I, I] of a weight
 * that multiplies (dense, convolution, transposed convolution, recurrent), whose block is B ⊗ A
 * with w seen as a matrix [O, I]: the rows of B are the outputs, those of A all other axes of w, in
 * w's own order. So A's rows are [in] for a dense weight of DL4J [in, out], (channel, row, column)
 * for a convolution's [out, channel, row, column], and (row, column, channel) for SameDiff's [row,
 * column, channel, out]. A table that is looked up in has the diagonal {@code A_diag} [rows] in the
 * place of A. A parameter of another kind, such as a bias or a scale, has its exact block {@code B}
 * [P, P] if it has at most 4096 entries, else its diagonal {@code diag} [P…].
 */
public final class KFLR implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  /** Exact columns. */
  public KFLR() {}

  @Override
  public String field() {
    return "kflr";
  }

  @Override
  public Combination combination(String result) {
    return Kronecker.combination(columns(), result);
  }

  @Override
  public Columns columns() {
    return Columns.EXACT;
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
    return Kronecker.results(emit, Positions.BACKPACK, contributions);
  }
}
