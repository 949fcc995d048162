package org.backpack4j.dl4j.internal.preprocessor;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.PreprocessorConverter;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnnPreProcessor;

/** {@code FeedForwardToCnnPreProcessor}: rows as images [N, C, H, W]. */
final class FeedForwardToCnnPreProcessorConverter
    implements PreprocessorConverter<FeedForwardToCnnPreProcessor> {
  @Override
  public LayerOutput convert(FeedForwardToCnnPreProcessor conf, ConversionContext context) {
    LayerOutput x = context.input();
    if (x.rank() == 4) {
      return x;
    }
    long[] shape = {-1, conf.getNumChannels(), conf.getInputHeight(), conf.getInputWidth()};
    return x.with(context.sd().reshape(x.variable(), shape), shape);
  }
}
