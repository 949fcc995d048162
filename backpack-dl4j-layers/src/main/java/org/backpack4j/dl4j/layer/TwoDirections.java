package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code Bidirectional}: a recurrent layer, and another one on the series with its last step first,
 * whose answer is turned round again; their answers are added, multiplied, averaged or stand beside
 * each other.
 */
final class TwoDirections implements LayerConverter<Bidirectional> {
  @Override
  public void check(Bidirectional conf, Obstacles obstacles) {
    obstacles.layer(conf.getFwd());
    obstacles.layer(conf.getBwd());
  }

  @Override
  public @Nullable Value mask(Bidirectional conf, Site site) {
    return site.innerMask(conf.getFwd(), site.input());
  }

  @Override
  public Value convert(Bidirectional conf, Site site) {
    RNNFormat format = conf.getRNNDataFormat();
    Value x = site.input();
    Value forward = site.inner(conf.getFwd(), "f", x);
    Value backward = site.inner(conf.getBwd(), "b", Series.reversed(site, x, format));
    if (backward.rank() == 3) {
      backward = Series.reversed(site, backward, format);
    }
    int features = forward.rank() == 3 && format == RNNFormat.NWC ? 2 : 1;
    SDVariable a = forward.variable();
    SDVariable b = backward.variable();
    return switch (conf.getMode()) {
      case ADD -> forward.with(a.add(b));
      case MUL -> forward.with(a.mul(b));
      case AVERAGE -> forward.with(a.add(b).mul(0.5));
      case CONCAT -> {
        long[] shape = forward.shape();
        shape[features] *= 2;
        yield forward.with(site.sd().concat(features, a, b), shape);
      }
    };
  }
}
