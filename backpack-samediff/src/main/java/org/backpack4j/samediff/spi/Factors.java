package org.backpack4j.samediff.spi;

import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The factors of a parameter's VJP that is an outer product over positions, G[n, v] = Σₚ S[n, v, :,
 * p] X[n, :, p]ᵀ: of a dense layer's weight one position, of a convolution's one for each place of
 * the kernel, of a recurrent one a position for each step.
 *
 * @param cotangents S [N, V, O, P]
 * @param inputs makes X [N, I, P]; [1, I, P] where it is the same for all samples; [N · groups, I,
 *     P] where O counts the outputs of groups that read other inputs; null for a lookup
 * @param lookup for a table: the numbers of the rows that are looked up [N, P], or [1, P], so that
 *     X is one-hot; else null
 * @param length the number I
 * @param arrange lays a matrix [O, I] out as the parameter is
 */
public record Factors(
    Tensor cotangents,
    @Nullable Supplier<Tensor> inputs,
    @Nullable Tensor lookup,
    long length,
    UnaryOperator<Tensor> arrange) {
  /**
   * The same for a parameter that passes a view before the op.
   *
   * @param view the view
   * @return the factors
   */
  public Factors through(View view) {
    return new Factors(
        cotangents, inputs, lookup, length, matrix -> view.undo(arrange.apply(matrix), 0));
  }

  /**
   * How many outputs there are.
   *
   * @return O
   */
  public long outputs() {
    return cotangents.dims().get(2).size();
  }

  /**
   * How many positions there are.
   *
   * @return P
   */
  public long positions() {
    return cotangents.dims().get(3).size();
  }
}
