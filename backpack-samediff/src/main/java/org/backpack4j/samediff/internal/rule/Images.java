package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The last axes of a value as images or volumes, everything before them folded into a batch. One
 * spatial axis becomes two, the first of extent one.
 *
 * @param own how many spatial axes the op has
 * @param last whether the channels stand behind them
 */
record Images(int own, boolean last) {
  /** How many spatial axes there are in a batch: two or three. */
  int axes() {
    return Math.max(own, 2);
  }

  /** [N, V, …, image…] as [B, image…], channels where they are. */
  Tensor fold(Emitter e, Tensor value) {
    int front = value.rank() - own - 1;
    Dims image = value.dims().from(front);
    if (own == 1) {
      image = last ? Dims.of(Dim.ONE).plus(image) : Dims.of(image.get(0), Dim.ONE, image.get(1));
    }
    return e.reshape(value, Dims.of(value.dims().range(0, front).product()).plus(image));
  }

  /** [N, V, …, image…] as [B, C, spatial…]. */
  Tensor channelsFirst(Emitter e, Tensor value) {
    Tensor folded = fold(e, value);
    return last ? e.permute(folded, Convolutions.channelsFirst(axes())) : folded;
  }

  /** From [B, C, spatial…] back to a shape that ends with an image. */
  Tensor back(Emitter e, Tensor channelsFirst, Dims dims) {
    Tensor images =
        last ? e.permute(channelsFirst, Convolutions.channelsLast(axes())) : channelsFirst;
    return e.reshape(images, dims);
  }

  /** How often an image stands in one sample's part of a variable: T, of time-distributed ones. */
  long times(Dims perSample) {
    return perSample.range(0, perSample.rank() - own - 1).product().size();
  }

  /** The axis of the channels in a value. */
  int channel(Tensor value) {
    return channel(value.rank());
  }

  /** The axis of the channels in a value of some rank. */
  int channel(int rank) {
    return rank - 1 - (last ? 0 : own);
  }

  /**
   * Images whose channels stand once for each column, V times A, as columns.
   *
   * @param images [N·T, V·A, spatial…], channels where they are
   * @param v the number of columns V
   * @param part one sample's part of the result
   * @return [N, V, F…]
   */
  Tensor columns(Emitter e, Tensor images, Dim n, Dim v, Dims part) {
    int spatial = axes();
    Dim times = Dim.of(times(part));
    Dims image = images.dims().from(1);
    Dim each = Dim.of(image.get(last ? spatial : 0).size() / v.size());
    Dims apart =
        last
            ? Dims.of(n, times).plus(image.range(0, spatial)).plus(v, each)
            : Dims.of(n, times, v, each).plus(image.from(1));
    int[] order = new int[spatial + 4];
    order[1] = last ? 2 + spatial : 2;
    order[2] = 1;
    for (int k = 3; k < order.length; k++) {
      order[k] = last && k < order.length - 1 ? k - 1 : k;
    }
    return e.reshape(e.permute(e.reshape(images, apart), order), Dims.of(n, v).plus(part));
  }

  /** [N·V·T, A, spatial…] as [N, V, A, T · positions]. */
  static Tensor positionsLast(Emitter e, Tensor images, Dim n, long v, long times) {
    Dim a = images.dims().get(1);
    Dim positions = images.dims().from(2).product();
    Tensor apart = e.reshape(images, Dims.of(n, Dim.of(v), Dim.of(times), a, positions));
    return e.reshape(
        e.permute(apart, 0, 1, 3, 2, 4), Dims.of(n, Dim.of(v), a, positions.times(Dim.of(times))));
  }
}
