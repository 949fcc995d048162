package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.stream.LongStream;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * {@code cumprod}: yⱼ is the product of some xᵢ, those up to j or from j on. ∂yⱼ/∂xᵢ is the product
 * of all others of them, or zero if xᵢ is not among them: the op itself, on rows in which xᵢ is
 * replaced by one, one row for each i. So zeros among the factors do no harm. M2.1's own gradient
 * is wrong.
 */
final class CumulativeProductRule implements Rule {
  /** The Jacobian has the square of this many entries for each row. */
  private static final long LONGEST = 4096;

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.along(context, output, CumulativeSumRule.axes(context));
  }

  @Override
  public void check(NodeContext context) {
    long length = 1;
    for (int axis : CumulativeSumRule.axes(context)) {
      length *= context.dims(0).get(axis).size();
    }
    if (length > LONGEST) {
      throw new UnsupportedOpException(
          "its rows are longer than " + LONGEST, "multiply shorter rows");
    }
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return input == 0;
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    return applied(context, cotangent, true);
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    return applied(context, tangent, false);
  }

  /** The Jacobian, or its transpose, applied to columns. */
  private static Tensor applied(NodeContext context, Tensor columns, boolean transpose) {
    Emitter e = context.emit();
    int[] axes = CumulativeSumRule.signalAxes(context);
    Tensor jacobian = jacobian(context, Rows.of(e, context.value(0), axes).value()); // [N, K, T, T]
    Rows rows = Rows.of(e, columns, axes); // [N, V·K, T]
    Dim n = jacobian.dims().get(0);
    Dim k = jacobian.dims().get(1);
    Dim t = rows.length();
    Dim v = columns.dims().get(1);
    Tensor s = e.reshape(rows.value(), Dims.of(columns.dims().get(0), v, k, t));
    Tensor byRow = e.permute(s, 0, 2, 1, 3); // [N, K, V, T]
    Tensor all = e.broadcast(byRow, Dims.of(n.samples() ? n : byRow.dims().get(0), k, v, t));
    boolean alike = all.dims().get(0).equals(n);
    Tensor j = alike ? jacobian : e.broadcast(jacobian, all.dims().range(0, 2).plus(t, t));
    Tensor product = e.permute(e.matmul(all, false, j, transpose), 0, 2, 1, 3);
    Dims back = Dims.of(all.dims().get(0), v.times(k), t);
    return rows.back(e.reshape(product, back));
  }

  /** [i, j] is the product of the factors of yⱼ other than xᵢ, zero if xᵢ is none of them. */
  private static Tensor jacobian(NodeContext context, Tensor rows) {
    Emitter e = context.emit();
    boolean exclusive = CumulativeSumRule.exclusive(context);
    boolean reverse = CumulativeSumRule.reverse(context);
    Dim t = rows.dims().get(2);
    int length = (int) t.size();
    Tensor eye =
        e.reshape(e.identity(rows.type(), length, 0, length), Dims.of(Dim.ONE, Dim.ONE, t, t));
    Tensor row = e.reshape(rows, rows.dims().range(0, 2).plus(Dim.ONE, t));
    Tensor without = e.add(e.mul(row, e.minus(1, eye)), eye);
    Tensor products =
        e.op(
            List.of("cumprod", exclusive, reverse),
            without.dims(),
            without.type(),
            false,
            List.of(without),
            () -> e.graph().cumprod(without.variable(), exclusive, reverse, 3));
    return e.mul(products, e.reshape(factors(e, context, rows.type(), length), eye.dims()));
  }

  /** [i, j] is one if xᵢ is a factor of yⱼ. */
  private static Tensor factors(Emitter e, NodeContext context, DataType type, int length) {
    boolean own = !CumulativeSumRule.exclusive(context);
    if (CumulativeSumRule.reverse(context)) {
      // i > j, or i ≥ j: not j > i − 1, or not j > i
      int shift = own ? 0 : -1;
      long[] rows = LongStream.range(0, length).map(i -> i + shift).toArray();
      return e.minus(1, e.behind(type, rows, length)).knownNonNegative();
    }
    int shift = own ? -1 : 0;
    return e.behind(type, LongStream.range(0, length).map(i -> i + shift).toArray(), length);
  }

  @Override
  public String name() {
    return "cumulative product";
  }
}
