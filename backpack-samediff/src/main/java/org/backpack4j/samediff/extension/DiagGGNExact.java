package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The exact diagonal of the generalised Gauss-Newton matrix, {@code diag_ggn_exact} [P…]: diag(Σₙ
 * Jₙᵀ Hₙ Jₙ), Jₙ the Jacobian of sample n's predictions, Hₙ the Hessian of the loss with respect to
 * them, the loss's scale included (Schraudolph, 2002; BackPACK, Dangel, Kunstner and Hennig, ICLR
 * 2020).
 */
public final class DiagGGNExact implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  /** The exact diagonal of the generalised Gauss-Newton matrix. */
  public DiagGGNExact() {}

  @Override
  public String field() {
    return "diag_ggn_exact";
  }

  @Override
  public Combination combination(String result) {
    return Combination.sum(1);
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
  public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
    return contributions.stream().map(ParameterVjp::squaredSum).reduce(emit::add).orElseThrow();
  }
}
