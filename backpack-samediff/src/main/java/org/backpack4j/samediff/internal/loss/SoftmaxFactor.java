package org.backpack4j.samediff.internal.loss;

import java.util.List;
import java.util.stream.LongStream;
import org.backpack4j.samediff.internal.autodiff.BlockColumns;
import org.backpack4j.samediff.internal.autodiff.ColumnSigns;
import org.backpack4j.samediff.internal.autodiff.ColumnSource;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.internal.nd4j.SoftmaxShift;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Factors of w (diag p − ppᵀ), the Hessian of softmax cross-entropy. Its rank is C − 1: with the
 * suffix sums qⱼ = Σ_{i≥j} pᵢ a lower triangular factor with C − 1 columns is L[j, j] = √pⱼ
 * √(qⱼ₊₁/qⱼ), L[i, j] = −pᵢ L[j, j]/qⱼ₊₁ for i &gt; j (Tanabe and Sagae, 1992, "An exact Cholesky
 * decomposition and the generalized inverse of the variance-covariance matrix of the multinomial
 * distribution").
 */
final class SoftmaxFactor {
  /** Below this a sum of probabilities counts as zero; what it divides is smaller still. */
  private static final double TINY = 1e-30;

  /** With more classes than this single precision is too coarse for sums of their probabilities. */
  private static final long MANY = 1024;

  private SoftmaxFactor() {}

  /** Along the last axis. */
  static Tensor softmax(Emitter e, Tensor z) {
    int axis = z.rank() - 1;
    Tensor argument = SoftmaxShift.helps(z.type()) ? e.sub(z, e.largest(z, axis)) : z;
    return e.map("softmax", argument, true, v -> e.graph().nn().softmax(v, axis));
  }

  /**
   * Columns √|w| d with the signs of w: where columns reach over rows of terms whose signs may
   * differ, one group for the positive rows and one for the others.
   *
   * @param d [N, V, …], terms drawn independently of each other
   * @param w [N or 1, 1, …]
   */
  static List<SignedRoot> weighted(Emitter e, Tensor d, Tensor w) {
    long count = d.dims().get(1).size();
    if (w.nonNegative()) {
      return List.of(SignedRoot.of(e, e.mul(d, e.sqrt(w)), null));
    }
    Dims lead = Dims.of(w.dims().get(0), d.dims().get(1));
    if (w.dims().from(2).product().isOne()) {
      Tensor sign = e.reshape(e.sign(w), Dims.of(w.dims().get(0), Dim.ONE));
      Tensor value = e.mul(d, e.sqrt(e.abs(w)));
      return List.of(SignedRoot.of(e, value, e.broadcast(sign, lead)));
    }
    Tensor positive = e.mul(w, e.greater(w, 0)).knownNonNegative();
    Tensor negative = e.sub(positive, w).knownNonNegative();
    return List.of(
        SignedRoot.of(e, e.mul(d, e.sqrt(positive)), null),
        new SignedRoot(ColumnSource.of(e, e.mul(d, e.sqrt(negative))), ColumnSigns.minus(count)));
  }

  /**
   * The exact factor.
   *
   * @param p [N, 1, E…, C]
   * @param w [N or 1, 1, E… or ones, 1]
   * @return columns [N, E·(C−1), E…, C], each of one position
   */
  static SignedRoot columns(Emitter e, Tensor p, Tensor w) {
    Dims terms = p.dims().range(2, p.rank() - 1);
    Dim t = terms.product();
    Dim n = p.dims().get(0);
    Dim c = p.dims().get(-1);
    Dim less = Dim.of(c.size() - 1);
    Tensor each = e.broadcast(w, Dims.of(n, Dim.ONE).plus(terms).plus(Dim.ONE));
    Tensor weight = e.reshape(each, Dims.of(n, t, Dim.ONE));
    ColumnSource blocks = new Blocks(e, e.reshape(p, Dims.of(n, t, c)), e.sqrt(e.abs(weight)));
    Dims part = p.dims().from(2);
    return new SignedRoot(
        blocks.then(b -> e.reshape(b, b.dims().range(0, 2).plus(part))),
        w.nonNegative()
            ? ColumnSigns.plus(t.times(less).size())
            : ColumnSigns.of(
                e.reshape(
                    e.broadcast(e.sign(weight), Dims.of(n, t, less)), Dims.of(n, t.times(less)))));
  }

  /** The factor of each position's p, [N, T, C]. */
  private static final class Blocks extends BlockColumns {
    private final Emitter e;
    private final Tensor p; // [N, T, C]
    private final Tensor diagonal; // [N, T, C−1]
    private final Tensor below; // [N, T, C−1]
    private final long classes;

    Blocks(Emitter e, Tensor p, Tensor root) {
      super(e, p.dims().get(2).size() - 1, p.dims().get(1).size());
      this.e = e;
      this.p = p;
      this.classes = p.dims().get(2).size();
      Tensor wide = e.cast(p, wide(p));
      Tensor q = sums(e, wide, true);
      Tensor safe = e.max(q, e.literal(TINY, q.type(), Dims.of(1, 1, 1)));
      Tensor next = e.slice(q, 2, 1, classes);
      Tensor ratio = e.div(next, e.slice(safe, 2, 0, classes - 1)).knownNonNegative();
      Tensor roots = e.mul(e.sqrt(e.slice(wide, 2, 0, classes - 1)), e.sqrt(ratio));
      Tensor each = e.mul(roots, e.cast(root, roots.type()));
      this.diagonal = e.cast(each, p.type());
      this.below = e.cast(e.div(each, e.slice(safe, 2, 1, classes)), p.type());
    }

    @Override
    protected Tensor entries(long firstRow, long endRow, long first, long end) {
      Dim rows = Dim.of(endRow - firstRow);
      Dims columns = Dims.of(p.dims().get(0), rows, Dim.of(end - first), Dim.ONE);
      Dims spread = Dims.of(p.dims().get(0), rows, Dim.ONE, Dim.of(classes));
      Dims mask = Dims.of(1, 1, end - first, classes);
      Tensor own = e.reshape(e.identity(p.type(), classes, first, end), mask);
      long[] numbers = LongStream.range(first, end).toArray();
      Tensor behind = e.reshape(e.behind(p.type(), numbers, classes), mask);
      Tensor some = e.reshape(e.slice(p, 1, firstRow, endRow), spread);
      Tensor on = e.mul(e.reshape(part(diagonal, firstRow, endRow, first, end), columns), own);
      Tensor factors = e.reshape(part(below, firstRow, endRow, first, end), columns);
      return e.sub(e.large(on), e.large(e.mul(e.large(e.mul(factors, some)), behind)));
    }

    private Tensor part(Tensor t, long firstRow, long endRow, long first, long end) {
      return e.slice(e.slice(t, 1, firstRow, endRow), 2, first, end);
    }
  }

  /**
   * Sums from each entry on, or up to each entry, along the last axis; one after the other, so that
   * no sum of non-negative numbers is less than that of fewer.
   */
  private static Tensor sums(Emitter e, Tensor p, boolean fromTheEnd) {
    int axis = p.rank() - 1;
    return e.op(
        List.of("cumsum", axis, fromTheEnd),
        p.dims(),
        p.type(),
        true,
        List.of(p),
        () -> e.graph().cumsum(p.variable(), false, fromTheEnd, axis));
  }

  /** The type in which probabilities are added up: of many classes each is as small as rounding. */
  private static DataType wide(Tensor p) {
    boolean many = p.dims().get(-1).size() > MANY;
    return many ? DataType.DOUBLE : p.type().width() < 4 ? DataType.FLOAT : p.type();
  }

  /**
   * One-hot samples of p [N, 1, E…, C] by uniform numbers u [N, M, E…, 1] from 0 to 1: the first
   * class with which the sum of the probabilities is greater than u times that of all of them.
   * There is one, and its probability is not zero, however the sums are rounded.
   */
  static Tensor draw(Emitter e, Tensor p, Tensor u) {
    int last = p.rank() - 1;
    long c = p.dims().get(last).size();
    Tensor sums = sums(e, e.cast(p, wide(p)), false);
    Tensor total = e.slice(sums, last, c - 1, c);
    Dims ones = Dims.SCALAR;
    for (int k = 0; k < p.rank(); k++) {
      ones = ones.plus(Dim.ONE);
    }
    // below one: times a sum it is below that sum, also when rounded
    double most = sums.type() == DataType.DOUBLE ? 1 - 0x1p-53 : 1 - 0x1p-24;
    Tensor least = e.literal(-most, sums.type(), ones);
    Tensor below = e.scale(e.max(e.scale(e.cast(u, sums.type()), -1), least), -1);
    Tensor beyond = e.greater(e.large(e.sub(sums, e.mul(below, total))), 0); // [N, M, E…, C]
    Tensor from = e.sum(beyond, last, last + 1); // how many classes from the drawn one on
    // not a number is nowhere beyond: a class all the same, since there is no other place
    Tensor some = e.max(from, e.literal(1, from.type(), ones.range(0, last)));
    return e.oneHot(e.cast(e.minus(c, some), DataType.INT32), c, p.type());
  }
}
