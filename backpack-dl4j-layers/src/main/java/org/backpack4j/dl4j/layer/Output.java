package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.OutputLayer;

/** {@code OutputLayer}: a dense layer with a loss behind it. */
final class Output implements LayerConverter<OutputLayer> {
  @Override
  public void check(OutputLayer conf, Obstacles obstacles) {
    obstacles.loss(conf.getLossFn(), conf.getActivationFn());
  }

  @Override
  public Value convert(OutputLayer conf, Site site) {
    Value mask = LossAlone.mask(site, conf.getNOut());
    Value z = Rows.masked(Rows.affine(site, site.input()), mask);
    LossAlone.add(conf.getLossFn(), conf.getActivationFn(), z, mask, site);
    return Rows.masked(site.activate(conf.getActivationFn(), z), mask);
  }
}
