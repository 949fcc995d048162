package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;

/** {@code DropoutLayer}: its input, which has passed the dropout. Rows that are masked are zero. */
final class DroppedOut implements LayerConverter<DropoutLayer> {
  @Override
  public Value convert(DropoutLayer conf, Site site) {
    return Rows.shown(site, site.input());
  }
}
