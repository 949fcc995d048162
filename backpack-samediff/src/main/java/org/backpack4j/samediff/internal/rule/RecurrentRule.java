package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.rewrite.Recurrent;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/** Recurrent layers, which are written out step by step: those that are left could not be. */
final class RecurrentRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.byShape(context, output);
  }

  @Override
  public void check(NodeContext context) {
    throw new UnsupportedOpException(
        Recurrent.obstacle(context.node())
            .orElse("its steps or features grow with the number of samples"),
        "give the input a fixed number of steps, its samples where the format has them (see"
            + " sampleAxis), or write the steps out of matrix products");
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    throw new UnsupportedOperationException(context.node().toString());
  }

  @Override
  public String name() {
    return "steps";
  }
}
