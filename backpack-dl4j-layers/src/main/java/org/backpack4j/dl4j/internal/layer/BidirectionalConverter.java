package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code Bidirectional}: a recurrent layer, and another one on the series with its last step first,
 * whose answer is turned round again; their answers are added, multiplied, averaged or stand beside
 * each other.
 */
final class BidirectionalConverter implements LayerConverter<Bidirectional> {
  @Override
  public void check(Bidirectional conf, Obstacles obstacles) {
    obstacles.layer(conf.getFwd());
    obstacles.layer(conf.getBwd());
  }

  @Override
  public @Nullable LayerOutput mask(Bidirectional conf, ConversionContext context) {
    return context.innerMask(conf.getFwd(), context.input());
  }

  @Override
  public LayerOutput convert(Bidirectional conf, ConversionContext context) {
    RNNFormat format = conf.getRNNDataFormat();
    LayerOutput x = context.input();
    LayerOutput forward = context.inner(conf.getFwd(), "f", x);
    LayerOutput backward = context.inner(conf.getBwd(), "b", Series.reversed(context, x, format));
    if (backward.rank() == 3) {
      backward = Series.reversed(context, backward, format);
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
        yield forward.with(context.sd().concat(features, a, b), shape);
      }
    };
  }
}
