package org.backpack4j.dl4j.internal.preprocessor;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.PreprocessorConverter;
import org.deeplearning4j.nn.conf.preprocessor.RnnToCnnPreProcessor;

/** {@code RnnToCnnPreProcessor}: every step of a time series as an image, [T·N, C, H, W]. */
final class RnnToCnnPreProcessorConverter implements PreprocessorConverter<RnnToCnnPreProcessor> {
  @Override
  public LayerOutput convert(RnnToCnnPreProcessor conf, ConversionContext context) {
    LayerOutput rows = SeriesRows.of(context.input(), conf.getRnnDataFormat(), context);
    long[] shape = {-1, conf.getNumChannels(), conf.getInputHeight(), conf.getInputWidth()};
    LayerOutput images = rows.with(context.sd().reshape(rows.variable(), shape), shape);
    LayerOutput mask = rows.mask();
    return mask == null
        ? images
        : images.withMask(
            mask.with(context.sd().reshape(mask.variable(), -1, 1, 1, 1), -1, 1, 1, 1));
  }
}
