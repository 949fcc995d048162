package org.backpack4j.samediff.internal.contribution;

import java.util.List;
import org.backpack4j.samediff.internal.ir.Precision;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The variance of samples' gradients, 1/N Σₙ gₙ² − (1/N Σₙ gₙ)², from both sums in double
 * precision: sums can be added up over groups of samples, and a square of single precision is exact
 * in double, so that the difference is off by some 2⁻⁵³ of the mean square. Of one sample it is
 * zero.
 */
public final class Variances {
  private Variances() {}

  /**
   * The variance.
   *
   * @param emit where ops are inserted
   * @param sum Σₙ gₙ [P…] in double precision
   * @param squares Σₙ gₙ² [P…] in double precision
   * @param type the type of the result
   * @return the variance [P…]; rounding cannot make it negative
   */
  static Tensor of(Emitter emit, Tensor sum, Tensor squares, DataType type) {
    Tensor samples = samples(emit);
    return emit.fused(
        "variance", written(emit, sum, squares, samples, type), List.of(sum, squares, samples));
  }

  /**
   * The variance of rows of gradients.
   *
   * @param emit where ops are inserted
   * @param g gₙ [N, P…]
   * @param factors of which a kernel can make both sums without the rows, if nothing else reads
   *     these; none if there are none
   * @return the variance [P…]
   */
  public static Tensor ofRows(Emitter emit, Tensor g, List<Tensor> factors) {
    Tensor exact = emit.cast(g, Precision.CANCELLING);
    Dims part = g.dims().from(1);
    Dims one = Dims.of(Dim.ONE).plus(part);
    Tensor sums = emit.reshape(emit.sumOverSamples(exact), one);
    Tensor squares = emit.reshape(emit.sumOverSamples(emit.square(exact)), one);
    Tensor both = emit.total(emit.concat(0, List.of(sums, squares)));
    emit.fused("moments", both, List.of(g));
    if (!factors.isEmpty()) {
      emit.fused("outer_moments", both, factors);
    }
    Tensor samples = samples(emit);
    Tensor sum = emit.reshape(emit.slice(both, 0, 0, 1), part);
    Tensor ofSquares = emit.reshape(emit.slice(both, 0, 1, 2), part);
    return emit.fused(
        "variance", written(emit, sum, ofSquares, samples, g.type()), List.of(both, samples));
  }

  /** The number of samples [1]. */
  private static Tensor samples(Emitter emit) {
    return emit.reshape(
        emit.sum(emit.onesOverSamples(Precision.CANCELLING), 0, 1), Dims.of(Dim.ONE));
  }

  private static Tensor written(
      Emitter emit, Tensor sum, Tensor squares, Tensor samples, DataType type) {
    Tensor n = emit.reshape(samples, Dims.ones(sum.rank()));
    Tensor share = emit.div(emit.greater(n, 1), n); // nothing of one sample
    Tensor mean = emit.mul(sum, share);
    Tensor difference = emit.sub(emit.mul(squares, share), emit.square(mean));
    return emit.cast(emit.mul(difference, emit.greater(difference, 0)), type);
  }
}
