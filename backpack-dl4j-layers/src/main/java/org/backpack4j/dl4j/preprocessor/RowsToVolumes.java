package org.backpack4j.dl4j.preprocessor;

import org.backpack4j.dl4j.convert.PreprocessorConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnn3DPreProcessor;

/** {@code FeedForwardToCnn3DPreProcessor}: rows as volumes [N, C, D, H, W] or [N, D, H, W, C]. */
final class RowsToVolumes implements PreprocessorConverter<FeedForwardToCnn3DPreProcessor> {
  @Override
  public Value convert(FeedForwardToCnn3DPreProcessor conf, Site site) {
    Value x = site.input();
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
    return x.with(site.sd().reshape(x.variable(), shape), shape);
  }
}
