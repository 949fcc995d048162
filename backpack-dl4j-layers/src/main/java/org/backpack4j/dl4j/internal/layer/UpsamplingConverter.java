package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.nd4j.autodiff.samediff.SDVariable;

/** Each entry repeated along some neighbouring axes. */
final class UpsamplingConverter {
  private UpsamplingConverter() {}

  /**
   * Repeats: an axis of ones behind each axis, tiled, and folded in.
   *
   * @param times how often, along the first axis, the next, …
   * @param first the first axis
   */
  static LayerOutput repeat(ConversionContext context, int[] times, int first) {
    LayerOutput x = context.input();
    int rank = x.rank() + times.length;
    long[] spread = new long[rank];
    int[] tiles = new int[rank];
    java.util.Arrays.fill(tiles, 1);
    long[] shape = x.shape();
    for (int axis = 0, to = 0; axis < x.rank(); axis++) {
      spread[to++] = shape[axis];
      int k = axis - first;
      if (k >= 0 && k < times.length) {
        spread[to] = 1;
        tiles[to++] = times[k];
        shape[axis] *= times[k];
      }
    }
    SDVariable tiled = context.sd().tile(context.sd().reshape(x.variable(), spread), tiles);
    return x.with(context.sd().reshape(tiled, shape), shape);
  }
}
