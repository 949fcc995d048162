package org.backpack4j.dl4j.internal.preprocessor;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.PreprocessorConverter;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnn3DPreProcessor;

/** {@code FeedForwardToCnn3DPreProcessor}: rows as volumes [N, C, D, H, W] or [N, D, H, W, C]. */
final class FeedForwardToCnn3DPreProcessorConverter
    implements PreprocessorConverter<FeedForwardToCnn3DPreProcessor> {
  @Override
  public LayerOutput convert(FeedForwardToCnn3DPreProcessor conf, ConversionContext context) {
    LayerOutput x = context.input();
    if (x.rank() == 5) {
      return x;
    }
    long depth = conf.getInputDepth();
    long height = conf.getInputHeight();
    long width = conf.getInputWidth();
    long channels = conf.getNumChannels();
    long[] shape =
        conf.isNCDHW()
            ? new long[] {-1, channels, depth, height, width}
            : new long[] {-1, depth, height, width, channels};
    return x.with(context.sd().reshape(x.variable(), shape), shape);
  }
}
