package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * An unbiased estimate of the diagonal of the Hessian, {@code diag_h_mc} [P…]: of each op that is
 * not linear the columns of one sign are added up with random signs to {@code mcSamples} columns,
 * so that an op costs 2 {@code mcSamples} columns however many entries it has. Every evaluation
 * draws new signs; the sequence is given by the seed.
 *
 * <p>Martens, Sutskever and Swersky, 2012, "Estimating the Hessian by back-propagating curvature".
 */
public final class DiagHessianMC implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final Columns columns;

  /** One sum for each op and sign, seed 0. */
  public DiagHessianMC() {
    this(1, 0);
  }

  /**
   * A number of sums for each op and sign.
   *
   * @param mcSamples how many sums, at least one
   * @param seed the seed of the sequence of random signs
   * @throws IllegalArgumentException if {@code mcSamples} is less than one
   */
  public DiagHessianMC(int mcSamples, long seed) {
    this.columns = Columns.hessianMixed(mcSamples, seed);
  }

  @Override
  public String field() {
    return "diag_h_mc";
  }

  @Override
  public Combination combination(String result) {
    return Combination.sum(1);
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
    return contributions.stream().map(ParameterVjp::squaredSum).reduce(emit::add).orElseThrow();
  }
}
