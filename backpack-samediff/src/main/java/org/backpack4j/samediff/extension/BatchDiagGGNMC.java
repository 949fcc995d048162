package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Every sample's part of a sampled diagonal of the generalised Gauss-Newton matrix, {@code
 * diag_ggn_mc_batch} [N, P…]. The parts add up to the diagonal that {@link DiagGGNMC} gives with
 * the same number of samples and the same seed.
 */
public final class BatchDiagGGNMC implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final Columns columns;

  /** One sample for each input, seed 0. */
  public BatchDiagGGNMC() {
    this(1, 0);
  }

  /**
   * A number of samples for each input, seed 0.
   *
   * @param mcSamples how many labels are drawn for each input, at least one
   */
  public BatchDiagGGNMC(int mcSamples) {
    this(mcSamples, 0);
  }

  /**
   * A number of samples for each input.
   *
   * @param mcSamples how many labels are drawn for each input, at least one
   * @param seed the seed of the sequence of random numbers
   * @throws IllegalArgumentException if {@code mcSamples} is less than one
   */
  public BatchDiagGGNMC(int mcSamples, long seed) {
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
  public static BatchDiagGGNMC signs(int sums, long seed) {
    return new BatchDiagGGNMC(Columns.mixed(sums, seed));
  }

  private BatchDiagGGNMC(Columns columns) {
    this.columns = columns;
  }

  @Override
  public String field() {
    return "diag_ggn_mc_batch";
  }

  @Override
  public Combination combination(String result) {
    return Combination.rows(1);
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
  public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
    return contributions.stream()
        .map(ParameterVjp::squaredPerSample)
        .reduce(emit::add)
        .orElseThrow();
  }
}
