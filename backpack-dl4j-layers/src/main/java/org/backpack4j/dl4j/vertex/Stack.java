package org.backpack4j.dl4j.vertex;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
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
final class Stack implements VertexConverter<StackVertex> {
  @Override
  public Value convert(StackVertex conf, Site site) {
    List<Value> in = site.inputs();
    boolean series = in.stream().allMatch(v -> v.rank() == 3);
    return stacked(site, in, series ? 2 : 0).withMask(mask(site, in));
  }

  private static @Nullable Value mask(Site site, List<Value> in) {
    List<Value> masks = new ArrayList<>();
    for (Value value : in) {
      if (value.mask() != null) {
        masks.add(value.mask());
      }
    }
    if (masks.isEmpty()) {
      return null;
    }
    if (masks.size() < in.size()) {
      throw site.refuse(
          "masks of the features reach some of its inputs only",
          "let all its inputs have masks, or none");
    }
    return stacked(site, masks, masks.stream().allMatch(m -> m.rank() == 2) ? 1 : 0);
  }

  /**
   * The values one behind the other.
   *
   * @param time the axis along which they may be of different lengths, or 0
   */
  private static Value stacked(Site site, List<Value> in, int time) {
    long[] shape = in.get(0).shape();
    for (Value value : in) {
      if (time > 0 && value.rank() > time) {
        shape[time] = Math.max(shape[time], value.size(time));
      }
    }
    List<SDVariable> all = new ArrayList<>();
    for (Value value : in) {
      long[] own = value.shape();
      long missing = 0;
      if (time > 0 && own.length > time) {
        missing = shape[time] - own[time];
        own[time] = shape[time];
      }
      if (!Arrays.equals(own, shape)) {
        throw site.refuse(
            "its inputs have different shapes: " + in, "bring them to the same shape first");
      }
      all.add(filled(site, value, time, missing));
    }
    SDVariable stack = site.sd().stack(0, all.toArray(new SDVariable[0]));
    return in.get(0).with(site.sd().reshape(stack, shape), shape);
  }

  private static SDVariable filled(Site site, Value value, int time, long missing) {
    if (missing == 0) {
      return value.variable();
    }
    int[][] amounts = new int[value.rank()][2];
    amounts[time][1] = Math.toIntExact(missing);
    SDVariable sizes = site.sd().constant(Nd4j.createFromArray(amounts));
    return site.sd().nn().pad(value.variable(), sizes, PadMode.CONSTANT, 0);
  }
}
