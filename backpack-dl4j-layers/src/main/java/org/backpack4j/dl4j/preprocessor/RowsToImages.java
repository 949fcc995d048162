package org.backpack4j.dl4j.preprocessor;

import org.backpack4j.dl4j.convert.PreprocessorConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnnPreProcessor;

/** {@code FeedForwardToCnnPreProcessor}: rows as images [N, C, H, W]. */
final class RowsToImages implements PreprocessorConverter<FeedForwardToCnnPreProcessor> {
  @Override
  public Value convert(FeedForwardToCnnPreProcessor conf, Site site) {
    Value x = site.input();
    if (x.rank() == 4) {
      return x;
    }
    long[] shape = {-1, conf.getNumChannels(), conf.getInputHeight(), conf.getInputWidth()};
    return x.with(site.sd().reshape(x.variable(), shape), shape);
  }
}
