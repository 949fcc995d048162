package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM;

/**
 * {@code GravesBidirectionalLSTM}: the sum of two {@link LSTMConverter} with peepholes, one of them
 * with the last step first. Both apply the mask.
 */
@SuppressWarnings("deprecation") // it is, and people have it
final class GravesBidirectionalLSTMConverter implements LayerConverter<GravesBidirectionalLSTM> {
  @Override
  public void check(GravesBidirectionalLSTM conf, Obstacles obstacles) {
    obstacles.activation(conf.getGateActivationFn());
  }

  @Override
  public LayerOutput convert(GravesBidirectionalLSTM conf, ConversionContext context) {
    LayerOutput x = context.input();
    LSTMConverter.Gates gates = new LSTMConverter.Gates(conf, conf.getGateActivationFn());
    LayerOutput forward = LSTMConverter.of(gates, context, x, "WF", "RWF", "bF", true);
    LayerOutput turned = Series.reversed(context, x, conf.getRnnDataFormat());
    LayerOutput backward = LSTMConverter.of(gates, context, turned, "WB", "RWB", "bB", true);
    LayerOutput back = Series.reversed(context, backward, conf.getRnnDataFormat());
    return forward.with(forward.variable().add(back.variable()));
  }
}
