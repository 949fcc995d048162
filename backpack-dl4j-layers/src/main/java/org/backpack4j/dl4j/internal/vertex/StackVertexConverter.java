package org.backpack4j.dl4j.internal.vertex;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.enums.PadMode;
import org.nd4j.linalg.factory.Nd4j;

/**
 * {@code StackVertex}: the inputs as one batch, one behind the other, and so their masks. Time
 * series [N, F, T] are filled up with zeros to the longest. The samples stay recognisable: they are
 * an axis that is folded with that of the inputs.
 */
final class StackVertexConverter implements VertexConverter<StackVertex> {
  @Override
  public LayerOutput convert(StackVertex conf, ConversionContext context) {
    List<LayerOutput> in = context.inputs();
    boolean series = in.stream().allMatch(v -> v.rank() == 3);
    return stacked(context, in, series ? 2 : 0).withMask(mask(context, in));
  }

  private static @Nullable LayerOutput mask(ConversionContext context, List<LayerOutput> in) {
    List<LayerOutput> masks = new ArrayList<>();
    for (LayerOutput value : in) {
      if (value.mask() != null) {
        masks.add(value.mask());
      }
    }
    if (masks.isEmpty()) {
      return null;
    }
    if (masks.size() < in.size()) {
      throw context.refuse(
          "masks of the features reach some of its inputs only",
          "let all its inputs have masks, or none");
    }
    return stacked(context, masks, masks.stream().allMatch(m -> m.rank() == 2) ? 1 : 0);
  }

  /**
   * The values one behind the other.
   *
   * @param time the axis along which they may be of different lengths, or 0
   */
  private static LayerOutput stacked(ConversionContext context, List<LayerOutput> in, int time) {
    long[] shape = in.get(0).shape();
    for (LayerOutput value : in) {
      if (time > 0 && value.rank() > time) {
        shape[time] = Math.max(shape[time], value.size(time));
      }
    }
    List<SDVariable> all = new ArrayList<>();
    for (LayerOutput value : in) {
      long[] own = value.shape();
      long missing = 0;
      if (time > 0 && own.length > time) {
        missing = shape[time] - own[time];
        own[time] = shape[time];
      }
      if (!Arrays.equals(own, shape)) {
        throw context.refuse(
            "its inputs have different shapes: " + in, "bring them to the same shape first");
      }
      all.add(filled(context, value, time, missing));
    }
    SDVariable stack = context.sd().stack(0, all.toArray(new SDVariable[0]));
    return in.get(0).with(context.sd().reshape(stack, shape), shape);
  }

  private static SDVariable filled(
      ConversionContext context, LayerOutput value, int time, long missing) {
    if (missing == 0) {
      return value.variable();
    }
    int[][] amounts = new int[value.rank()][2];
    amounts[time][1] = Math.toIntExact(missing);
    SDVariable sizes = context.sd().constant(Nd4j.createFromArray(amounts));
    return context.sd().nn().pad(value.variable(), sizes, PadMode.CONSTANT, 0);
  }
}
