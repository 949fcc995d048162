package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.nd4j.PlainOp;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * The fallback for an op without a rule of its own: ND4J's gradient of the op, once, on inputs that
 * are repeated for each column, as if every column were a sample. Right where the op treats samples
 * apart and ND4J's gradient is right; {@link OwnGradients} says for which ops it is.
 *
 * <p>Parameters that the op reads get the sum over all samples, and so the gradient alone.
 */
final class OwnGradient implements Rule {
  /** Where the op's outputs have their samples. */
  @FunctionalInterface
  interface Place {
    BatchAxis of(NodeContext context, int output);
  }

  /** How tangents pass the op; ND4J has nothing for that. */
  @FunctionalInterface
  interface Forward {
    Tensor of(NodeContext context, int input, int output, Tensor tangent);
  }

  private final Place place;
  private final Forward forward;

  /** An op that tangents do not pass, or pass by its user's own doing. */
  OwnGradient(Place place) {
    this(
        place,
        (context, input, output, tangent) -> {
          throw new UnsupportedOpException(
              "tangents do not pass " + context.node().op(), "write it with other ops");
        });
  }

  OwnGradient(Place place, Forward forward) {
    this.place = place;
    this.forward = forward;
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return place.of(context, output);
  }

  @Override
  public void check(NodeContext context) {
    checkKnown(context);
  }

  /** An op that was rewritten for M2.1's file format has lost its gradient. */
  static void checkKnown(NodeContext context) {
    if (context.node().function() instanceof PlainOp) {
      throw new UnsupportedOpException(
          "ND4J's gradient of " + context.node().op() + " is not known here", "use another op");
    }
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return context.type(input).isFPType();
  }

  @Override
  public boolean keepsSamplesSeparate(NodeContext context, int input) {
    return context.batchAxis(input).hasSamples();
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Tensor above =
        context.outputPlacement(output).hasSamples() ? cotangent : summed(context, cotangent);
    Tensor gradient = context.ownGradient(output, above).get(input);
    return gradient != null ? gradient : zero(context, input, cotangent);
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    return forward.of(context, input, output, tangent);
  }

  private static Tensor summed(NodeContext context, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor sum = e.sumOverSamples(cotangent);
    return e.reshape(sum, Dims.of(Dim.ONE).plus(sum.dims()));
  }

  private static Tensor zero(NodeContext context, int input, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor zero = e.scale(context.value(input), 0);
    return e.broadcast(zero, zero.dims().with(1, cotangent.dims().get(1)));
  }

  @Override
  public String name() {
    return "ND4J's gradient";
  }
}
