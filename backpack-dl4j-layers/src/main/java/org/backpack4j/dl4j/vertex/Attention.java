package org.backpack4j.dl4j.vertex;

import org.backpack4j.dl4j.convert.FeatureMask;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.backpack4j.dl4j.layer.Heads;
import org.deeplearning4j.nn.conf.graph.AttentionVertex;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code AttentionVertex}: the steps of the first input attend to those of the second and third,
 * keys and values. Steps whose key or value is masked are not attended to; what a masked query
 * answers is zero.
 */
final class Attention implements VertexConverter<AttentionVertex> {
  @Override
  public Value convert(AttentionVertex conf, Site site) {
    Heads.warn(site);
    Value queries = SeriesVertices.series(site, site.inputs().get(0));
    Value keys = SeriesVertices.series(site, site.inputs().get(1));
    Value values = SeriesVertices.series(site, site.inputs().get(2));
    SDVariable mask =
        both(
            site,
            FeatureMask.ofSteps(site, keys, keys.size(2)),
            FeatureMask.ofSteps(site, values, values.size(2)));
    Value attended = Heads.attend(site, conf.isProjectInput(), queries, keys, values, mask);
    SDVariable shown = FeatureMask.ofSteps(site, queries, queries.size(2));
    if (shown == null) {
      return attended;
    }
    SDVariable spread = site.sd().reshape(shown, -1, 1, queries.size(2));
    return attended.with(attended.variable().mul(spread)).withMask(queries.mask());
  }

  private static @Nullable SDVariable both(
      Site site, @Nullable SDVariable a, @Nullable SDVariable b) {
    if (a == null || b == null) {
      return a == null ? b : a;
    }
    return a == b ? a : site.sd().min(a, b);
  }
}
