package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.internal.contribution.KroneckerFactors.Positions;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;

/**
 * Kronecker factors of a sampled generalised Gauss-Newton matrix, {@code kfac} (Martens and Grosse,
 * 2015, "Optimizing neural networks with Kronecker-factored approximate curvature"; Grosse and
 * Martens, 2016), in BackPACK's convention, which {@link KFLR} describes: the columns are gradients
 * at labels drawn from the model.
 *
 * <p>Results for a parameter w: {@code w.kfac.B} [O, O] and {@code w.kfac.A} [I, I] of a weight
 * that multiplies (dense, convolution, transposed convolution, recurrent), whose block is B ⊗ A
 * with w seen as a matrix [O, I]: the rows of B are the outputs, those of A all other axes of w, in
 * w's own order. So A's rows are [in] for a dense weight of DL4J [in, out], (channel, row, column)
 * for a convolution's [out, channel, row, column], and (row, column, channel) for SameDiff's [row,
 * column, channel, out]. A table that is looked up in has the diagonal {@code A_diag} [rows] in the
 * place of A. A parameter of another kind, such as a bias or a scale, has its exact block {@code B}
 * [P, P] if it has at most 4096 entries, else its diagonal {@code diag} [P…].
 */
public final class KFAC implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final Columns columns;

  /** One label for each input, seed 0. */
  public KFAC() {
    this(1, 0);
  }

  /**
   * A number of labels for each input, seed 0.
   *
   * @param mcSamples how many labels are drawn for each input, at least one
   */
  public KFAC(int mcSamples) {
    this(mcSamples, 0);
  }

  /**
   * A number of labels for each input.
   *
   * @param mcSamples how many labels are drawn for each input, at least one
   * @param seed the seed of the sequence of random numbers
   * @throws IllegalArgumentException if {@code mcSamples} is less than one
   */
  public KFAC(int mcSamples, long seed) {
    this(Columns.sampled(mcSamples, seed));
  }

  /**
   * Random signs instead of drawn labels: sums of the columns of the exact square root, with random
   * signs. Unbiased as well, and exact with as many sums as columns.
   *
   * @param sums how many sums for each input, at least one
   * @param seed the seed of the sequence of random signs
   * @return the extension
   * @throws IllegalArgumentException if {@code sums} is less than one
   */
  public static KFAC signs(int sums, long seed) {
    return new KFAC(Columns.mixed(sums, seed));
  }

  private KFAC(Columns columns) {
    this.columns = columns;
  }

  @Override
  public String field() {
    return "kfac";
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
    return Kronecker.results(emit, Positions.BACKPACK, contributions);
  }
}
