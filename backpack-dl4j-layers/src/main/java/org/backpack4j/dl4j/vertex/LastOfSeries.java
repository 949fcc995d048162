package org.backpack4j.dl4j.vertex;

import org.backpack4j.dl4j.convert.FeatureMask;
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
  public Value convert(LastTimeStepVertex conf, Site site) {
    Value x = SeriesVertices.series(site, site.input());
    Value named = x.withMask(site.network(conf.getMaskArrayInputName()).mask());
    return LastSteps.of(site, x, 2, FeatureMask.ofSteps(site, named, x.size(2)));
  }
}
