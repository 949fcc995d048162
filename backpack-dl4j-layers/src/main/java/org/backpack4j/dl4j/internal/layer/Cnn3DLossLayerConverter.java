package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.jspecify.annotations.Nullable;

/** {@code Cnn3DLossLayer}: a loss of each position of volumes. */
final class Cnn3DLossLayerConverter implements LayerConverter<Cnn3DLossLayer> {
  @Override
  public void check(Cnn3DLossLayer conf, Obstacles obstacles) {
    obstacles.loss(conf.getLossFn(), conf.getActivationFn());
    obstacles.activation(conf.getActivationFn());
  }

  @Override
  public @Nullable LayerOutput mask(Cnn3DLossLayer conf, ConversionContext context) {
    return null;
  }

  @Override
  public LayerOutput convert(Cnn3DLossLayer conf, ConversionContext context) {
    LayerOutput x = Images.input(context, 5);
    LayerOutput mask = context.lossMask();
    if (mask != null && !fits(mask, x)) {
      throw context.refuse(
          "its mask has the shape " + mask,
          "let it have as many axes as the labels, each as long as theirs or of length 1");
    }
    int channels = Images.channels(conf.getDataFormat());
    return new PositionsLoss(context, x, channels)
        .of(conf.getLossFn(), conf.getActivationFn(), mask);
  }

  private static boolean fits(LayerOutput mask, LayerOutput x) {
    boolean fits = mask.rank() == x.rank();
    for (int k = 1; fits && k < x.rank(); k++) {
      fits = mask.size(k) == 1 || mask.size(k) == x.size(k);
    }
    return fits;
  }
}
