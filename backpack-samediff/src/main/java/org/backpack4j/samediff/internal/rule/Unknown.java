package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * An op without a rule. It may stand where no cotangent has to pass, as in the making of labels.
 */
final class Unknown implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.byShape(context, output);
  }

  @Override
  public void check(NodeContext context) {
    throw new UnsupportedOpException(
        "there is no rule for " + context.node().op(),
        "write it with supported ops, register a rule by rules(…) (docs/extending.md), or leave out"
            + " the parameters before it");
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
