package org.backpack4j.samediff.internal.rule;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
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
 * {@code prelu}: x, or α x if that is negative. α has an entry for each index of x but those of the
 * first and of the shared axes; its own shape may be any of that length. As in ND4J the derivative
 * at x = 0 is one.
 */
final class PreluRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.along(context, output);
  }

  @Override
  public void check(NodeContext context) {
    if (context.batchAxis(1).hasSamples()) {
      throw new UnsupportedOpException(
          "its slopes depend on the samples", "write it as relu(x) − alpha · relu(−x)");
    }
    if (!aligned(context).product().equals(context.dims(1).product())) {
      throw new UnsupportedOpException(
          "its slopes differ along the sample axis", "share that axis");
    }
  }

  /** The shape of one sample's part of x, one where slopes are shared. */
  private static Dims aligned(NodeContext context) {
    Dims dims = context.dims(0);
    long[] shared = context.node().iArgs();
    List<Dim> slopes = new ArrayList<>();
    for (int k = 0; k < dims.rank(); k++) {
      int axis = k;
      boolean once = k == 0 || Arrays.stream(shared).anyMatch(s -> s == axis);
      slopes.add(once ? Dim.ONE : dims.get(k));
    }
    BatchAxis place = context.batchAxis(0);
    if (place.hasSamples() && !place.folded()) {
      slopes.remove(place.axis());
    } else if (place.hasSamples()) {
      slopes.set(place.axis(), Dim.ONE);
    }
    return new Dims(slopes);
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor x = context.value(0);
    Tensor negative = e.less(x, 0);
    if (input == 0) {
      Tensor rows = context.samplesFirst(1);
      Tensor alpha = e.reshape(rows, Dims.of(Dim.ONE, Dim.ONE).plus(aligned(context)));
      return e.mul(cotangent, e.plus(e.mul(negative, e.plus(alpha, -1)), 1));
    }
    Tensor sum = context.summed(e.mul(cotangent, e.mul(x, negative)), aligned(context));
    return e.reshape(sum, sum.dims().range(0, 2).plus(context.dims(1)));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    if (input == 0) {
      return vjp(context, input, output, tangent); // diagonal
    }
    Emitter e = context.emit();
    Tensor x = context.value(0);
    Tensor slopes = e.reshape(tangent, tangent.dims().range(0, 2).plus(aligned(context)));
    return e.mul(slopes, e.mul(x, e.less(x, 0)));
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return active.size() == 1;
  }

  @Override
  public String name() {
    return "prelu";
  }
}
