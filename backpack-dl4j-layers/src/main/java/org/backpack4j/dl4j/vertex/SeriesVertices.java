package org.backpack4j.dl4j.vertex;

import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;

/** What vertices on time series [N, F, T] have in common. */
final class SeriesVertices {
  private SeriesVertices() {}

  /** Refuses what is no time series. */
  static Value series(Site site, Value x) {
    if (x.rank() != 3) {
      throw site.refuse(
          "its input has the shape " + x + ", not that of time series",
          "let a preprocessor bring it into the layout of time series");
    }
    return x;
  }
}
