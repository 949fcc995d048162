package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;

/** {@code TimeDistributed}: a layer on rows, applied to every step. */
final class TimeDistributedConverter implements LayerConverter<TimeDistributed> {
  @Override
  public void check(TimeDistributed conf, Obstacles obstacles) {
    obstacles.layer(conf.getUnderlying());
  }

  @Override
  public LayerOutput convert(TimeDistributed conf, ConversionContext context) {
    Series series = new Series(context, context.input(), conf.getRnnDataFormat());
    LayerOutput rows = context.inner(conf.getUnderlying(), "", series.rows());
    if (rows.rank() != 2) {
      throw context.refuse(
          "the layer inside answers " + rows + ", not rows", "use a layer on rows");
    }
    return series.ofRows(rows);
  }
}
