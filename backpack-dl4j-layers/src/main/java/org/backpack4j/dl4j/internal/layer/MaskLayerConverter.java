package org.backpack4j.dl4j.internal.layer;

import static java.util.Objects.requireNonNull;

import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.layers.util.MaskLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code MaskLayer}: what is masked is zero: rows [N, F], steps of time series [N, F, T], positions
 * of images.
 */
final class MaskLayerConverter implements LayerConverter<MaskLayer> {
  @Override
  public LayerOutput convert(MaskLayer conf, ConversionContext context) {
    LayerOutput x = context.input();
    if (x.mask() == null) {
      return x;
    }
    return switch (x.rank()) {
      case 2 -> masked(x, FeatureMask.ofRows(context, x));
      case 3 -> {
        SDVariable mask = requireNonNull(FeatureMask.ofSteps(context, x, x.size(2)));
        yield masked(x, context.sd().reshape(mask, -1, 1, x.size(2)));
      }
      case 4 -> masked(x, FeatureMask.ofImages(context, x));
      default ->
          throw context.refuse(
              "its input has the shape " + x + ", masks of which are not supported",
              "mask rows, time series or images, or train without features' masks");
    };
  }

  private static LayerOutput masked(LayerOutput x, @Nullable SDVariable mask) {
    return x.with(x.variable().mul(requireNonNull(mask)));
  }
}
