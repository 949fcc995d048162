package org.backpack4j.samediff.internal.rule;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * {@code clipbynorm} and {@code clipbyavgnorm}: y = x min(1, c/‖x‖), the norm over some axes; the
 * latter divides it by the number of entries. A cotangent g becomes g where ‖x‖ ≤ c, else (g − x
 * ⟨x, g⟩/‖x‖²) c/‖x‖.
 */
final class ClipByNormRule implements SymmetricRule {
  private final boolean average;

  ClipByNormRule(boolean average) {
    this.average = average;
  }

  /** The axes of the norm; all of them if none is given. */
  private static int[] axes(NodeContext context) {
    int rank = context.dims(0).rank();
    long[] given = context.node().iArgs();
    return given.length == 0
        ? java.util.stream.IntStream.range(0, rank).toArray()
        : Arrays.stream(given).mapToInt(k -> (int) (k < 0 ? k + rank : k)).toArray();
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.along(context, output, axes(context));
  }

  @Override
  public void check(NodeContext context) {
    if (context.inputs() > 1) {
      throw new UnsupportedOpException("its bound is an input", "give the bound as a number");
    }
  }

  /** The shape of one sample's part of x, one along the axes of the norm. */
  private static Dims reduced(NodeContext context) {
    Dims part = context.perSample(0);
    List<Dim> reduced = new ArrayList<>(part.list());
    for (int axis : axes(context)) {
      reduced.set(context.batchAxis(0).perSampleAxis(axis), Dim.ONE);
    }
    return new Dims(reduced);
  }

  private double bound(NodeContext context) {
    double bound = context.node().tArg(0, 0);
    if (!average) {
      return bound;
    }
    Dim entries = Dim.ONE;
    for (int axis : axes(context)) {
      entries = entries.times(context.dims(0).get(axis));
    }
    return bound * entries.size();
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    double bound = bound(context);
    Dims reduced = reduced(context);
    Tensor x = context.value(0);
    Tensor squared = context.summed(e.square(x), reduced);
    Tensor outside = e.greater(squared, bound * bound);
    Tensor inside = e.minus(1, outside);
    // 1/‖x‖² where that is needed, else finite
    Tensor inverse = e.reciprocal(e.add(e.mul(squared, outside), inside));
    Tensor factor = e.mul(outside, e.scale(e.sqrt(inverse.knownNonNegative()), bound));
    Tensor along = context.summed(e.mul(cotangent, x), reduced);
    Tensor radial = e.mul(e.mul(along, e.mul(factor, inverse)), x);
    return e.sub(e.mul(cotangent, e.add(factor, inside)), radial);
  }

  @Override
  public String name() {
    return "clip by norm";
  }
}
