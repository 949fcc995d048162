package org.backpack4j.dl4j.layer;

import static java.util.Objects.requireNonNull;

import org.backpack4j.dl4j.convert.FeatureMask;
import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.util.MaskLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code MaskLayer}: what is masked is zero: rows [N, F], steps of time series [N, F, T], positions
 * of images.
 */
final class Masked implements LayerConverter<MaskLayer> {
  @Override
  public Value convert(MaskLayer conf, Site site) {
    Value x = site.input();
    if (x.mask() == null) {
      return x;
    }
    return switch (x.rank()) {
      case 2 -> masked(x, FeatureMask.ofRows(site, x));
      case 3 -> {
        SDVariable mask = requireNonNull(FeatureMask.ofSteps(site, x, x.size(2)));
        yield masked(x, site.sd().reshape(mask, -1, 1, x.size(2)));
      }
      case 4 -> masked(x, FeatureMask.ofImages(site, x));
      default ->
          throw site.refuse(
              "its input has the shape " + x + ", masks of which are not supported",
              "mask rows, time series or images, or train without features' masks");
    };
  }

  private static Value masked(Value x, @Nullable SDVariable mask) {
    return x.with(x.variable().mul(requireNonNull(mask)));
  }
}
