package org.backpack4j.samediff.internal.execution.kernel;

import java.util.Arrays;
import java.util.List;
import org.backpack4j.samediff.internal.execution.plan.ArenaPacking;
import org.backpack4j.samediff.internal.execution.plan.Extents;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.backpack4j.samediff.internal.execution.run.Call;
import org.backpack4j.samediff.internal.execution.run.CompositeCall;
import org.backpack4j.samediff.internal.execution.run.Copies;
import org.backpack4j.samediff.internal.execution.run.CopyOut;
import org.backpack4j.samediff.internal.execution.run.Memory;
import org.backpack4j.samediff.internal.execution.run.Native;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Σ w[n, v] (Σₚ S[n, v, o, p] X[n, i, p])² over v, and over n too or not: the squares of outer
 * products over positions, of which only a block is ever in memory.
 *
 * <p>Products are made by matrix products of single samples, which run at two to four times the
 * rate of a batched one, into a block that stays in the cache; there they are squared in place, and
 * summed by a matrix product with the weights.
 */
final class OuterSquaredSum implements Kernel {
  /** Bytes of one block of products: they stay in the cache, and a product has enough rows. */
  private static final long BLOCK = 8L << 20;

  /**
   * So many products lie side by side in a block at least, so that summing them up costs little.
   */
  private static final long DEPTH = 4;

  private final DataType type;
  private final long samples;
  private final long columns;
  private final long outputs;
  private final long inputs;
  private final long positions;
  private final boolean sharedX;
  private final boolean perSample;
  private final boolean signed;
  private final boolean sharedSigns;

  /** Rows of G (outputs) in a block, and products G[n, v] side by side in it. */
  private final long rows;

  private final long depth;

  private OuterSquaredSum(
      DataType type, long[] s, long[] x, long @Nullable [] signs, boolean perSample) {
    this.type = type;
    this.samples = s[0];
    this.columns = s[1];
    this.outputs = s[2];
    this.positions = s[3];
    this.inputs = x[1];
    this.sharedX = x[0] == 1 && s[0] > 1;
    this.signed = signs != null;
    this.sharedSigns = signs != null && signs[0] == 1 && samples > 1;
    this.perSample = perSample;
    long elements = BLOCK / type.width();
    this.rows = Math.max(1, Math.min(outputs, elements / DEPTH / inputs));
    long most = perSample ? columns : samples * columns;
    this.depth = Math.max(1, Math.min(most, elements / (rows * inputs)));
  }

  /**
   * The kernel for S [N, V, O, P], X [N or 1, I, P] and perhaps signs [N or 1, V].
   *
   * @param output [O, I], or [N, O, I] for the sums of each sample
   * @return null if the shapes are others
   */
  static @Nullable Kernel of(List<Value> inputs, Value output) {
    if (inputs.size() < 2 || inputs.size() > 3) {
      return null;
    }
    long[] s = inputs.get(0).shape();
    long[] x = inputs.get(1).shape();
    long[] signs = inputs.size() == 3 ? inputs.get(2).shape() : null;
    boolean fit =
        s.length == 4
            && x.length == 3
            && (x[0] == s[0] || x[0] == 1)
            && x[2] == s[3]
            && (signs == null
                || ((signs[0] == s[0] || signs[0] == 1)
                    && Extents.product(signs) == signs[0] * s[1]));
    if (!fit) {
      return null;
    }
    boolean sum = Arrays.equals(output.shape(), new long[] {s[2], x[1]});
    boolean perSample = Arrays.equals(output.shape(), new long[] {s[0], s[2], x[1]});
    return sum || perSample ? new OuterSquaredSum(output.type, s, x, signs, !sum) : null;
  }

  private long blockBytes() {
    return ArenaPacking.align(depth * rows * inputs * type.width());
  }

  private long weightBytes() {
    return ArenaPacking.align(samples * columns * type.width());
  }

  @Override
  public long scratchBytes() {
    long total = perSample ? 0 : outputs * inputs * type.width();
    return blockBytes() + weightBytes() + total;
  }

  @Override
  public Call call(long scratch) {
    Products products = new Products(scratch);
    if (perSample) {
      return products;
    }
    long total = scratch + blockBytes() + weightBytes();
    return new CopyOut(products, Memory.arrayAt(total, type, outputs, inputs));
  }

  private final class Products extends CompositeCall {
    private final long block;
    private final INDArray weights;

    Products(long scratch) {
      this.block = scratch;
      this.weights = Memory.arrayAt(scratch + blockBytes(), type, samples * columns);
    }

    @Override
    public void make(INDArray[] in, INDArray output, List<Call> calls) {
      calls.add(new Weights(weights, signed ? in[2] : null, sharedSigns ? samples : 1));
      long out = Native.address(output);
      for (long firstRow = 0; firstRow < outputs; firstRow += rows) {
        long height = Math.min(rows, outputs - firstRow);
        for (long group = 0; group < (perSample ? samples : 1); group++) {
          INDArray target =
              Native.part(out, (group * outputs + firstRow) * inputs, type, 1, height * inputs);
          long from = perSample ? group * columns : 0;
          long to = perSample ? from + columns : samples * columns;
          sum(in, firstRow, height, from, to, target, calls);
        }
      }
    }

    /** The sum over columns (n, v), counted through, of some rows of G. */
    private void sum(
        INDArray[] in,
        long firstRow,
        long height,
        long from,
        long to,
        INDArray target,
        List<Call> calls) {
      for (long first = from; first < to; first += depth) {
        long count = Math.min(depth, to - first);
        products(in, firstRow, height, first, first + count, calls);
        INDArray g = Native.part(block, 0, type, count, height * inputs);
        calls.add(Native.bound(Native.elementwise("multiply"), g, g, g));
        INDArray w = Native.part(Native.address(weights), first, type, 1, count);
        calls.add(Native.bound(Native.matmul(false, false, first == from ? 0 : 1), w, g, target));
      }
    }

    private void products(
        INDArray[] in, long firstRow, long height, long first, long end, List<Call> calls) {
      long s = Native.address(in[0]);
      long x = Native.address(in[1]);
      for (long column = first; column < end; ) {
        long n = column / columns;
        // All rows of several columns lie behind each other; some rows of one column do.
        long many = height == outputs ? Math.min(end, (n + 1) * columns) - column : 1;
        INDArray left =
            Native.part(
                s, (column * outputs + firstRow) * positions, type, many * height, positions);
        INDArray right =
            Native.part(x, (sharedX ? 0 : n) * inputs * positions, type, inputs, positions);
        INDArray product =
            Native.part(block, (column - first) * height * inputs, type, many * height, inputs);
        calls.add(Native.bound(Native.matmul(false, true, 0), left, right, product));
        column += many;
      }
    }
  }

  /** Fills in the weight of each column: ones, or the signs, repeated where samples share them. */
  private record Weights(INDArray weights, @Nullable INDArray signs, long times) implements Call {
    @Override
    public void bind(INDArray[] inputs, INDArray[] outputs) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void run() {
      if (signs == null) {
        weights.assign(1);
        return;
      }
      long length = weights.length() / times;
      INDArray flat = Native.part(Native.address(signs), 0, weights.dataType(), length);
      for (long i = 0; i < times; i++) {
        INDArray part =
            Native.part(Native.address(weights), i * length, weights.dataType(), length);
        Copies.copy(flat, part);
      }
    }
  }
}
