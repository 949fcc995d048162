package org.backpack4j.dl4j.preprocessor;

import org.backpack4j.dl4j.convert.PreprocessorConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;

/** {@code CnnToFeedForwardPreProcessor}: images [N, …] as rows, in the images' own layout. */
final class ImagesToRows implements PreprocessorConverter<CnnToFeedForwardPreProcessor> {
  @Override
  public Value convert(CnnToFeedForwardPreProcessor conf, Site site) {
    Value x = site.input();
    if (x.rank() == 2) {
      return x;
    }
    long length = x.sampleLength();
    return x.with(site.sd().reshape(x.variable(), -1, length), -1, length);
  }
}
