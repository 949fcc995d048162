package org.backpack4j.dl4j.preprocessor;

import org.backpack4j.dl4j.convert.PreprocessorConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code RnnToFeedForwardPreProcessor}: sequences [N, F, T] as rows [N·T, F], sample by sample. */
final class SequencesToRows implements PreprocessorConverter<RnnToFeedForwardPreProcessor> {
  @Override
  public Value convert(RnnToFeedForwardPreProcessor conf, Site site) {
    Value x = site.input();
    if (x.rank() == 2) {
      return x; // DL4J puts one in front of what is no sequence any more, too
    }
    boolean last = conf.getRnnDataFormat() == RNNFormat.NWC;
    SDVariable steps = last ? x.variable() : site.sd().permute(x.variable(), 0, 2, 1);
    long features = x.size(last ? 2 : 1);
    return new Value(site.sd().reshape(steps, -1, features), -1, features);
  }
}
