package org.backpack4j.dl4j.internal.preprocessor;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.PreprocessorConverter;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToRnnPreProcessor;

/** {@code FeedForwardToRnnPreProcessor}: rows [T·N, F] as time series. */
final class FeedForwardToRnnPreProcessorConverter
    implements PreprocessorConverter<FeedForwardToRnnPreProcessor> {
  @Override
  public LayerOutput convert(FeedForwardToRnnPreProcessor conf, ConversionContext context) {
    return SeriesRows.series(context.input(), conf.getRnnDataFormat(), context);
  }
}
