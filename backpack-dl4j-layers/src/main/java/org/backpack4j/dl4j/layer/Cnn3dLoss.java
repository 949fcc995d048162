package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.jspecify.annotations.Nullable;

/** {@code Cnn3DLossLayer}: a loss of each position of volumes. */
final class Cnn3dLoss implements LayerConverter<Cnn3DLossLayer> {
  @Override
  public void check(Cnn3DLossLayer conf, Obstacles obstacles) {
    obstacles.loss(conf.getLossFn(), conf.getActivationFn());
    obstacles.activation(conf.getActivationFn());
  }

  @Override
  public @Nullable Value mask(Cnn3DLossLayer conf, Site site) {
    return null;
  }

  @Override
  public Value convert(Cnn3DLossLayer conf, Site site) {
    Value x = Images.input(site, 5);
    Value mask = site.lossMask();
    if (mask != null && !fits(mask, x)) {
      throw site.refuse(
          "its mask has the shape " + mask,
          "let it have as many axes as the labels, each as long as theirs or of length 1");
    }
    int channels = Images.channels(conf.getDataFormat());
    return new PositionsLoss(site, x, channels).of(conf.getLossFn(), conf.getActivationFn(), mask);
  }

  private static boolean fits(Value mask, Value x) {
    boolean fits = mask.rank() == x.rank();
    for (int k = 1; fits && k < x.rank(); k++) {
      fits = mask.size(k) == 1 || mask.size(k) == x.size(k);
    }
    return fits;
  }
}
