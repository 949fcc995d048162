package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;

/** {@code SelfAttentionLayer}: every step of a time series [N, F, T] attends to all steps. */
final class SelfAttention implements LayerConverter<SelfAttentionLayer> {
  @Override
  public boolean readsMask() {
    return true;
  }

  @Override
  public Value convert(SelfAttentionLayer conf, Site site) {
    Heads.warn(site);
    Value x = new Series(site, site.input(), null).value();
    return Heads.attend(site, conf.isProjectInput(), x, x, x, x.mask()).withMask(x.mask());
  }
}
