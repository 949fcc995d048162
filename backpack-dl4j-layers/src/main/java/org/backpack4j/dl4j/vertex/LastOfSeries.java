package org.backpack4j.dl4j.vertex;

import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.backpack4j.dl4j.layer.LastSteps;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;

/**
 * {@code LastTimeStepVertex}: the last step of a time series [N, F, T], or each sample's last one
 * that the mask of a network input does not leave out.
 */
final class LastOfSeries implements VertexConverter<LastTimeStepVertex> {
  @Override
  public boolean readsMask() {
    return true;
  }

  @Override
  public Value convert(LastTimeStepVertex conf, Site site) {
    Value x = SeriesVertices.series(site, site.input());
    return LastSteps.of(site, x, 2, site.network(conf.getMaskArrayInputName()).mask());
  }
}
