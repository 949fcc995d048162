package org.backpack4j.samediff.internal.rule;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * {@code cumsum}: yⱼ is the sum of all xᵢ up to j, or from j on, with or without j itself. The
 * transposed Jacobian adds up from the other side: x̄ᵢ = Σ over j that xᵢ went into. M2.1's own
 * gradient is wrong where j is left out or the sum runs backwards.
 */
final class CumulativeSumRule implements Rule {
  /** The axes of a cumulative op, in the order in which it runs along them. */
  static int[] axes(NodeContext context) {
    int rank = context.dims(0).rank();
    long[] given = Arrays.stream(context.node().iArgs()).skip(2).toArray();
    if (context.inputs() > 1) {
      if (context.constant(1) == null) {
        throw new UnsupportedOpException(
            "the axis of " + context.node() + " is computed", "give it as a constant");
      }
      given = context.constant(1).toLongVector();
    }
    int[] axes =
        Arrays.stream(given)
            .mapToInt(k -> (int) (k < 0 ? k + rank : k))
            .distinct()
            .sorted()
            .toArray();
    return axes.length > 0 ? axes : java.util.stream.IntStream.range(0, rank).toArray();
  }

  /** The same axes of a cotangent; the op must not run over the samples. */
  static int[] signalAxes(NodeContext context) {
    return Arrays.stream(axes(context))
        .map(k -> 2 + context.batchAxis(0).perSampleAxis(k))
        .toArray();
  }

  static boolean exclusive(NodeContext context) {
    return context.node().iArg(0, 0) == 1;
  }

  static boolean reverse(NodeContext context) {
    return context.node().iArg(1, 0) == 1;
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.along(context, output, axes(context));
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return input == 0;
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    return sums(context, cotangent, !reverse(context));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    return sums(context, tangent, reverse(context));
  }

  private static Tensor sums(NodeContext context, Tensor columns, boolean reverse) {
    Emitter e = context.emit();
    boolean exclusive = exclusive(context);
    Rows rows = Rows.of(e, columns, signalAxes(context));
    Tensor value = rows.value();
    Tensor sums =
        e.op(
            List.of("cumsum", exclusive, reverse),
            value.dims(),
            value.type(),
            value.nonNegative(),
            List.of(value),
            () -> e.graph().cumsum(value.variable(), exclusive, reverse, 2));
    return rows.back(sums);
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "cumulative sum";
  }
}
