package org.backpack4j.samediff.spi;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.backpack4j.samediff.internal.faults.SegmentFaults;
import org.backpack4j.samediff.internal.ir.KernelCall;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.nd4j.NativeGradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Inserts native ops into a graph, each behind a shape check, and never the same op on the same
 * inputs twice. Ops stand in the name scope of the node that they belong to, {@code
 * backpack/<node>/…}.
 *
 * <p>What is known beforehand (a literal scalar, a factor of one) costs no op. Everything emitted
 * answers in 'c' order and survives SameDiff's clone and save.
 *
 * <p>What is here are sums, products of matrices and look-ups; arithmetic, shapes and constants are
 * inherited.
 */
public final class Emitter extends ShapeOps {
  private final Map<List<Object>, List<@Nullable Tensor>> ownGradients = new HashMap<>();

  /**
   * An emitter into a graph.
   *
   * @param graph the graph to extend
   * @param sampled a variable whose extent tells the number of samples; empty when there is none
   * @param axis the axis to look at
   * @param factor what the number of samples is multiplied by there
   */
  public Emitter(SameDiff graph, String sampled, int axis, long factor) {
    super(graph, sampled, axis, factor);
  }

  /**
   * The values for which a planned execution may use a kernel instead of the ops that define them.
   *
   * @return the fusions, in the order of their insertion
   */
  public List<KernelCall> fusions() {
    return List.copyOf(fusions);
  }

  /**
   * Some rows of the identity matrix, computed at each evaluation: kept in the graph it would be as
   * large as the square of the size.
   *
   * @param type the data type
   * @param size the number of columns
   * @param from the first row
   * @param to the row behind the last
   * @return the value [to − from, size]
   */
  public Tensor identity(DataType type, long size, long from, long to) {
    return oneHot(LongStream.range(from, to).toArray(), size, type);
  }

  /**
   * Rows with a single one.
   *
   * @param places for each row where the one stands
   * @param size the length of a row
   * @param type the data type
   * @return the value [rows, size]
   */
  public Tensor oneHot(long[] places, long size, DataType type) {
    return oneHot(indices(places), size, type);
  }

  /**
   * Rows with a single one.
   *
   * @param places for each row where the one stands, from 0 to {@code size} − 1
   * @param size the length of a row
   * @param type the data type of the result
   * @return the value […, size]
   */
  public Tensor oneHot(Tensor places, long size, DataType type) {
    int depth = Math.toIntExact(size);
    return op(
        List.of("one-hot", size, type),
        places.dims().plus(Dim.of(size)),
        type,
        true,
        List.of(places),
        () -> graph.oneHot(places.variable(), depth, -1, 1.0, 0.0, type));
  }

  /**
   * Whole numbers that are known.
   *
   * @param numbers the numbers
   * @return the value [count]
   */
  public Tensor indices(long... numbers) {
    int[] whole = Arrays.stream(numbers).mapToInt(Math::toIntExact).toArray();
    return constant(List.of("indices", Arrays.toString(whole)), () -> Nd4j.createFromArray(whole));
  }

  /**
   * One where a column's number is greater than the row's, computed at each evaluation.
   *
   * @param type the data type
   * @param rows the rows' numbers
   * @param columns the number of columns
   * @return the value [rows, columns]
   */
  public Tensor behind(DataType type, long[] rows, long columns) {
    Tensor number = reshape(indices(LongStream.range(0, columns).toArray()), Dims.of(1, columns));
    Tensor bound = reshape(indices(rows), Dims.of(rows.length, 1));
    Tensor behind =
        op(
            List.of("behind"),
            Dims.of(rows.length, columns),
            DataType.BOOL,
            false,
            List.of(number, bound),
            () -> graph.gt(number.variable(), bound.variable()));
    return cast(behind, type).knownNonNegative();
  }

  /**
   * The product of two matrices, or of as many as the leading axes count.
   *
   * @param a [..., M, K], or [..., K, M] where transposed
   * @param transposeA whether {@code a} is transposed
   * @param b [..., K, L], or [..., L, K] where transposed
   * @param transposeB whether {@code b} is transposed
   * @return [..., M, L]
   */
  public Tensor matmul(Tensor a, boolean transposeA, Tensor b, boolean transposeB) {
    int r = a.rank();
    Dim k = a.dims().get(transposeA ? r - 2 : r - 1);
    Dim otherK = b.dims().get(transposeB ? r - 1 : r - 2);
    if (b.rank() != r
        || !k.equals(otherK)
        || !a.dims().range(0, r - 2).equals(b.dims().range(0, r - 2))) {
      throw new IllegalStateException(
          "cannot multiply " + a + (transposeA ? "ᵀ" : "") + " by " + b + (transposeB ? "ᵀ" : ""));
    }
    Dims dims =
        a.dims()
            .range(0, r - 2)
            .plus(
                a.dims().get(transposeA ? r - 1 : r - 2), b.dims().get(transposeB ? r - 2 : r - 1));
    return total(
        k.samples(),
        make(
            List.of("matmul", id(a), transposeA, id(b), transposeB),
            () -> graph.mmul(a.variable(), b.variable(), transposeA, transposeB, false),
            v -> like(v, dims, a.nonNegative() && b.nonNegative(), a, b)));
  }

  /**
   * The sum over axes that stand beside each other, by a product with ones where that is possible:
   * ND4J's own sum over an axis runs at a tenth of memory speed.
   *
   * @param a the value
   * @param from the first axis
   * @param to the axis behind the last one
   * @return the value without these axes
   */
  public Tensor sum(Tensor a, int from, int to) {
    Dims outside = a.dims().range(0, from).plus(a.dims().from(to));
    Dim left = a.dims().range(0, from).product();
    Dim summed = a.dims().range(from, to).product();
    Dim right = a.dims().from(to).product();
    if (summed.isOne()) {
      return reshape(a, outside);
    }
    if (right.isOne()) {
      Tensor rows = reshape(a, Dims.of(left, summed));
      return reshape(matmul(rows, false, onesFor(summed, a.type()), true), outside);
    }
    if (left.isOne()) {
      return reshape(
          matmul(onesFor(summed, a.type()), false, reshape(a, Dims.of(summed, right)), false),
          outside);
    }
    Tensor middle = reshape(a, Dims.of(left, summed, right));
    return reshape(
        total(
            summed.samples(),
            make(
                List.of("sum", id(middle)),
                () -> middle.variable().sum(1),
                v -> like(v, Dims.of(left, right), a.nonNegative(), middle))),
        outside);
  }

  /**
   * The largest entry along an axis.
   *
   * @param a the value
   * @param axis the axis, which has not the samples
   * @return the largest entries; the axis stays, with the extent one
   */
  public Tensor largest(Tensor a, int axis) {
    if (a.dims().get(axis).isOne()) {
      return a; // M2.1's session cannot reduce along such an axis
    }
    Dims dims = a.dims().range(0, axis).plus(Dim.ONE).plus(a.dims().from(axis + 1));
    return make(
        List.of("largest", axis, id(a)),
        () -> a.variable().max(true, axis),
        v -> like(v, dims, a.nonNegative(), a));
  }

  /** Ones [1, K], also for a K that grows with the number of samples. */
  private Tensor onesFor(Dim count, DataType type) {
    if (!count.samples()) {
      return ones(type, 1, count.size());
    }
    Tensor samples = reshape(onesOverSamples(type), Dims.of(Dim.N, Dim.ONE));
    return reshape(
        broadcast(samples, Dims.of(Dim.N, Dim.of(count.size()))), Dims.of(Dim.ONE, count));
  }

  /**
   * The sum over the sample axis.
   *
   * @param a the value [N, …]
   * @return the value without its first axis
   */
  public Tensor sumOverSamples(Tensor a) {
    return a.dims().get(0).samples() ? sum(a, 0, 1) : reshape(a, a.dims().from(1));
  }

  /**
   * Rows added up by their index.
   *
   * @param values the rows [P, D]
   * @param indices for each row where it goes, whole numbers from 0 to {@code count} − 1: [P]
   * @param count the number K of sums
   * @return the sums [K, D]; zeros where no row goes
   */
  public Tensor sumByIndex(Tensor values, Tensor indices, int count) {
    Dims dims = values.dims().with(0, Dim.of(count));
    boolean apart = SegmentFaults.isLone(values.dims());
    Tensor rows = apart ? reshape(values, values.dims().plus(Dim.ONE)) : values;
    Tensor sums =
        op(
            List.of("sum by index", count),
            rows.dims().with(0, Dim.of(count)),
            values.type(),
            values.nonNegative(),
            List.of(rows, indices),
            () -> graph.unsortedSegmentSum(rows.variable(), indices.variable(), count));
    return reshape(sums, dims);
  }

  /**
   * Entries of an axis by their index.
   *
   * @param a the value
   * @param axis the axis to read from, not the sample axis
   * @param indices whole numbers from 0 to the axis's extent − 1: [P…]
   * @return the value with the axes P… in place of that axis
   */
  public Tensor gather(Tensor a, int axis, Tensor indices) {
    return op(
        List.of("gather", axis),
        a.dims().range(0, axis).plus(indices.dims()).plus(a.dims().from(axis + 1)),
        a.type(),
        a.nonNegative(),
        List.of(a, indices),
        () -> graph.gather(a.variable(), indices.variable(), axis));
  }

  /**
   * The gradient of a node as ND4J defines it.
   *
   * @param node the node
   * @param inputs what the op reads instead of the node's inputs; null for these themselves
   * @param gradients for each output the gradient with respect to it; null for zero
   * @param dims the shapes of what the op reads
   * @return for each input the gradient with respect to it, in 'c' order; null for one that has
   *     none
   */
  public List<@Nullable Tensor> ownGradient(
      Node node, @Nullable List<Tensor> inputs, List<@Nullable Tensor> gradients, List<Dims> dims) {
    List<Object> key = new ArrayList<>(List.of("own gradient", node.name()));
    gradients.forEach(t -> key.add(id(t)));
    List<@Nullable Tensor> known = ownGradients.get(key);
    if (known != null) {
      return known;
    }
    List<@Nullable SDVariable> above = new ArrayList<>();
    gradients.forEach(t -> above.add(t == null ? null : t.variable()));
    List<SDVariable> read = inputs == null ? null : inputs.stream().map(Tensor::variable).toList();
    List<@Nullable SDVariable> own = scoped(() -> NativeGradient.of(graph, node, read, above));
    List<@Nullable Tensor> results = new ArrayList<>();
    for (int k = 0; k < dims.size(); k++) {
      SDVariable gradient = k < own.size() ? own.get(k) : null;
      results.add(gradient == null ? null : inOrder(gradient, dims.get(k)));
    }
    ownGradients.put(key, results);
    return results;
  }

  /** Through a reshape to its own shape: not all of ND4J's ops answer in 'c' order. */
  private Tensor inOrder(SDVariable variable, Dims dims) {
    return op(
        List.of("in order", variable.name(), dims),
        dims,
        variable.dataType(),
        false,
        List.of(wrap(variable, dims, true)),
        () -> variable.reshape(dims.toLongs()));
  }
}
