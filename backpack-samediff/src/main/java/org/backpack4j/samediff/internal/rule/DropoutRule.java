package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Dropout that drops something, which is refused as all that draws random numbers is. One that
 * keeps everything is an identity before rules are asked.
 */
final class DropoutRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.along(context, output);
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    throw new UnsupportedOperationException(context.node().toString());
  }

  @Override
  public String name() {
    return "-";
  }
}
