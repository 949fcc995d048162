package org.backpack4j.samediff.extension;

import java.util.List;
import org.backpack4j.samediff.contribution.Contribution;
import org.backpack4j.samediff.contribution.Contributions;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;

/**
 * The variance of the samples' gradients, {@code variance} [P…]: 1/N Σₙ gₙ² − (1/N Σₙ gₙ)² of
 * {@link BatchGrad}'s rows gₙ, entry by entry, without Bessel's correction, as in BackPACK.
 * Rounding cannot make it negative.
 */
public final class Variance implements Extension {
  /** The variance of the samples' gradients. */
  public Variance() {}

  @Override
  public String field() {
    return "variance";
  }

  @Override
  public Columns columns() {
    return Columns.GRADIENT;
  }

  @Override
  public Tensor compute(Emitter emit, List<Contribution> contributions) {
    Contribution gradient = Contributions.sum(contributions);
    Tensor squares = gradient.squaredSum();
    Tensor sum = emit.reshape(gradient.sum(), squares.dims());
    Dims ones = Dims.SCALAR;
    for (int k = 0; k < squares.rank(); k++) {
      ones = ones.plus(Dim.ONE);
    }
    Tensor one = emit.literal(1, squares.type(), ones);
    Tensor n = emit.reshape(emit.sum(emit.onesOverSamples(squares.type()), 0, 1), ones);
    Tensor inverse = emit.div(one, n);
    Tensor mean = emit.mul(sum, inverse);
    Tensor difference = emit.sub(emit.mul(squares, inverse), emit.square(mean));
    return emit.mul(difference, emit.greater(difference, 0));
  }
}
