package org.backpack4j.dl4j.internal.vertex;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;

/** What vertices on time series [N, F, T] have in common. */
final class SeriesVertices {
  private SeriesVertices() {}

  /** Refuses what is no time series. */
  static LayerOutput series(ConversionContext context, LayerOutput x) {
    if (x.rank() != 3) {
      throw context.refuse(
          "its input has the shape " + x + ", not that of time series",
          "let a preprocessor bring it into the layout of time series");
    }
    return x;
  }
}
