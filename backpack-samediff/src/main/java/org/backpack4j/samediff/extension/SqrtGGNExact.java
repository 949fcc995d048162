package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The columns of an exact square root of the generalised Gauss-Newton matrix, {@code
 * sqrt_ggn_exact} [V, N, P…]: U[v, n] = Jₙᵀ Sₙᵥ with Sₙ Sₙᵀ = Hₙ, the second derivative of sample
 * n's loss by the predictions. The parameter's block of the matrix is Σᵥₙ vec(U[v, n]) vec(U[v,
 * n])ᵀ.
 *
 * <p>A square root is not unique. Softmax cross-entropy has one of C − 1 columns here (Tanabe and
 * Sagae, 1992), BackPACK's has C; the matrix, the Gram matrix' eigenvalues and everything that is
 * made of them are the same. V counts the columns of all losses.
 */
public final class SqrtGGNExact implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  /** The exact square root. */
  public SqrtGGNExact() {}

  @Override
  public String field() {
    return "sqrt_ggn_exact";
  }

  @Override
  public Combination combination(String result) {
    return Combination.rows(0.5);
  }

  @Override
  public Columns columns() {
    return Columns.EXACT;
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
