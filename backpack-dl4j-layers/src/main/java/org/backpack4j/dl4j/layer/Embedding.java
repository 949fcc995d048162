package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * {@code EmbeddingLayer}: σ(W[x] + b), x [N, 1] the number of a row of W [V, O]; masked rows are
 * zero.
 */
final class Embedding implements LayerConverter<EmbeddingLayer> {
  @Override
  public Value convert(EmbeddingLayer conf, Site site) {
    Value x = site.input();
    if (x.sampleLength() != 1) {
      throw site.refuse(
          "its input has the shape " + x + ", not one number for each sample",
          "use an EmbeddingSequenceLayer");
    }
    SameDiff sd = site.sd();
    Value w = site.parameter("W");
    SDVariable rows = sd.reshape(x.variable(), -1).castTo(DataType.INT64);
    SDVariable z = sd.gather(w.variable(), rows, 0);
    if (conf.hasBias()) {
      z = z.add(site.parameter("b").variable());
    }
    return Rows.shown(site, site.activate(conf.getActivationFn(), x.with(z, -1, w.size(1))));
  }
}
