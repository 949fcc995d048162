package org.backpack4j.dl4j.preprocessor;

import org.backpack4j.dl4j.convert.PreprocessorConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;

/** {@code RnnToFeedForwardPreProcessor}: time series as rows [T·N, F]. */
final class SeriesToRows implements PreprocessorConverter<RnnToFeedForwardPreProcessor> {
  @Override
  public Value convert(RnnToFeedForwardPreProcessor conf, Site site) {
    return SeriesRows.of(site.input(), conf.getRnnDataFormat(), site);
  }
}
