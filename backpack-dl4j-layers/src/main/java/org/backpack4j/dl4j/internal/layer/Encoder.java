package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
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
  public LayerOutput convert(VariationalAutoencoder conf, ConversionContext context) {
    LayerOutput x = Rows.input(context);
    for (int k = 0; k < conf.getEncoderLayerSizes().length; k++) {
      x =
          context.activate(
              conf.getActivationFn(), Rows.affine(context, x, "e" + k + "W", "e" + k + "b"));
    }
    LayerOutput mean = Rows.affine(context, x, "pZXMeanW", "pZXMeanb");
    return context.activate(conf.getPzxActivationFn(), mean);
  }
}
