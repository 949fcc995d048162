package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What windows along one axis, the last one, give back to their input: entry o of tap k goes to
 * entry o · stride + k · dilation − before, and what meets there is added up. A product with a
 * matrix of ones and zeros does that at the rate of matrix products; on a long axis, where the
 * matrix would be large and almost empty, the taps are shifted, added, and interleaved by their
 * stride instead.
 */
final class AxisMap {
  /** Up to this extent a matrix is the faster way. */
  private static final long LONG = 256;

  private AxisMap() {}

  static boolean isLong(Window w) {
    return w.in() > LONG;
  }

  /** Brings an axis to the end, the others in order. */
  static Tensor toEnd(Emitter e, Tensor a, int axis) {
    int[] order =
        IntStream.concat(IntStream.range(0, a.rank()).filter(k -> k != axis), IntStream.of(axis))
            .toArray();
    return e.permute(a, order);
  }

  /** The way back from {@link #toEnd}. */
  static Tensor fromEnd(Emitter e, Tensor a, int axis) {
    int last = a.rank() - 1;
    int[] order =
        IntStream.range(0, a.rank()).map(k -> k < axis ? k : k == axis ? last : k - 1).toArray();
    return e.permute(a, order);
  }

  /**
   * Adds up taps that stand beside each other; for an axis that is not long.
   *
   * @param taps […, taps · out]
   * @return […, in]
   */
  static Tensor placed(Emitter e, Tensor taps, Window w) {
    Tensor matrix =
        e.constant(
            List.of("taps", w, taps.type()),
            () -> {
              INDArray ones = Nd4j.zeros(DataType.DOUBLE, w.kernel() * w.out(), w.in());
              for (long k = 0; k < w.kernel(); k++) {
                for (long o = w.firstOutput(k); o < w.endOutput(k); o++) {
                  ones.putScalar(
                      k * w.out() + o, o * w.stride() + k * w.dilation() - w.before(), 1);
                }
              }
              return ones.castTo(taps.type());
            });
    return times(e, taps, matrix);
  }

  /** […, a] times [a, b]. */
  private static Tensor times(Emitter e, Tensor value, Tensor matrix) {
    Dims lead = value.dims().range(0, value.rank() - 1);
    Tensor rows = e.reshape(value, Dims.of(lead.product(), matrix.dims().get(0)));
    return e.reshape(e.matmul(rows, false, matrix, false), lead.plus(matrix.dims().get(1)));
  }

  /**
   * The sum of what every tap gives back where all give the same.
   *
   * @param s […, out]
   * @param weights a factor for each output; null for ones
   * @return […, in]
   */
  static Tensor summed(Emitter e, Tensor s, Window w, double @Nullable [] weights) {
    if (isLong(w)) {
      Tensor weighted = weights == null ? s : e.mul(s, factors(e, s, weights));
      return interleaved(
          e, IntStream.range(0, (int) w.kernel()).mapToObj(k -> weighted).toList(), w);
    }
    return times(e, s, matrix(e, s.type(), w, weights));
  }

  /**
   * What the windows add up: the transposed of {@link #summed}.
   *
   * @param t […, in]
   * @param weights a factor for each output; null for ones
   * @return […, out]
   */
  static Tensor collected(Emitter e, Tensor t, Window w, double @Nullable [] weights) {
    int last = t.rank() - 1;
    if (isLong(w)) {
      Tensor covered = Patches.cover(e, t, last, w, 0);
      Tensor sum =
          LongStream.range(0, w.kernel())
              .mapToObj(k -> e.stridedSlice(covered, last, k * w.dilation(), w.stride(), w.out()))
              .reduce(e::add)
              .orElseThrow();
      return weights == null ? sum : e.mul(sum, factors(e, sum, weights));
    }
    Dims lead = t.dims().range(0, last);
    Tensor rows = e.reshape(t, Dims.of(lead.product(), t.dims().get(last)));
    Tensor product = e.matmul(rows, false, matrix(e, t.type(), w, weights), true);
    return e.reshape(product, lead.plus(Dim.of(w.out())));
  }

  private static Tensor factors(Emitter e, Tensor like, double[] weights) {
    long[] shape = new long[like.rank()];
    java.util.Arrays.fill(shape, 1);
    shape[shape.length - 1] = weights.length;
    return e.constant(
        List.of("factors", java.util.Arrays.toString(weights), like.rank(), like.type()),
        () -> Nd4j.createFromArray(weights).castTo(like.type()).reshape('c', shape));
  }

  private static Tensor matrix(Emitter e, DataType type, Window w, double @Nullable [] weights) {
    return e.constant(
        List.of("windows", w, java.util.Arrays.toString(weights), type),
        () -> array(w, weights).castTo(type));
  }

  /** [out, in]: how often an output's taps read an input, times the output's weight. */
  static INDArray array(Window w, double @Nullable [] weights) {
    INDArray counts = Nd4j.zeros(DataType.DOUBLE, w.out(), w.in());
    for (long k = 0; k < w.kernel(); k++) {
      for (long o = w.firstOutput(k); o < w.endOutput(k); o++) {
        counts.putScalar(
            o,
            o * w.stride() + k * w.dilation() - w.before(),
            weights == null ? 1 : weights[(int) o]);
      }
    }
    return counts;
  }

  /**
   * Adds up taps by shifting and interleaving; for an axis of any length.
   *
   * @param taps for each tap […, out]
   * @return […, in]
   */
  static Tensor interleaved(Emitter e, List<Tensor> taps, Window w) {
    int last = taps.get(0).rank() - 1;
    long s = w.stride();
    long far = (w.kernel() - 1) * w.dilation() / s;
    Tensor[] residues = new Tensor[(int) s];
    for (int k = 0; k < taps.size(); k++) {
      long at = k * w.dilation();
      Tensor shifted = e.pad(taps.get(k), last, at / s, far - at / s);
      int residue = (int) (at % s);
      residues[residue] = residues[residue] == null ? shifted : e.add(residues[residue], shifted);
    }
    Dims lead = taps.get(0).dims().range(0, last);
    Dim length = Dim.of(w.out() + far);
    List<Tensor> columns = new java.util.ArrayList<>();
    for (Tensor residue : residues) {
      Tensor column = residue == null ? e.pad(e.scale(taps.get(0), 0), last, 0, far) : residue;
      columns.add(e.reshape(column, lead.plus(length, Dim.ONE)));
    }
    Tensor joined = e.reshape(e.concat(last + 1, columns), lead.plus(length.times(Dim.of(s))));
    return Patches.shift(e, joined, last, w.before(), w.in(), 0);
  }
}
