package org.backpack4j.examples.reference;

import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A variable of a graph together with its shape, which SameDiff itself does not know before it has
 * run, and PyTorch's ways to handle it.
 *
 * <p>The first axis of a tensor that depends on a placeholder is left open wherever an op asks for
 * a shape, so that the graph takes batches of any size.
 */
final class Tensor {

  private final SDVariable variable;
  private final long[] shape;
  private final boolean batched;

  private Tensor(SDVariable variable, boolean batched, long... shape) {
    this.variable = variable;
    this.batched = batched;
    this.shape = shape;
  }

  /** A placeholder, or what is computed from one. */
  static Tensor batched(SDVariable variable, long... shape) {
    return new Tensor(variable, true, shape);
  }

  /** A parameter or a constant. */
  static Tensor fixed(SDVariable variable, long... shape) {
    return new Tensor(variable, false, shape);
  }

  SDVariable variable() {
    return variable;
  }

  SameDiff graph() {
    return variable.getSameDiff();
  }

  long[] shape() {
    return shape.clone();
  }

  int rank() {
    return shape.length;
  }

  /** The length of an axis; negative axes count from the end. */
  long size(int axis) {
    return shape[axis(axis)];
  }

  long length() {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  /** An axis counted from the start. */
  int axis(long axis) {
    int positive = (int) (axis < 0 ? axis + rank() : axis);
    if (positive < 0 || positive >= rank()) {
      throw new UnsupportedCaseException("an axis " + axis + " of " + this);
    }
    return positive;
  }

  /** The axes behind the first so many. */
  int[] axesFrom(int first) {
    return IntStream.range(first, rank()).toArray();
  }

  /** A constant of the same graph. */
  Tensor constant(INDArray array) {
    return fixed(graph().constant(array), array.shape());
  }

  /** Something of the same shape. */
  Tensor map(UnaryOperator<SDVariable> op) {
    return new Tensor(op.apply(variable), batched, shape);
  }

  Tensor plus(double scalar) {
    return map(x -> x.add(scalar));
  }

  Tensor times(double scalar) {
    return scalar == 1 ? this : map(x -> x.mul(scalar));
  }

  Tensor plus(Tensor other) {
    return broadcast(other, SDVariable::add);
  }

  Tensor minus(Tensor other) {
    return broadcast(other, SDVariable::sub);
  }

  Tensor times(Tensor other) {
    return broadcast(other, SDVariable::mul);
  }

  Tensor over(Tensor other) {
    return broadcast(other, SDVariable::div);
  }

  /** An op on two tensors, under the usual rules of broadcasting. */
  interface Binary {
    SDVariable apply(SDVariable a, SDVariable b);
  }

  Tensor broadcast(Tensor other, Binary op) {
    int rank = Math.max(rank(), other.rank());
    Tensor a = withRank(rank);
    Tensor b = other.withRank(rank);
    long[] result = new long[rank];
    for (int i = 0; i < rank; i++) {
      long m = a.shapeAt(i, rank);
      long n = b.shapeAt(i, rank);
      if (m != n && m != 1 && n != 1) {
        throw new UnsupportedCaseException(this + " and " + other + " together");
      }
      result[i] = m == 1 ? n : m;
    }
    return new Tensor(op.apply(a.variable, b.variable), batched || other.batched, result);
  }

  /** With ones in front. A vector stays as it is: every op of SameDiff takes one. */
  private Tensor withRank(int rank) {
    if (rank() == rank || rank() <= 1) {
      return this;
    }
    long[] longer = new long[rank];
    Arrays.fill(longer, 1);
    System.arraycopy(shape, 0, longer, rank - rank(), rank());
    return reshape(longer);
  }

  private long shapeAt(int axis, int rank) {
    int own = axis - (rank - rank());
    return own < 0 ? 1 : shape[own];
  }

  /** Another shape, in which one length may be -1. */
  Tensor reshape(long... asked) {
    long[] full = asked.clone();
    long known = 1;
    int open = -1;
    for (int i = 0; i < full.length; i++) {
      if (full[i] == -1) {
        open = i;
      } else {
        known *= full[i];
      }
    }
    if (open >= 0 && known != 0) {
      full[open] = length() / known;
    }
    if (Arrays.stream(full).reduce(1, Math::multiplyExact) != length()) {
      throw new UnsupportedCaseException(this + " as " + Arrays.toString(asked));
    }
    if (Arrays.equals(full, shape)) {
      return this;
    }
    long[] emitted = full.clone();
    if (batched && emitted.length > 0) {
      emitted[0] = -1;
    }
    return new Tensor(variable.reshape(emitted), batched, full);
  }

  Tensor permute(int... axes) {
    if (Arrays.equals(axes, IntStream.range(0, rank()).toArray())) {
      return this;
    }
    long[] result = Arrays.stream(axes).mapToLong(axis -> shape[axis]).toArray();
    return new Tensor(variable.permute(axes), batched, result);
  }

  Tensor transpose(long first, long second) {
    int[] axes = IntStream.range(0, rank()).toArray();
    int a = axis(first);
    int b = axis(second);
    axes[a] = b;
    axes[b] = a;
    return permute(axes);
  }

  /** What is in [from, to) along an axis. */
  Tensor slice(int axis, long from, long to) {
    int along = axis(axis);
    if (from == 0 && to == shape[along]) {
      return this;
    }
    int[] begin = new int[rank()];
    int[] size = Arrays.stream(shape).mapToInt(Math::toIntExact).toArray();
    long[] result = shape.clone();
    if (batched) {
      size[0] = -1;
    }
    begin[along] = Math.toIntExact(from);
    size[along] = Math.toIntExact(to - from);
    result[along] = to - from;
    if (result[along] <= 0 || to > shape[along] || from < 0) {
      throw new UnsupportedCaseException(
          "[" + from + ", " + to + ") of axis " + axis + " of " + this);
    }
    return new Tensor(graph().slice(variable, begin, size), batched, result);
  }

  /** Every so many-th entry of [from, to) along an axis. */
  Tensor slice(int axis, long from, long to, long step) {
    if (step == 1) {
      return slice(axis, from, to);
    }
    int along = axis(axis);
    long[] begin = new long[rank()];
    long[] end = shape.clone();
    long[] steps = new long[rank()];
    Arrays.fill(steps, 1);
    begin[along] = from;
    end[along] = to;
    steps[along] = step;
    long[] result = shape.clone();
    result[along] = (to - from + step - 1) / step;
    // Axis 0 is taken whole whatever its length: bit 0 of both masks.
    int whole = batched && along != 0 ? 1 : 0;
    SDVariable sliced = graph().stridedSlice(variable, begin, end, steps, whole, whole, 0, 0, 0);
    return new Tensor(sliced, batched, result);
  }

  /** One entry along an axis, which is gone afterwards. */
  Tensor select(int axis, long index) {
    int along = axis(axis);
    long positive = index < 0 ? index + shape[along] : index;
    return slice(along, positive, positive + 1).squeeze(along);
  }

  Tensor squeeze(int axis) {
    int along = axis(axis);
    return reshape(
        IntStream.range(0, rank()).filter(i -> i != along).mapToLong(i -> shape[i]).toArray());
  }

  Tensor unsqueeze(int axis) {
    int along = axis < 0 ? axis + rank() + 1 : axis;
    long[] longer = new long[rank() + 1];
    for (int i = 0; i < longer.length; i++) {
      longer[i] = i == along ? 1 : shape[i < along ? i : i - 1];
    }
    return reshape(longer);
  }

  /** The axes [from, to] as one. */
  Tensor flatten(int from, int to) {
    int first = axis(from);
    int last = axis(to);
    long[] result = new long[rank() - (last - first)];
    for (int i = 0; i < result.length; i++) {
      result[i] = i < first ? shape[i] : i == first ? 1 : shape[i + last - first];
    }
    for (int i = first; i <= last; i++) {
      result[first] *= shape[i];
    }
    return reshape(result);
  }

  static Tensor concat(int axis, List<Tensor> parts) {
    Tensor first = parts.get(0);
    if (parts.size() == 1) {
      return first;
    }
    int along = first.axis(axis);
    long[] result = first.shape();
    result[along] = parts.stream().mapToLong(part -> part.size(along)).sum();
    SDVariable[] variables = parts.stream().map(Tensor::variable).toArray(SDVariable[]::new);
    boolean batched = parts.stream().anyMatch(part -> part.batched);
    return new Tensor(first.graph().concat(along, variables), batched, result);
  }

  /** Equal parts along an axis. */
  List<Tensor> split(int count, int axis) {
    int along = axis(axis);
    if (count == 1) {
      return List.of(this);
    }
    long[] result = shape.clone();
    result[along] /= count;
    return Arrays.stream(graph().split(variable, count, along))
        .map(part -> new Tensor(part, batched, result))
        .toList();
  }

  /** A constant before and behind each axis. */
  Tensor pad(double value, long[][] amounts) {
    if (Arrays.stream(amounts).flatMapToLong(Arrays::stream).allMatch(amount -> amount == 0)) {
      return this;
    }
    long[] result = shape.clone();
    int[][] paddings = new int[rank()][2];
    for (int i = 0; i < rank(); i++) {
      result[i] += amounts[i][0] + amounts[i][1];
      paddings[i] = Arrays.stream(amounts[i]).mapToInt(Math::toIntExact).toArray();
    }
    SDVariable padding = graph().constant(Nd4j.createFromArray(paddings));
    return new Tensor(graph().nn().pad(variable, padding, value), batched, result);
  }

  Tensor mean(boolean keep, int... axes) {
    return reduce(keep, axes, SDVariable::mean);
  }

  Tensor sum(boolean keep, int... axes) {
    return reduce(keep, axes, SDVariable::sum);
  }

  Tensor max(boolean keep, int... axes) {
    return reduce(keep, axes, SDVariable::max);
  }

  Tensor min(boolean keep, int... axes) {
    return reduce(keep, axes, SDVariable::min);
  }

  private interface Reduction {
    SDVariable apply(SDVariable x, boolean keep, int... axes);
  }

  private Tensor reduce(boolean keep, int[] axes, Reduction reduction) {
    int[] along = Arrays.stream(axes).map(this::axis).sorted().toArray();
    long[] result =
        IntStream.range(0, rank())
            .filter(i -> keep || Arrays.binarySearch(along, i) < 0)
            .mapToLong(i -> Arrays.binarySearch(along, i) < 0 ? shape[i] : 1)
            .toArray();
    return new Tensor(reduction.apply(variable, keep, along), batched, result);
  }

  /** The matrix product over the last two axes; the other tensor's may be transposed. */
  Tensor matmul(Tensor other, boolean transposeOther) {
    long inner = other.size(transposeOther ? -1 : -2);
    long columns = other.size(transposeOther ? -2 : -1);
    if (size(-1) != inner) {
      throw new UnsupportedCaseException("the matrix product of " + this + " and " + other);
    }
    long[] result = shape();
    result[rank() - 1] = columns;
    if (other.rank() == 2 && rank() != 2) {
      return reshape(-1, inner).matmul(other, transposeOther).reshape(result);
    }
    if (rank() != other.rank()
        || !Arrays.equals(
            Arrays.copyOf(shape, rank() - 2), Arrays.copyOf(other.shape, rank() - 2))) {
      throw new UnsupportedCaseException("the matrix product of " + this + " and " + other);
    }
    SDVariable product = graph().mmul(variable, other.variable, false, transposeOther, false);
    return new Tensor(product, batched || other.batched, result);
  }

  @Override
  public String toString() {
    return variable.name() + Arrays.toString(shape);
  }
}
