package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Tensor;

/**
 * An op that lets samples influence each other, where its own rule cannot pass that: the gradient
 * alone passes, all samples at once, by ND4J's gradient of the op. Rows of it are BackPACK's
 * convention for the gradient of a sample; second derivatives do not pass.
 */
final class CoupledGradientRule implements Rule {
  private final Rule apart;
  private final OwnGradient own = new OwnGradient(BatchAxes::byShape);

  CoupledGradientRule(Rule apart) {
    this.apart = apart;
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return apart.batchAxis(context, output);
  }

  @Override
  public void check(NodeContext context) {
    own.check(context);
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return apart.differentiable(context, input);
  }

  @Override
  public boolean vjpHandlesCoupling() {
    return true;
  }

  @Override
  public boolean keepsSamplesSeparate(NodeContext context, int input) {
    return own.keepsSamplesSeparate(context, input);
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    return own.vjp(context, input, output, cotangent);
  }

  @Override
  public String name() {
    return own.name() + ", for the gradient alone";
  }
}
