package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.RNNFormat;

/** What layers on sequences have in common. */
final class Sequences {
  private Sequences() {}

  /** The input as [N, C, T]. */
  static LayerOutput channelsFirst(ConversionContext context, RNNFormat format) {
    LayerOutput x = context.input();
    if (x.rank() != 3) {
      throw context.refuse(
          "its input has the shape " + x + ", not that of sequences",
          "let a preprocessor bring it into the layout of sequences");
    }
    return format == RNNFormat.NWC ? swapped(context, x) : x;
  }

  /** The last two axes exchanged. */
  static LayerOutput swapped(ConversionContext context, LayerOutput x) {
    return x.with(context.sd().permute(x.variable(), 0, 2, 1), -1, x.size(2), x.size(1));
  }
}
