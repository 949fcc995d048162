package org.backpack4j.samediff.internal.rule;

import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.linalg.api.buffer.DataType;

/** {@code trace} of matrices on the last two axes: the cotangent goes to the diagonal. */
final class TraceRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    BatchAxis place = context.batchAxis(0);
    if (!place.hasSamples()) {
      return BatchAxes.withoutAxis(context);
    }
    return place.axis() < context.dims(0).rank() - 2
        ? place
        : BatchAxis.reduced("the trace runs over the sample axis");
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor spread = e.reshape(cotangent, cotangent.dims().plus(Dim.ONE, Dim.ONE));
    return e.mul(spread, diagonal(context, cotangent.rank()));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Tensor sum = e.mul(tangent, diagonal(context, tangent.rank() - 2));
    return e.sum(sum, sum.rank() - 2, sum.rank());
  }

  /** Ones on the diagonal behind {@code leading} axes of extent one. */
  private static Tensor diagonal(NodeContext context, int leading) {
    Emitter e = context.emit();
    Dims matrix = context.dims(0).from(context.dims(0).rank() - 2);
    Tensor eye = diagonal(e, context.type(0), matrix.get(0).size(), matrix.get(1).size());
    return e.reshape(eye, Dims.ones(leading).plus(matrix));
  }

  /** Ones on the diagonal, as large as one of the matrices. */
  private static Tensor diagonal(Emitter e, DataType type, long rows, long columns) {
    long square = Math.min(rows, columns);
    return rows > columns
        ? e.pad(e.identity(type, columns, 0, square), 0, 0, rows - square)
        : e.identity(type, columns, 0, square);
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "trace";
  }
}
