package org.backpack4j.dl4j.preprocessor;

import org.backpack4j.dl4j.convert.PreprocessorConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToRnnPreProcessor;

/** {@code FeedForwardToRnnPreProcessor}: rows [T·N, F] as time series. */
final class RowsToSeries implements PreprocessorConverter<FeedForwardToRnnPreProcessor> {
  @Override
  public Value convert(FeedForwardToRnnPreProcessor conf, Site site) {
    return SeriesRows.series(site.input(), conf.getRnnDataFormat(), site);
  }
}
