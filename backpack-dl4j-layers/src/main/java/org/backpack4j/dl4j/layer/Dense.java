package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.FeatureMask;
import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code DenseLayer}: σ(x W + b), x [N, I], W [I, O], with layer normalisation before the bias.
 * Rows that are masked are zero.
 */
final class Dense implements LayerConverter<DenseLayer> {
  @Override
  public Value convert(DenseLayer conf, Site site) {
    Value y = site.activate(conf.getActivationFn(), Rows.affine(site, site.input()));
    SDVariable mask = FeatureMask.ofRows(site, y);
    return mask == null ? y : y.with(y.variable().mul(mask));
  }
}
