package org.backpack4j.samediff.loss;

import java.util.List;
import org.backpack4j.samediff.backprop.SignedColumns;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

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

  private SoftmaxFactor() {}

  static Tensor softmax(Emitter e, Tensor z) {
    return e.map("softmax", z, true, v -> e.graph().nn().softmax(v, z.rank() - 1));
  }

  /**
   * Columns √|w| d with the signs of w: where columns reach over rows of terms whose signs may
   * differ, one group for the positive rows and one for the others.
   *
   * @param d [N, V, …], terms drawn independently of each other
   * @param w [N or 1, 1, …]
   */
  static List<SignedColumns> weighted(Emitter e, Tensor d, Tensor w) {
    if (w.nonNegative()) {
      return List.of(new SignedColumns(e.mul(d, e.sqrt(w)), null));
    }
    Dims lead = Dims.of(w.dims().get(0), d.dims().get(1));
    if (w.dims().from(2).product().isOne()) {
      Tensor sign = e.reshape(e.sign(w), Dims.of(w.dims().get(0), Dim.ONE));
      Tensor value = e.mul(d, e.sqrt(e.abs(w)));
      return List.of(new SignedColumns(value, e.broadcast(sign, lead)));
    }
    Tensor positive = e.mul(w, e.greater(w, 0)).knownNonNegative();
    Tensor negative = e.sub(positive, w).knownNonNegative();
    return List.of(
        new SignedColumns(e.mul(d, e.sqrt(positive)), null),
        new SignedColumns(
            e.mul(d, e.sqrt(negative)), e.scale(e.ones(w.type(), 1, d.dims().get(1).size()), -1)));
  }

  /**
   * The exact factor.
   *
   * @param p [N, 1, E…, C]
   * @param w [N or 1, 1, E… or ones, 1]
   * @return columns [N, E·(C−1), E…, C], each of one position
   */
  static SignedColumns columns(Emitter e, Tensor p, Tensor w) {
    int c = (int) p.dims().get(-1).size();
    Dims terms = p.dims().range(2, p.rank() - 1);
    long t = terms.product().size();
    Dim n = p.dims().get(0);
    Tensor flat = e.reshape(p, Dims.of(n.times(Dim.of(t)), Dim.of(c)));
    Tensor sums =
        e.constant(List.of("suffix sums", c, p.type()), () -> triangle(c, false).castTo(p.type()));
    Tensor q = e.matmul(flat, false, sums, false);
    Tensor safe = e.max(q, e.scale(e.ones(p.type(), 1, 1), TINY));
    Tensor next = e.slice(q, 1, 1, c);
    Tensor ratio = e.div(next, e.slice(safe, 1, 0, c - 1)).knownNonNegative();
    Tensor diagonal = e.mul(e.sqrt(e.slice(flat, 1, 0, c - 1)), e.sqrt(ratio)); // [M, C−1]
    Tensor below = e.div(diagonal, e.slice(safe, 1, 1, c));
    Dims rows = Dims.of(flat.dims().get(0), Dim.of(c - 1), Dim.ONE);
    Tensor eye =
        part(
            e,
            "diagonal",
            c,
            p,
            Nd4j.eye(c).get(org.nd4j.linalg.indexing.NDArrayIndex.interval(0, c - 1)));
    Tensor mask =
        part(
            e,
            "below",
            c,
            p,
            triangle(c, true).get(org.nd4j.linalg.indexing.NDArrayIndex.interval(0, c - 1)));
    Tensor spread = e.reshape(flat, Dims.of(flat.dims().get(0), Dim.ONE, Dim.of(c)));
    Tensor factor =
        e.sub(
            e.mul(e.reshape(diagonal, rows), eye),
            e.mul(e.mul(e.reshape(below, rows), spread), mask)); // [M, C−1, C]
    Tensor each = e.broadcast(w, Dims.of(n, Dim.ONE).plus(terms).plus(Dim.ONE));
    Tensor weight = e.reshape(each, rowsOf(n, t));
    Tensor value = e.mul(factor, e.sqrt(e.abs(weight)));
    Tensor signs =
        w.nonNegative()
            ? null
            : e.reshape(
                e.broadcast(e.sign(weight), weight.dims().with(1, Dim.of(c - 1))),
                Dims.of(n, Dim.of(t * (c - 1))));
    return new SignedColumns(spreadOverPositions(e, value, n, t, c, terms), signs);
  }

  /** The weights' shape [N·T, 1, 1]. */
  private static Dims rowsOf(Dim n, long t) {
    return Dims.of(n.times(Dim.of(t)), Dim.ONE, Dim.ONE);
  }

  /** [N·T, C−1, C] as columns [N, T·(C−1), E…, C], zero at the other positions. */
  private static Tensor spreadOverPositions(
      Emitter e, Tensor value, Dim n, long t, int c, Dims terms) {
    if (t == 1) {
      return e.reshape(value, Dims.of(n, Dim.of(c - 1)).plus(terms).plus(Dim.of(c)));
    }
    Tensor blocks = e.reshape(value, Dims.of(n, Dim.of(t), Dim.of(c - 1), Dim.ONE, Dim.of(c)));
    Tensor own = e.reshape(e.eye(value.type(), t), Dims.of(1, t, 1, t, 1));
    return e.reshape(
        e.mul(blocks, own), Dims.of(n, Dim.of(t * (c - 1))).plus(terms).plus(Dim.of(c)));
  }

  private static Tensor part(Emitter e, String name, int c, Tensor like, INDArray array) {
    return e.constant(
        List.of(name, c, like.type()),
        () -> array.castTo(like.type()).dup('c').reshape(1, c - 1, c));
  }

  /** [i, j] one where i ≥ j; or, strictly, where j &gt; i. */
  private static INDArray triangle(int c, boolean strictlyAbove) {
    INDArray triangle = Nd4j.zeros(c, c);
    for (int i = 0; i < c; i++) {
      for (int j = 0; j < c; j++) {
        if (strictlyAbove ? j > i : i >= j) {
          triangle.putScalar(i, j, 1);
        }
      }
    }
    return triangle;
  }

  /** One-hot samples of p [N, 1, E…, C] by uniform numbers u [N, M, E…, 1]. */
  static Tensor draw(Emitter e, Tensor p, Tensor u) {
    int c = (int) p.dims().get(-1).size();
    Tensor flat = e.reshape(p, Dims.of(p.dims().range(0, p.rank() - 1).product(), Dim.of(c)));
    Tensor sums =
        e.constant(
            List.of("prefix sums", c, p.type()),
            () -> triangle(c, false).transpose().castTo(p.type()).dup('c'));
    Tensor cumulative = e.reshape(e.matmul(flat, false, sums, false), p.dims());
    // the first class is taken whose sum is above u, and the last one whatever rounding says
    Tensor first = e.ones(p.type(), onesShape(p.rank()));
    Tensor above = e.greater(e.sub(e.slice(cumulative, p.rank() - 1, 0, c - 1), u), 0);
    Tensor below = e.minus(1, above); // [N, M, E…, C−1]
    Dims edge = below.dims().with(below.rank() - 1, Dim.ONE);
    Tensor left = e.concat(below.rank() - 1, List.of(e.broadcast(first, edge), below));
    Tensor right = e.concat(below.rank() - 1, List.of(below, e.scale(e.broadcast(first, edge), 0)));
    return e.sub(left, right);
  }

  private static long[] onesShape(int rank) {
    long[] shape = new long[rank];
    java.util.Arrays.fill(shape, 1);
    return shape;
  }
}
