package org.backpack4j.samediff.internal.rule;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * {@code avgpool2d} and {@code avgpool3dnew}: every entry of a window gets the window's cotangent,
 * divided by how many entries it has, padding counted or not, as the op's argument says.
 */
final class AveragePoolingRule implements Rule {
  /** Up to so many windows one matrix for all axes is the faster way: it is bound by memory. */
  private static final long FEW = 32;

  private static final long LARGEST = 1 << 20;

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return Pooling.batchAxis(context, output);
  }

  @Override
  public void check(NodeContext context) {
    Pooling p = Pooling.of(context);
    p.check(context, includesPadding(p));
  }

  private static boolean includesPadding(Pooling p) {
    return p.extra() == 1;
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Pooling p = Pooling.of(context);
    return p.back(e, spread(e, p.channels(e, cotangent), p.windows(), weights(p)), context);
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Pooling p = Pooling.of(context);
    Tensor means = collected(e, p.channels(e, tangent), p.windows(), weights(p));
    return p.back(e, means, context.outputPerSample(output));
  }

  private static List<double[]> weights(Pooling p) {
    return p.windows().axes().stream().map(w -> inverseCounts(w, includesPadding(p))).toList();
  }

  /** What an axis contributes to one over the number of entries in a window. */
  private static double[] inverseCounts(Window w, boolean all) {
    double[] inverse = new double[(int) w.out()];
    for (int o = 0; o < inverse.length; o++) {
      long count = 0;
      for (long k = 0; k < w.kernel(); k++) {
        count += all || (w.firstOutput(k) <= o && o < w.endOutput(k)) ? 1 : 0;
      }
      inverse[o] = 1.0 / count;
    }
    return inverse;
  }

  /** Every window's cotangent, times the product of its axes' weights, to each of its entries. */
  static Tensor spread(Emitter e, Tensor s, Windows windows, List<double[]> weights) {
    if (hasOneMatrix(windows)) {
      Dims lead = s.dims().range(0, 3);
      Tensor rows = e.reshape(s, Dims.of(lead.product(), Dim.of(windows.positions())));
      Tensor product = e.matmul(rows, false, matrix(e, s.type(), windows, weights), false);
      return e.reshape(product, lead.plus(windows.in()));
    }
    Tensor result = s;
    for (int axis = 0; axis < windows.count(); axis++) {
      Window w = windows.get(axis);
      if (!w.trivial()) {
        Tensor last = AxisMap.toEnd(e, result, 3 + axis);
        Tensor spread = AxisMap.summed(e, last, w, weights.get(axis));
        result = AxisMap.fromEnd(e, spread, 3 + axis);
      }
    }
    return result;
  }

  /** The weighted sum of each window's entries: the transposed of {@link #spread}. */
  static Tensor collected(Emitter e, Tensor t, Windows windows, List<double[]> weights) {
    if (hasOneMatrix(windows)) {
      Dims lead = t.dims().range(0, 3);
      Tensor rows = e.reshape(t, Dims.of(lead.product(), windows.in().product()));
      Tensor product = e.matmul(rows, false, matrix(e, t.type(), windows, weights), true);
      return e.reshape(product, lead.plus(windows.out()));
    }
    Tensor result = t;
    for (int axis = 0; axis < windows.count(); axis++) {
      Window w = windows.get(axis);
      if (!w.trivial()) {
        Tensor last = AxisMap.toEnd(e, result, 3 + axis);
        Tensor sums = AxisMap.collected(e, last, w, weights.get(axis));
        result = AxisMap.fromEnd(e, sums, 3 + axis);
      }
    }
    return result;
  }

  private static boolean hasOneMatrix(Windows windows) {
    return windows.positions() <= FEW
        && windows.positions() * windows.in().product().size() <= LARGEST;
  }

  /** From windows to entries, for all axes: [positions, entries]. */
  private static Tensor matrix(Emitter e, DataType type, Windows windows, List<double[]> weights) {
    List<String> written = weights.stream().map(Arrays::toString).toList();
    return e.constant(
        List.of("pooling", windows, written, type),
        () -> {
          INDArray product = Nd4j.ones(DataType.DOUBLE, 1, 1);
          for (int axis = 0; axis < windows.count(); axis++) {
            product = kronecker(product, AxisMap.array(windows.get(axis), weights.get(axis)));
          }
          return product.castTo(type);
        });
  }

  private static INDArray kronecker(INDArray a, INDArray b) {
    INDArray blocks =
        a.reshape('c', a.rows(), 1, a.columns(), 1)
            .mul(b.reshape('c', 1, b.rows(), 1, b.columns()));
    return blocks.reshape('c', a.rows() * (long) b.rows(), a.columns() * (long) b.columns());
  }

  @Override
  public String name() {
    return "average pooling";
  }
}
