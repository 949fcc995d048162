package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.util.MaskLayer;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code MaskLayer}: what is masked is zero: rows [N, F] or steps of time series [N, F, T]. */
final class Masked implements LayerConverter<MaskLayer> {
  @Override
  public boolean readsMask() {
    return true;
  }

  @Override
  public Value convert(MaskLayer conf, Site site) {
    Value x = site.input();
    SDVariable mask = x.mask();
    if (mask == null) {
      return x;
    }
    return switch (x.rank()) {
      case 2 -> x.with(x.variable().mul(mask));
      case 3 -> x.with(x.variable().mul(site.sd().reshape(mask, -1, 1, x.size(2))));
      default ->
          throw site.refuse(
              "its input has the shape " + x + ", masks of which are not supported",
              "mask rows or time series, or train without features' masks");
    };
  }
}
