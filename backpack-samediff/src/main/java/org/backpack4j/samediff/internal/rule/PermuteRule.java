package org.backpack4j.samediff.internal.rule;

import java.util.Set;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.contribution.PermutedView;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.backpack4j.samediff.spi.View;
import org.nd4j.linalg.api.ndarray.INDArray;

/** {@code permute} and {@code transpose}: axes in another order. */
final class PermuteRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    BatchAxis place = context.batchAxis(0);
    if (!place.hasSamples()) {
      return BatchAxes.withoutAxis(context);
    }
    int[] order = order(context);
    int axis =
        IntStream.range(0, order.length)
            .filter(k -> order[k] == place.axis())
            .findFirst()
            .orElseThrow();
    return BatchAxis.samples(axis, place.outer(), place.inner());
  }

  /** For each axis of the output the input's axis. */
  private static int[] order(NodeContext context) {
    int rank = context.dims(0).rank();
    long[] given = context.node().iArgs();
    if (context.inputs() > 1) {
      INDArray constant = context.constant(1);
      if (constant == null) {
        throw new UnsupportedOpException(
            "the order of the axes is computed", "give it as a constant");
      }
      given = constant.toLongVector();
    }
    if (given.length == 0) {
      return IntStream.range(0, rank).map(k -> rank - 1 - k).toArray();
    }
    if (java.util.Arrays.stream(given).anyMatch(k -> k < 0)) {
      throw new UnsupportedOpException(
          "M2.1 does not permute by negative axes, it leaves the array as it is",
          "count the axes from the front");
    }
    return java.util.Arrays.stream(given).mapToInt(k -> (int) k).toArray();
  }

  @Override
  public void check(NodeContext context) {
    order(context);
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return input == 0;
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    int[] order = columnsOrder(context);
    int[] inverse = new int[order.length];
    IntStream.range(0, order.length).forEach(k -> inverse[order[k]] = k);
    return context.emit().permute(cotangent, inverse);
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    return context.emit().permute(tangent, columnsOrder(context));
  }

  /** For each axis of [N, V, F…] at the output that at the input. */
  private static int[] columnsOrder(NodeContext context) {
    int[] order = order(context);
    BatchAxis in = context.batchAxis(0);
    BatchAxis out = context.outputPlacement(0);
    int[] columns = new int[2 + context.perSample(0).rank()];
    columns[1] = 1;
    for (int k = 0; k < order.length; k++) {
      boolean dropped = in.hasSamples() && !in.folded() && order[k] == in.axis();
      if (!dropped) {
        columns[2 + out.perSampleAxis(k)] = 2 + in.perSampleAxis(order[k]);
      }
    }
    return columns;
  }

  @Override
  public View view(NodeContext context) {
    return PermutedView.permuted(context.emit(), context.outputDims(0), order(context));
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "permute";
  }
}
