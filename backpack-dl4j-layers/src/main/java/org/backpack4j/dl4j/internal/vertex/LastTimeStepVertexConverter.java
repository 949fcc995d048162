package org.backpack4j.dl4j.internal.vertex;

import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.internal.layer.LastSteps;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;

/**
 * {@code LastTimeStepVertex}: the last step of a time series [N, F, T], or each sample's last one
 * that the mask of a network input does not leave out.
 */
final class LastTimeStepVertexConverter implements VertexConverter<LastTimeStepVertex> {
  @Override
  public LayerOutput convert(LastTimeStepVertex conf, ConversionContext context) {
    LayerOutput x = SeriesVertices.series(context, context.input());
    LayerOutput named = x.withMask(context.network(conf.getMaskArrayInputName()).mask());
    return LastSteps.of(context, x, 2, FeatureMask.ofSteps(context, named, x.size(2)));
  }
}
