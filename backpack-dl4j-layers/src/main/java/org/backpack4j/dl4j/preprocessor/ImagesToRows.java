package org.backpack4j.dl4j.preprocessor;

import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;

/** Images and volumes [N, …] as rows, in their own layout. */
final class ImagesToRows {
  private ImagesToRows() {}

  static Value flat(Site site) {
    Value x = site.input();
    if (x.rank() == 2) {
      return x;
    }
    long length = x.sampleLength();
    return x.with(site.sd().reshape(x.variable(), -1, length), -1, length);
  }
}
