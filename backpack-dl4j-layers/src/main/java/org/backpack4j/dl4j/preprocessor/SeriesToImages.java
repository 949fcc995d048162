package org.backpack4j.dl4j.preprocessor;

import org.backpack4j.dl4j.convert.PreprocessorConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.preprocessor.RnnToCnnPreProcessor;

/** {@code RnnToCnnPreProcessor}: every step of a time series as an image, [T·N, C, H, W]. */
final class SeriesToImages implements PreprocessorConverter<RnnToCnnPreProcessor> {
  @Override
  public Value convert(RnnToCnnPreProcessor conf, Site site) {
    Value rows = SeriesRows.of(site.input(), conf.getRnnDataFormat(), site);
    long[] shape = {-1, conf.getNumChannels(), conf.getInputHeight(), conf.getInputWidth()};
    Value images = rows.with(site.sd().reshape(rows.variable(), shape), shape);
    Value mask = rows.mask();
    return mask == null
        ? images
        : images.withMask(mask.with(site.sd().reshape(mask.variable(), -1, 1, 1, 1), -1, 1, 1, 1));
  }
}
