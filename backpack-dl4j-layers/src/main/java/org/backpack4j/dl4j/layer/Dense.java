package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.DenseLayer;

/**
 * {@code DenseLayer}: σ(x W + b), x [N, I], W [I, O], with layer normalisation before the bias.
 * Rows that are masked are zero.
 */
final class Dense implements LayerConverter<DenseLayer> {
  @Override
  public Value convert(DenseLayer conf, Site site) {
    return Rows.shown(site, site.activate(conf.getActivationFn(), Rows.affine(site, site.input())));
  }
}
