package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The columns of a sampled square root of the generalised Gauss-Newton matrix, {@code sqrt_ggn_mc}
 * [M, N, P…]: gradients at labels drawn from the model, over √M, so that the mean of Σₘₙ vec(U[m,
 * n]) vec(U[m, n])ᵀ is the parameter's block.
 */
public final class SqrtGGNMC implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final Columns columns;

  /** One sample for each input, seed 0. */
  public SqrtGGNMC() {
    this(1, 0);
  }

  /**
   * A number of samples for each input, seed 0.
   *
   * @param mcSamples how many labels are drawn for each input, at least one
   */
  public SqrtGGNMC(int mcSamples) {
    this(mcSamples, 0);
  }

  /**
   * A number of samples for each input.
   *
   * @param mcSamples how many labels are drawn for each input, at least one
   * @param seed the seed of the sequence of random numbers
   * @throws IllegalArgumentException if {@code mcSamples} is less than one
   */
  public SqrtGGNMC(int mcSamples, long seed) {
    this(Columns.sampled(mcSamples, seed));
  }

  /**
   * Random signs instead of drawn labels: sums of the columns of the exact square root, with random
   * signs. Unbiased as well, exact with as many sums as columns (of two classes: with one), and of
   * a confident classifier a fraction of the error of as many labels.
   *
   * @param sums how many sums for each input, at least one
   * @param seed the seed of the sequence of random signs
   * @return the extension
   * @throws IllegalArgumentException if {@code sums} is less than one
   */
  public static SqrtGGNMC signs(int sums, long seed) {
    return new SqrtGGNMC(Columns.mixed(sums, seed));
  }

  private SqrtGGNMC(Columns columns) {
    this.columns = columns;
  }

  @Override
  public String field() {
    return "sqrt_ggn_mc";
  }

  @Override
  public Combination combination(String result) {
    return Combination.rows(0.5);
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
    return SquareRoot.of(emit, contributions);
  }
}
