package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM;

/**
 * {@code GravesBidirectionalLSTM}: the sum of two {@link Lstm} with peepholes, one of them with the
 * last step first. Both apply the mask.
 */
final class GravesBidirectional implements LayerConverter<GravesBidirectionalLSTM> {
  @Override
  public void check(GravesBidirectionalLSTM conf, Obstacles obstacles) {
    obstacles.activation(conf.getGateActivationFn());
  }

  @Override
  public Value convert(GravesBidirectionalLSTM conf, Site site) {
    Value x = site.input();
    Lstm.Gates gates = new Lstm.Gates(conf, conf.getGateActivationFn());
    Value forward = Lstm.of(gates, site, x, "WF", "RWF", "bF", true);
    Value turned = Series.reversed(site, x, conf.getRnnDataFormat());
    Value backward = Lstm.of(gates, site, turned, "WB", "RWB", "bB", true);
    Value back = Series.reversed(site, backward, conf.getRnnDataFormat());
    return forward.with(forward.variable().add(back.variable()));
  }
}
