package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * {@code EmbeddingLayer}: σ(W[x] + b), x [N, 1] the number of a row of W [V, O]; masked rows are
 * zero.
 */
final class EmbeddingLayerConverter implements LayerConverter<EmbeddingLayer> {
  @Override
  public LayerOutput convert(EmbeddingLayer conf, ConversionContext context) {
    LayerOutput x = context.input();
    if (x.sampleLength() != 1) {
      throw context.refuse(
          "its input has the shape " + x + ", not one number for each sample",
          "use an EmbeddingSequenceLayer");
    }
    SameDiff sd = context.sd();
    LayerOutput w = context.parameter("W");
    SDVariable rows = sd.reshape(x.variable(), -1).castTo(DataType.INT64);
    SDVariable z = sd.gather(w.variable(), rows, 0);
    if (conf.hasBias()) {
      z = z.add(context.parameter("b").variable());
    }
    return Rows.shown(context, context.activate(conf.getActivationFn(), x.with(z, -1, w.size(1))));
  }
}
