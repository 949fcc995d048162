package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.FeatureMask;
import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code SelfAttentionLayer}: every step of a time series [N, F, T] attends to all steps. */
final class SelfAttention implements LayerConverter<SelfAttentionLayer> {
  @Override
  public Value convert(SelfAttentionLayer conf, Site site) {
    Heads.warn(site);
    Value x = new Series(site, site.input(), null).value();
    SDVariable mask = FeatureMask.ofSteps(site, x, x.size(2));
    return Heads.attend(site, conf.isProjectInput(), x, x, x, mask);
  }
}
