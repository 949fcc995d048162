package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/** {@code CnnLossLayer}: a loss of each pixel of images [N, C, H, W]. */
final class CnnLossLayerConverter implements LayerConverter<CnnLossLayer> {
  @Override
  public void check(CnnLossLayer conf, Obstacles obstacles) {
    obstacles.loss(conf.getLossFn(), conf.getActivationFn());
    obstacles.activation(conf.getActivationFn());
    obstacles.addIf(
        conf.getLossFn() instanceof LossSparseMCXENT,
        "DL4J wants labels of the shape of the images there, and cannot train with the numbers of"
            + " classes",
        "use MCXENT with one-hot labels");
    obstacles.addIf(
        conf.getFormat() != CNN2DFormat.NCHW,
        "M2.1 takes its score from images with the channels first, whatever the format is",
        "use CNN2DFormat.NCHW");
  }

  @Override
  public @Nullable LayerOutput mask(CnnLossLayer conf, ConversionContext context) {
    return null;
  }

  @Override
  public LayerOutput convert(CnnLossLayer conf, ConversionContext context) {
    LayerOutput x = Images.input(context, 4);
    LayerOutput mask = context.lossMask();
    if (mask != null && !fits(mask.shape(), x)) {
      throw context.refuse(
          "its mask has the shape " + mask,
          "let it be [N, 1], [N, H, W], [N, 1, H, W] or [N, C, H, W]");
    }
    return new PositionsLoss(context, x, 1).of(conf.getLossFn(), conf.getActivationFn(), mask);
  }

  private static boolean fits(long[] mask, LayerOutput x) {
    return switch (mask.length) {
      case 2 -> mask[1] == 1;
      case 3 -> mask[1] == x.size(2) && mask[2] == x.size(3);
      case 4 ->
          (mask[1] == 1 || mask[1] == x.size(1)) && mask[2] == x.size(2) && mask[3] == x.size(3);
      default -> false;
    };
  }
}
