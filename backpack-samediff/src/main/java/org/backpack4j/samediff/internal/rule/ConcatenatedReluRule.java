package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/** {@code crelu}: relu(x) and, behind it on the last axis, relu(−x). */
final class ConcatenatedReluRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    BatchAxis place = context.batchAxis(0);
    if (place.hasSamples() && place.axis() == context.dims(0).rank() - 1) {
      throw new UnsupportedOpException(
          "it puts positive and negative parts beside each other on the sample axis",
          "keep the samples on another axis than the last one");
    }
    return BatchAxes.along(context, output);
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor x = context.value(0);
    int last = x.rank() - 1;
    long size = x.dims().get(last).size();
    Tensor positive = e.mul(e.slice(cotangent, last, 0, size), e.greater(x, 0));
    Tensor negative = e.mul(e.slice(cotangent, last, size, 2 * size), e.less(x, 0));
    return e.sub(positive, negative);
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Tensor x = context.value(0);
    Tensor negative = e.scale(e.mul(tangent, e.less(x, 0)), -1);
    return e.concat(tangent.rank() - 1, List.of(e.mul(tangent, e.greater(x, 0)), negative));
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "crelu";
  }
}
