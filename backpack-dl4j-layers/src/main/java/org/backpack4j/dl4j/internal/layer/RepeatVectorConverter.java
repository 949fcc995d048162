package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code RepeatVector}: rows [N, F] as every step of a time series. */
final class RepeatVectorConverter implements LayerConverter<RepeatVector> {
  @Override
  public LayerOutput convert(RepeatVector conf, ConversionContext context) {
    LayerOutput x = Rows.input(context);
    long features = x.size(1);
    int steps = conf.getN();
    boolean last = conf.getDataFormat() == RNNFormat.NWC;
    SDVariable once =
        last
            ? context.sd().reshape(x.variable(), -1, 1, features)
            : context.sd().reshape(x.variable(), -1, features, 1);
    return last
        ? new LayerOutput(context.sd().tile(once, 1, steps, 1), -1, steps, features)
        : new LayerOutput(context.sd().tile(once, 1, 1, steps), -1, features, steps);
  }
}
