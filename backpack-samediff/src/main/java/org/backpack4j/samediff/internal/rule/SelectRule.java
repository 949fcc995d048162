package org.backpack4j.samediff.internal.rule;

import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * {@code Where} and {@code select}: a where a condition holds, else b. The cotangent goes to the
 * one that was taken; the condition has no derivative. It has the shape of a and b, or an entry for
 * each index of their first axis.
 */
final class SelectRule implements SymmetricRule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    if (context.inputs() < 3) {
      return BatchAxes.byShape(context, output);
    }
    BatchAxis place = context.batchAxis(context.batchAxis(1).hasSamples() ? 1 : 2);
    if (!place.hasSamples()) {
      return BatchAxes.withoutAxis(context);
    }
    BatchAxis condition = context.batchAxis(0);
    int axis = sameShape(context) ? condition.axis() : 0;
    boolean apart =
        condition.hasSamples()
            && !BatchAxis.samples(axis, condition.outer(), condition.inner()).equals(place);
    return apart ? place.coupling("its inputs have their samples on different axes") : place;
  }

  private static boolean sameShape(NodeContext context) {
    return context.dims(0).equals(context.dims(1));
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return context.inputs() == 3 && input > 0;
  }

  @Override
  public void check(NodeContext context) {
    if (context.batchAxis(0).hasSamples() && !context.outputPlacement(0).hasSamples()) {
      throw new UnsupportedOpException(
          "its condition depends on the samples, its values do not",
          "repeat the values for each sample");
    }
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor taken = e.cast(condition(context), cotangent.type());
    return e.mul(cotangent, input == 1 ? taken : e.minus(1, taken));
  }

  /** The condition in the arrangement of cotangents, with ones where it is broadcast. */
  private static Tensor condition(NodeContext context) {
    Tensor rows = context.samplesFirst(0);
    Dims lead = Dims.of(rows.dims().get(0), Dim.ONE);
    if (sameShape(context)) {
      return context.emit().reshape(rows, lead.plus(context.perSample(0)));
    }
    Dims entries = Dims.of(context.perSample(0).product()); // of one sample
    BatchAxis place = context.outputPlacement(0);
    boolean dropped = place.hasSamples() && place.axis() == 0 && !place.folded();
    int rank = context.outputPerSample(0).rank();
    Dims aligned = dropped ? Dims.ones(rank) : entries.plus(Dims.ones(rank - 1));
    return context.emit().reshape(rows, lead.plus(aligned));
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "select";
  }
}
