package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;

/**
 * The corrected eigenvalues of a Kronecker-factored block, {@code ekfac} (George, Laurent,
 * Bouthillier, Ballas and Vincent, 2018, "Fast approximate natural gradient descent in a
 * Kronecker-factored eigenbasis", equation 11): with G[n, v] the columns as matrices [O, I] and the
 * eigenvectors Q_B of B and Q_A of A, λ = Σₙᵥ (Q_Bᵀ G[n, v] Q_A)², entry by entry. The block is
 * (Q_B ⊗ Q_A) diag(λ) (Q_B ⊗ Q_A)ᵀ then: of all matrices with these eigenvectors the nearest to the
 * exact block, whose trace it has, never further away than B ⊗ A.
 *
 * <p>The eigenvectors are fed, since they come from a pass of their own: those of the factors of
 * {@link KFACExpand} (or of {@link KFACReduce}, {@link KFAC}, {@link KFLR}: any orthogonal
 * matrices) by the placeholders {@code w.ekfac.Q_B} [O, O] and {@code w.ekfac.Q_A} [I, I], an
 * eigenvector in each column. Over a data set the results of its batches add up as the diagonal's
 * do.
 *
 * <p>Results for a parameter {@code w}: {@code w.ekfac} [O, I]. Of a table that is looked up in, A
 * is diagonal and there is no {@code Q_A}. A parameter of another kind, a bias or scale, whose
 * exact block B has at most 4096 rows, has Q_B alone and the eigenvalues [P]; a larger one has its
 * diagonal {@code w.ekfac.diag} [P…] and no placeholder.
 */
public final class EKFAC implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final Columns columns;

  /** Exact columns. */
  public EKFAC() {
    this(Columns.EXACT);
  }

  /**
   * Columns of a kind.
   *
   * @param columns the columns: exact, sampled ({@code ekfac_mc}) or the gradients ({@code
   *     ekfac_empirical})
   * @throws IllegalArgumentException if they are the Hessian's
   */
  public EKFAC(Columns columns) {
    this.columns = Kronecker.checked(columns);
  }

  @Override
  public String field() {
    return "ekfac" + Kronecker.suffix(columns);
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
  public boolean readsPlaceholders() {
    return true;
  }

  @Override
  public boolean unsigned() {
    return true;
  }

  @Override
  public List<Result> results(Emitter emit, String parameter, List<ParameterVjp> contributions) {
    return Kronecker.secondMoments(emit, parameter + "." + field(), contributions);
  }

  @Override
  public Combination combination(String result) {
    return Combination.sum(columns.secondOrder() ? 1 : 2);
  }
}
