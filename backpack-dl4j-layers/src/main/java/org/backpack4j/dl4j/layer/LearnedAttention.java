package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.LearnedSelfAttentionLayer;

/** {@code LearnedSelfAttentionLayer}: no network with one runs in DL4J 1.0.0-M2.1. */
final class LearnedAttention implements LayerConverter<LearnedSelfAttentionLayer> {
  @Override
  public void check(LearnedSelfAttentionLayer conf, Obstacles obstacles) {
    obstacles.add(
        "DL4J 1.0.0-M2.1 itself fails on this layer (scatter_update of a shape)",
        "use a SelfAttentionLayer");
  }

  @Override
  public Value convert(LearnedSelfAttentionLayer conf, Site site) {
    throw new UnsupportedOperationException(site.name());
  }
}
