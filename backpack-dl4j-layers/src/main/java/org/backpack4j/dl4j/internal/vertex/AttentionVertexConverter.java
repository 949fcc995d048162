package org.backpack4j.dl4j.internal.vertex;

import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.internal.layer.Heads;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.AttentionVertex;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code AttentionVertex}: the steps of the first input attend to those of the second and third,
 * keys and values. Steps whose key or value is masked are not attended to; what a masked query
 * answers is zero.
 */
final class AttentionVertexConverter implements VertexConverter<AttentionVertex> {
  @Override
  public LayerOutput convert(AttentionVertex conf, ConversionContext context) {
    Heads.warn(context);
    LayerOutput queries = SeriesVertices.series(context, context.inputs().get(0));
    LayerOutput keys = SeriesVertices.series(context, context.inputs().get(1));
    LayerOutput values = SeriesVertices.series(context, context.inputs().get(2));
    SDVariable mask =
        both(
            context,
            FeatureMask.ofSteps(context, keys, keys.size(2)),
            FeatureMask.ofSteps(context, values, values.size(2)));
    LayerOutput attended =
        Heads.attend(context, conf.isProjectInput(), queries, keys, values, mask);
    SDVariable shown = FeatureMask.ofSteps(context, queries, queries.size(2));
    if (shown == null) {
      return attended;
    }
    SDVariable spread = context.sd().reshape(shown, -1, 1, queries.size(2));
    return attended.with(attended.variable().mul(spread)).withMask(queries.mask());
  }

  @SuppressWarnings("ReferenceEquality")
  private static @Nullable SDVariable both(
      ConversionContext context, @Nullable SDVariable a, @Nullable SDVariable b) {
    if (a == null || b == null) {
      return a == null ? b : a;
    }
    return a == b ? a : context.sd().min(a, b);
  }
}
