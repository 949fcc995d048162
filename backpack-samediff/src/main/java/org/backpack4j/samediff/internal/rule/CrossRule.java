package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * {@code cross}, a × b along the last axis: with a cotangent s, ā = b × s and b̄ = s × a. ND4J's
 * own gradient has the wrong sign.
 */
final class CrossRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    BatchAxis place = BatchAxes.broadcast(context, output);
    return place.hasSamples() && place.axis() == context.outputDims(output).rank() - 1
        ? place.coupling("the samples are the components of the vectors")
        : place;
  }

  @Override
  public void check(NodeContext context) {
    if (!context.dims(0).equals(context.dims(1))) {
      throw new UnsupportedOpException(
          "its inputs have different shapes", "bring them to the same shape");
    }
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Tensor other = context.aligned(1 - input, output);
    return context.unaligned(
        input,
        output,
        input == 0
            ? cross(context.emit(), other, cotangent)
            : cross(context.emit(), cotangent, other));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Tensor other = context.aligned(1 - input, output);
    Tensor here = context.alignedTangent(input, output, tangent);
    return input == 0 ? cross(context.emit(), here, other) : cross(context.emit(), other, here);
  }

  private static Tensor cross(Emitter e, Tensor a, Tensor b) {
    Dims dims = e.mul(a, b).dims();
    Tensor first = e.broadcast(a, dims);
    Tensor second = e.broadcast(b, dims);
    return e.op(
        List.of("cross"),
        dims,
        first.type(),
        false,
        List.of(first, second),
        () -> e.graph().math().cross(first.variable(), second.variable()));
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return active.size() == 1
        && !context.node().inputs().get(0).equals(context.node().inputs().get(1));
  }

  @Override
  public String name() {
    return "cross product";
  }
}
