package org.backpack4j.dl4j.preprocessor;

import org.backpack4j.dl4j.convert.PreprocessorConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;

/**
 * {@code CnnToFeedForwardPreProcessor}: images [N, …] as rows, in their own layout. A mask of whole
 * images [N, 1, 1, 1] goes along as [N, 1].
 */
final class ImagesToRows implements PreprocessorConverter<CnnToFeedForwardPreProcessor> {
  @Override
  public Value convert(CnnToFeedForwardPreProcessor conf, Site site) {
    return withRowMask(site, flat(site));
  }

  /** Images and volumes as rows. */
  static Value flat(Site site) {
    Value x = site.input();
    if (x.rank() == 2) {
      return x;
    }
    long length = x.sampleLength();
    return x.with(site.sd().reshape(x.variable(), -1, length), -1, length);
  }

  /** Rows whose mask is brought from [N, 1, 1, 1] into [N, 1]. */
  static Value withRowMask(Site site, Value rows) {
    Value mask = rows.mask();
    if (mask == null || mask.rank() == 2) {
      return rows;
    }
    if (mask.sampleLength() != 1) {
      throw site.refuse(
          "a mask of the features reaches it, " + mask + ", of which DL4J makes none for rows",
          "mask whole images, [N, 1, 1, 1], or train without features' masks");
    }
    return rows.withMask(mask.with(site.sd().reshape(mask.variable(), -1, 1), -1, 1));
  }
}
