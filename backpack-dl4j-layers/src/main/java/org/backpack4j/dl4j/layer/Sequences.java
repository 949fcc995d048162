package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.RNNFormat;

/** What layers on sequences have in common. */
final class Sequences {
  private Sequences() {}

  /** The input as [N, C, T]. */
  static Value channelsFirst(Site site, RNNFormat format) {
    Value x = site.input();
    if (x.rank() != 3) {
      throw site.refuse(
          "its input has the shape " + x + ", not that of sequences",
          "let a preprocessor bring it into the layout of sequences");
    }
    return format == RNNFormat.NWC ? swapped(site, x) : x;
  }

  /** The last two axes exchanged. */
  static Value swapped(Site site, Value x) {
    return x.with(site.sd().permute(x.variable(), 0, 2, 1), -1, x.size(2), x.size(1));
  }
}
