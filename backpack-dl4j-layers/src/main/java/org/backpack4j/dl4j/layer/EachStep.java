package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;

/** {@code TimeDistributed}: a layer on rows, applied to every step. */
final class EachStep implements LayerConverter<TimeDistributed> {
  @Override
  public void check(TimeDistributed conf, Obstacles obstacles) {
    obstacles.layer(conf.getUnderlying());
  }

  @Override
  public Value convert(TimeDistributed conf, Site site) {
    Series series = new Series(site, site.input(), conf.getRnnDataFormat());
    Value rows = site.inner(conf.getUnderlying(), "", series.rows());
    if (rows.rank() != 2) {
      throw site.refuse("the layer inside answers " + rows + ", not rows", "use a layer on rows");
    }
    return series.ofRows(rows);
  }
}
