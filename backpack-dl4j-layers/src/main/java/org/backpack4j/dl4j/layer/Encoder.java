package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;

/**
 * {@code VariationalAutoencoder} as a layer of a network that is trained by its loss: dense layers
 * e0, e1, …, and the mean of q(z|x). Its other parameters belong to pretraining and have no
 * quantities.
 */
final class Encoder implements LayerConverter<VariationalAutoencoder> {
  @Override
  public void check(VariationalAutoencoder conf, Obstacles obstacles) {
    obstacles.activation(conf.getPzxActivationFn());
  }

  @Override
  public Value convert(VariationalAutoencoder conf, Site site) {
    Value x = Rows.input(site);
    for (int k = 0; k < conf.getEncoderLayerSizes().length; k++) {
      x = site.activate(conf.getActivationFn(), Rows.affine(site, x, "e" + k + "W", "e" + k + "b"));
    }
    Value mean = Rows.affine(site, x, "pZXMeanW", "pZXMeanb");
    return site.activate(conf.getPzxActivationFn(), mean);
  }
}
