package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The diagonal of the Hessian, {@code diag_h} [P…]: Σₙ ∂²ℓₙ/∂θ², exact, of any graph whose ops have
 * second derivatives: with skips, products of branches, attention, layer norm and parameters that
 * are used more than once. Penalties (terms of parameters alone) are not part of it, as they are
 * not of the generalised Gauss-Newton matrix.
 *
 * <p>Every op that is not linear adds signed columns of its own second derivative, as many as it
 * has entries (Dangel, Kunstner and Hennig, ICLR 2020, Appendix A.3; Mizutani and Dreyfus, 2008).
 * {@link DiagHessianMC} mixes them to few.
 */
public final class DiagHessian implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  /** The exact diagonal of the Hessian. */
  public DiagHessian() {}

  @Override
  public String field() {
    return "diag_h";
  }

  @Override
  public Combination combination(String result) {
    return Combination.sum(1);
  }

  @Override
  public Columns columns() {
    return Columns.HESSIAN;
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
