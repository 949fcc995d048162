package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

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

  /** Of a reduction, where the gradient of its results is the derivative by every entry. */
  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    checkJvp(context);
    Emitter e = context.emit();
    Dims results = Dims.of(Dim.ONE, Dim.ONE).plus(context.outputDims(output));
    Tensor one = e.literal(1, context.outputType(output), Dims.ones(results.rank()));
    Tensor slope = vjp(context, input, output, e.broadcast(one, results));
    return Reductions.sums(context, output, e.mul(tangent, slope));
  }

  @Override
  public void checkJvp(NodeContext context) {
    if (!(apart instanceof ReducedFunctionRule)) {
      throw new UnsupportedOpException(
          context.node().op() + " lets samples influence each other, which tangents do not pass",
          "use an op that treats samples apart");
    }
  }

  @Override
  public String name() {
    return own.name() + ", for the gradient alone";
  }
}
