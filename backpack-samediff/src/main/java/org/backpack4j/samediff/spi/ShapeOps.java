package org.backpack4j.samediff.spi;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.factory.Nd4j;

/** The same entries in other places. */
abstract class ShapeOps extends ArithmeticOps {
  private boolean samplesOutermost = true;
  private final Map<Tensor, Permuted> permuted = new java.util.IdentityHashMap<>();

  ShapeOps(SameDiff graph, String sampled, int axis, long factor) {
    super(graph, sampled, axis, factor);
  }

  /**
   * Whether in every value emitted so far the samples are the outermost part of their axis, as
   * {@link Dim} has it: not so where a person's variable has something folded into the axis before
   * the samples.
   *
   * @return whether they are
   */
  public boolean samplesOutermost() {
    return samplesOutermost;
  }

  /** Between two samples in memory lie as many numbers as behind an outermost N. */
  private static long weight(Dims dims) {
    int axis = dims.sampleAxis();
    return axis < 0 ? 0 : dims.get(axis).size() * dims.from(axis + 1).product().size();
  }

  /**
   * The same entries in another shape, in 'c' order.
   *
   * @param a the value
   * @param dims the new shape
   * @return the reshaped value
   */
  public Tensor reshape(Tensor a, Dims dims) {
    if (a.dims().equals(dims)) {
      return a;
    }
    if (!a.dims().product().equals(dims.product())) {
      throw new IllegalStateException("cannot reshape " + a + " to " + dims);
    }
    if (a.literal() != null) {
      return literal(a.literal(), a.type(), dims);
    }
    Tensor source = a;
    Tensor before = origin.get(a);
    if (before != null) {
      source = before; // a reshape of a reshape is one reshape
      if (source.dims().equals(dims)) {
        return source;
      }
    }
    Tensor from = source;
    samplesOutermost &= weight(from.dims()) == weight(dims);
    Tensor result =
        make(
            List.of("reshape", id(from), dims),
            () -> from.variable().reshape(dims.toLongs()),
            v -> like(v, dims, a.nonNegative(), from));
    total(isTotal(from), result);
    origin.put(result, from);
    return result;
  }

  /**
   * The axes in another order.
   *
   * @param a the value
   * @param order for each new axis the old one
   * @return the permuted value
   */
  public Tensor permute(Tensor a, int... order) {
    if (order.length != a.rank()) {
      throw new IllegalStateException("cannot permute " + a + " by " + Arrays.toString(order));
    }
    Dims dims = a.dims().permuted(order);
    // axes of extent one may stand anywhere: where nothing else moves, a reshape does it
    int[] moving = Arrays.stream(order).filter(k -> !a.dims().get(k).isOne()).toArray();
    if (IntStream.range(1, moving.length).allMatch(k -> moving[k - 1] < moving[k])) {
      return reshape(a, dims);
    }
    Permuted before = permuted.get(a);
    if (before != null) { // a permutation of a permutation is one permutation
      return permute(before.source(), Arrays.stream(order).map(k -> before.order()[k]).toArray());
    }
    Tensor result =
        make(
            List.of("permute", id(a), Arrays.toString(order)),
            () -> graph.permute(a.variable(), order),
            v -> like(v, dims, a.nonNegative(), a));
    total(isTotal(a), result);
    permuted.put(result, new Permuted(a, order));
    return result;
  }

  /**
   * Exchanges the last two axes.
   *
   * @param a the value
   * @return the transposed value
   */
  public Tensor transpose(Tensor a) {
    int[] order = IntStream.range(0, a.rank()).toArray();
    order[a.rank() - 1] = a.rank() - 2;
    order[a.rank() - 2] = a.rank() - 1;
    return permute(a, order);
  }

  /**
   * A block of a value.
   *
   * @param a the value
   * @param axis the axis to cut, not the sample axis
   * @param from the first index
   * @param to the index behind the last one
   * @return the block
   */
  public Tensor slice(Tensor a, int axis, long from, long to) {
    if (from == 0 && to == a.dims().get(axis).size()) {
      return a;
    }
    long[] begin = new long[a.rank()];
    long[] strides = new long[a.rank()];
    long[] end = new long[a.rank()];
    Arrays.fill(strides, 1);
    begin[axis] = from;
    end[axis] = to;
    int mask = 0; // whole axes, whatever their extent, by the masks of strided_slice
    for (int k = 0; k < a.rank(); k++) {
      mask |= k == axis ? 0 : 1 << k;
      end[k] = k == axis ? to : 1;
    }
    int whole = mask;
    return make(
        List.of("slice", id(a), axis, from, to),
        () -> graph.stridedSlice(a.variable(), begin, end, strides, whole, whole, 0, 0, 0),
        v -> like(v, a.dims().with(axis, Dim.of(to - from)), a.nonNegative(), a));
  }

  /**
   * Every k-th index of an axis.
   *
   * @param a the value
   * @param axis the axis, not the sample axis
   * @param from the first index
   * @param stride the step, positive
   * @param count how many indices
   * @return the value with {@code count} entries on the axis
   */
  public Tensor stridedSlice(Tensor a, int axis, long from, long stride, long count) {
    if (stride == 1) {
      return slice(a, axis, from, from + count);
    }
    long[] begin = new long[a.rank()];
    long[] strides = new long[a.rank()];
    long[] end = new long[a.rank()];
    Arrays.fill(strides, 1);
    begin[axis] = from;
    strides[axis] = stride;
    int mask = 0;
    for (int k = 0; k < a.rank(); k++) {
      mask |= k == axis ? 0 : 1 << k;
      end[k] = k == axis ? from + (count - 1) * stride + 1 : 1;
    }
    int whole = mask;
    return make(
        List.of("strided", id(a), axis, from, stride, count),
        () -> graph.stridedSlice(a.variable(), begin, end, strides, whole, whole, 0, 0, 0),
        v -> like(v, a.dims().with(axis, Dim.of(count)), a.nonNegative(), a));
  }

  /**
   * Zeros before and behind an axis.
   *
   * @param a the value
   * @param axis the axis, not the sample axis
   * @param before how many zeros before
   * @param behind how many behind
   * @return the padded value
   */
  public Tensor pad(Tensor a, int axis, long before, long behind) {
    return pad(a, axis, before, behind, 0);
  }

  /**
   * A number before and behind an axis.
   *
   * @param a the value
   * @param axis the axis, not the sample axis
   * @param before how often before
   * @param behind how often behind
   * @param fill the number
   * @return the padded value
   */
  public Tensor pad(Tensor a, int axis, long before, long behind, double fill) {
    if (before == 0 && behind == 0) {
      return a;
    }
    long[][] widths = new long[a.rank()][2];
    widths[axis][0] = before;
    widths[axis][1] = behind;
    Tensor padding =
        constant(
            List.of("padding", Arrays.deepToString(widths)), () -> Nd4j.createFromArray(widths));
    return make(
        List.of("pad", id(a), axis, before, behind, fill),
        () -> graph.nn().pad(a.variable(), padding.variable(), fill),
        v ->
            like(
                v,
                a.dims().with(axis, Dim.of(a.dims().get(axis).size() + before + behind)),
                a.nonNegative() && fill >= 0,
                a));
  }

  /**
   * Values beside each other.
   *
   * @param axis the axis along which they stand
   * @param parts the values, alike on every other axis
   * @return the joined value
   */
  public Tensor concat(int axis, List<Tensor> parts) {
    if (parts.size() == 1) {
      return parts.get(0);
    }
    long size = parts.stream().mapToLong(t -> t.dims().get(axis).size()).sum();
    boolean samples = parts.get(0).dims().get(axis).samples();
    List<Object> key = new ArrayList<>(List.of("concat", axis));
    parts.forEach(t -> key.add(id(t)));
    return make(
        key,
        () -> graph.concat(axis, parts.stream().map(Tensor::variable).toArray(SDVariable[]::new)),
        v ->
            like(
                v,
                parts.get(0).dims().with(axis, new Dim(size, samples)),
                parts.stream().allMatch(Tensor::nonNegative),
                parts.toArray(Tensor[]::new)));
  }

  /**
   * The value repeated along axes of extent one.
   *
   * @param a the value
   * @param dims the shape to fill; where {@code a} has extent one it is repeated
   * @return the value of that shape
   */
  public Tensor broadcast(Tensor a, Dims dims) {
    if (a.dims().equals(dims)) {
      return a;
    }
    Tensor ones;
    int axis = dims.sampleAxis();
    if (axis >= 0 && a.dims().sampleAxis() < 0) {
      List<Dim> samples = new ArrayList<>();
      for (int k = 0; k < dims.rank(); k++) {
        samples.add(k == axis ? Dim.N : Dim.ONE);
      }
      ones = reshape(onesOverSamples(a.type()), new Dims(samples));
      Dim inner = Dim.of(dims.get(axis).size());
      if (!inner.isOne()) {
        throw new IllegalStateException("cannot repeat " + a + " to " + dims);
      }
      Tensor repeated = mul(a, ones);
      return broadcast(repeated, dims);
    }
    long[] fill = new long[dims.rank()];
    for (int k = 0; k < fill.length; k++) {
      fill[k] = a.dims().get(k).equals(dims.get(k)) ? 1 : dims.get(k).size();
    }
    return mul(a, ones(a.type(), fill));
  }

  private record Permuted(Tensor source, int[] order) {}
}
