package org.backpack4j.dl4j.internal.vertex;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.rnn.DuplicateToTimeSeriesVertex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.factory.Nd4j;

/**
 * {@code DuplicateToTimeSeriesVertex}: rows [N, F] as each step of a time series [N, F, T], as long
 * as a network input and with its mask.
 */
final class DuplicateToTimeSeriesVertexConverter
    implements VertexConverter<DuplicateToTimeSeriesVertex> {
  @Override
  public LayerOutput convert(DuplicateToTimeSeriesVertex conf, ConversionContext context) {
    LayerOutput x = context.input();
    LayerOutput series = SeriesVertices.series(context, context.network(conf.getInputName()));
    long features = x.size(1);
    long steps = series.size(2);
    SDVariable once = context.sd().reshape(x.variable(), -1, features, 1);
    SDVariable all = once.mul(context.constant(Nd4j.ones(1, 1, steps)));
    return new LayerOutput(all, new long[] {-1, features, steps}, series.mask());
  }
}
