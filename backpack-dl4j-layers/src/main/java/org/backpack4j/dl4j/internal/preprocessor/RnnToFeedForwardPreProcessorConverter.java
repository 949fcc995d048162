package org.backpack4j.dl4j.internal.preprocessor;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.PreprocessorConverter;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;

/** {@code RnnToFeedForwardPreProcessor}: time series as rows [T·N, F]. */
final class RnnToFeedForwardPreProcessorConverter
    implements PreprocessorConverter<RnnToFeedForwardPreProcessor> {
  @Override
  public LayerOutput convert(RnnToFeedForwardPreProcessor conf, ConversionContext context) {
    return SeriesRows.of(context.input(), conf.getRnnDataFormat(), context);
  }
}
