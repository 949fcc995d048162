package org.backpack4j.samediff.spi;

import java.util.List;
import java.util.Optional;
import org.backpack4j.samediff.internal.contribution.Reindexed;
import org.backpack4j.samediff.internal.contribution.Signs;
import org.backpack4j.samediff.internal.contribution.Variances;
import org.jspecify.annotations.Nullable;

/**
 * What a cotangent [N, V, …] at one use of a parameter contributes there: the parameter's
 * transposed Jacobian applied to the cotangent, G[n, v] of the parameter's shape P, not computed
 * until it is asked for, and then in the cheapest way.
 *
 * <p>Columns of a Hessian that need not be positive carry signs s[n, v]; squares are weighted by
 * them.
 */
public interface ParameterVjp {
  /**
   * Where ops are inserted.
   *
   * @return the emitter
   */
  Emitter emit();

  /**
   * The signs of the columns.
   *
   * @return s [N, V] or [1, V]; null if all are +1
   */
  @Nullable Tensor signs();

  /**
   * Whether samples are kept apart.
   *
   * @return N, or one if the contribution stands for the sum over samples already
   */
  Dim samples();

  /**
   * G itself.
   *
   * @return [N, V, P…], or [1, V, P…] if it stands for the sum over samples already
   */
  Tensor perSample();

  /**
   * Σₙ G[n].
   *
   * @return [V, P…]
   */
  default Tensor sum() {
    return emit().sumOverSamples(perSample());
  }

  /**
   * Σₙ wₙ G[n]: the sum of samples that are weighted, as clipped gradients are.
   *
   * @param weights w [N], of any type
   * @return [V, P…]
   */
  default Tensor weightedSum(Tensor weights) {
    Tensor g = perSample();
    Dims each = g.dims().from(1);
    Tensor rows = emit().reshape(g, Dims.of(g.dims().get(0), each.product()));
    Tensor row =
        emit().reshape(emit().cast(weights, g.type()), Dims.of(Dim.ONE, weights.dims().get(0)));
    return emit().reshape(emit().matmul(row, false, rows, false), each);
  }

  /**
   * Σᵥ s[n, v] G[n, v]², entry by entry.
   *
   * @return [N, P…]
   */
  default Tensor squaredPerSample() {
    Tensor squares = Signs.weigh(emit(), emit().square(perSample()), signs());
    return emit().sum(squares, 1, 2);
  }

  /**
   * Σₙᵥ s[n, v] G[n, v]², entry by entry.
   *
   * @return [P…]
   */
  default Tensor squaredSum() {
    Tensor squares = Signs.weigh(emit(), emit().square(perSample()), signs());
    return emit().sum(squares, 0, 2);
  }

  /**
   * ‖G[n]‖², summed over the columns.
   *
   * @return [N]
   */
  default Tensor squaredNorm() {
    Tensor squares = Signs.weigh(emit(), emit().square(perSample()), signs());
    return emit().sum(squares, 1, squares.rank());
  }

  /**
   * The variance over the samples of a contribution with a single column, entry by entry: 1/N Σₙ
   * G[n]² − (1/N Σₙ G[n])², zero of one sample. Both sums are made in double precision.
   *
   * @return [P…]
   */
  default Tensor variance() {
    Tensor g = perSample();
    Tensor rows = emit().reshape(g, g.dims().without(1));
    return Variances.ofRows(emit(), rows, List.of());
  }

  /**
   * G as an outer product, where it is one.
   *
   * @return the factors; empty where G is no outer product over positions
   */
  default Optional<Factors> factors() {
    return Optional.empty();
  }

  /**
   * The same for a parameter that passes a view before the op.
   *
   * @param view the view
   * @return the contribution in the parameter's own arrangement
   */
  default ParameterVjp through(View view) {
    return new Reindexed(this, view);
  }
}
