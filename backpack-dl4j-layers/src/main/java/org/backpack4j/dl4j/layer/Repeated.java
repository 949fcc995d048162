package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code RepeatVector}: rows [N, F] as every step of a time series. */
final class Repeated implements LayerConverter<RepeatVector> {
  @Override
  public Value convert(RepeatVector conf, Site site) {
    Value x = Rows.input(site);
    long features = x.size(1);
    int steps = conf.getN();
    boolean last = conf.getDataFormat() == RNNFormat.NWC;
    SDVariable once =
        last
            ? site.sd().reshape(x.variable(), -1, 1, features)
            : site.sd().reshape(x.variable(), -1, features, 1);
    return last
        ? new Value(site.sd().tile(once, 1, steps, 1), -1, steps, features)
        : new Value(site.sd().tile(once, 1, 1, steps), -1, features, steps);
  }
}
