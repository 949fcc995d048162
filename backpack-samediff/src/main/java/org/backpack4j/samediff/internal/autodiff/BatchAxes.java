package org.backpack4j.samediff.internal.autodiff;

import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.BatchAxis.Kind;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/** Where results have their sample axis, for the few ways in which ops treat axes. */
public final class BatchAxes {
  private BatchAxes() {}

  /**
   * Of an op that treats every entry apart and broadcasts its inputs, axes counted from the last.
   *
   * @param context the node
   * @param output which output
   * @return the batchAxis
   */
  public static BatchAxis broadcast(NodeContext context, int output) {
    Dims out = context.outputDims(output);
    BatchAxis found = withoutAxis(context);
    for (int k = 0; k < context.inputs(); k++) {
      BatchAxis place = context.batchAxis(k);
      if (!place.hasSamples()) {
        continue;
      }
      int axis = place.axis() + out.rank() - context.dims(k).rank();
      BatchAxis here = BatchAxis.samples(axis, place.outer(), place.inner());
      if (found.hasSamples() && !found.equals(here)) {
        return byShape(context, output).coupling("its inputs have their samples on different axes");
      }
      found = here;
    }
    return found;
  }

  /**
   * Of an op that works along some axes of its first input and keeps its shape or the other axes'
   * extents.
   *
   * @param context the node
   * @param output which output
   * @param axes the axes, negative from the end
   * @return the batchAxis
   */
  public static BatchAxis along(NodeContext context, int output, int... axes) {
    BatchAxis place = context.batchAxis(0);
    if (!place.hasSamples()) {
      return withoutAxis(context);
    }
    int rank = context.dims(0).rank();
    for (int axis : axes) {
      if ((axis < 0 ? axis + rank : axis) == place.axis()) {
        return byShape(context, output)
            .coupling(context.node().op() + " works along the sample axis");
      }
    }
    return place;
  }

  /**
   * Of an op that keeps the order of all entries, such as a reshape.
   *
   * @param context the node
   * @param output which output
   * @return the batchAxis
   */
  public static BatchAxis sameOrder(NodeContext context, int output) {
    BatchAxis place = context.batchAxis(0);
    if (!place.hasSamples()) {
      return withoutAxis(context);
    }
    Dims in = context.dims(0);
    Dims out = context.outputDims(output);
    // the sample index is a digit of the flat index: its weight stays
    Dim behind = in.from(place.axis() + 1).product();
    long weight = behind.size() * place.inner();
    int axis = out.sampleAxis();
    if (axis < 0) {
      throw new UnsupportedOpException(
          "the sample axis of " + context.node() + " cannot be found",
          "keep the samples on an axis");
    }
    long within = out.from(axis + 1).product().size();
    long factor = out.get(axis).size();
    if (within > 0 && weight % within == 0 && factor % (weight / within) == 0) {
      long inner = weight / within;
      return BatchAxis.samples(axis, factor / inner, inner);
    }
    return byShape(context, output).coupling("the reshape tears samples apart");
  }

  /**
   * Of an output without a sample axis: whether it depends on samples.
   *
   * @param context the node
   * @return the batchAxis
   */
  public static BatchAxis withoutAxis(NodeContext context) {
    for (int k = 0; k < context.inputs(); k++) {
      if (context.batchAxis(k).kind() != Kind.UNBATCHED) {
        return BatchAxis.reduced(null);
      }
    }
    return BatchAxis.UNBATCHED;
  }

  /**
   * What the shapes alone tell: the axis that grows with the number of samples. An output may have
   * one though no input has: {@code range(0, size_at(x, 0))}.
   *
   * @param context the node
   * @param output which output
   * @return the batchAxis
   */
  public static BatchAxis byShape(NodeContext context, int output) {
    int axis = context.outputDims(output).sampleAxis();
    if (axis < 0) {
      return withoutAxis(context);
    }
    return BatchAxis.samples(axis, 1, context.outputDims(output).get(axis).size());
  }
}
