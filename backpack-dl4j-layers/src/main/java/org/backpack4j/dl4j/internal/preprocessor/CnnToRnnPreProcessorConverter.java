package org.backpack4j.dl4j.internal.preprocessor;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.PreprocessorConverter;
import org.deeplearning4j.nn.conf.preprocessor.CnnToRnnPreProcessor;

/** {@code CnnToRnnPreProcessor}: images [T·N, C, H, W] as the steps of a time series. */
final class CnnToRnnPreProcessorConverter implements PreprocessorConverter<CnnToRnnPreProcessor> {
  @Override
  public LayerOutput convert(CnnToRnnPreProcessor conf, ConversionContext context) {
    LayerOutput x = context.input();
    long length = x.sampleLength();
    LayerOutput rows =
        CnnToFeedForwardPreProcessorConverter.withRowMask(
            context, x.with(context.sd().reshape(x.variable(), -1, length), -1, length));
    return SeriesRows.series(rows, conf.getRnnDataFormat(), context);
  }
}
