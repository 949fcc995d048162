package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.contribution.Contributions;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * A quadratic form of every sample's gradient, {@code <parameter>.grad_quadratic} [N]: gₙᵀ Q
 * diag(w) Qᵀ gₙ of {@link BatchGrad}'s rows gₙ, and {@code grad_quadratic} [N] over all parameters
 * that are asked for. With eigenvectors Q of a curvature matrix and w = 1 / (λ + δ) for its
 * eigenvalues it is gₙᵀ (C + δ)⁻¹ gₙ, the self-influence of the sample.
 *
 * <p>Basis and weights are fed. The basis is that of {@link EKFAC}: of a weight that multiplies
 * {@code w.grad_quadratic.Q_B} [O, O], {@code w.grad_quadratic.Q_A} [I, I] and {@code
 * w.grad_quadratic.weights} [O, I] for Σ w (Q_Bᵀ G[n] Q_A)²; of a table that is looked up in there
 * is no {@code Q_A}; a parameter of another kind of at most 4096 entries has {@code Q_B} [P, P] and
 * {@code weights} [P], a larger one {@code weights} [P…] alone, in its own basis. {@link #diagonal}
 * has the latter for every parameter.
 *
 * <p>Of a dense layer that acts at one position, and of a table, there is no gradient of any sample
 * in between.
 */
public final class GradQuadratic implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final boolean inOwnBasis;

  /** In a basis that is fed. */
  public GradQuadratic() {
    this(false);
  }

  private GradQuadratic(boolean inOwnBasis) {
    this.inOwnBasis = inOwnBasis;
  }

  /**
   * In the parameters' own basis: Σ w gₙ², with weights of the parameters' shapes.
   *
   * @return the extension
   */
  public static GradQuadratic diagonal() {
    return new GradQuadratic(true);
  }

  @Override
  public String field() {
    return "grad_quadratic";
  }

  @Override
  public Columns columns() {
    return Columns.GRADIENT;
  }

  @Override
  public boolean readsPlaceholders() {
    return true;
  }

  @Override
  public Combination combination(String result) {
    return Combination.rows(2);
  }

  @Override
  public List<Result> results(Emitter emit, String parameter, List<ParameterVjp> contributions) {
    return List.of(new Result("", quadratic(emit, parameter, contributions), true));
  }

  private Tensor quadratic(Emitter emit, String parameter, List<ParameterVjp> contributions) {
    ParameterVjp gradient = Contributions.sum(contributions);
    String name = parameter + "." + field();
    return inOwnBasis
        ? Kronecker.diagonal(emit, name, gradient)
        : Kronecker.quadratic(emit, name, gradient);
  }

  @Override
  public List<Result> together(Emitter emit, Map<String, List<ParameterVjp>> contributions) {
    return contributions.entrySet().stream()
        .map(e -> quadratic(emit, e.getKey(), e.getValue()))
        .reduce(emit::add)
        .map(sum -> List.of(new Result("", sum, true)))
        .orElse(List.of());
  }
}
