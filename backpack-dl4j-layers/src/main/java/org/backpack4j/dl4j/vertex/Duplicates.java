package org.backpack4j.dl4j.vertex;

import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.deeplearning4j.nn.conf.graph.rnn.DuplicateToTimeSeriesVertex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.factory.Nd4j;

/**
 * {@code DuplicateToTimeSeriesVertex}: rows [N, F] as each step of a time series [N, F, T], as long
 * as a network input and with its mask.
 */
final class Duplicates implements VertexConverter<DuplicateToTimeSeriesVertex> {
  @Override
  public Value convert(DuplicateToTimeSeriesVertex conf, Site site) {
    Value x = site.input();
    Value series = SeriesVertices.series(site, site.network(conf.getInputName()));
    long features = x.size(1);
    long steps = series.size(2);
    SDVariable once = site.sd().reshape(x.variable(), -1, features, 1);
    SDVariable all = once.mul(site.constant(Nd4j.ones(1, 1, steps)));
    return new Value(all, new long[] {-1, features, steps}, series.mask());
  }
}
