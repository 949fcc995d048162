package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * {@code EmbeddingSequenceLayer}: for whole numbers [N, T] or [N, 1, T] rows of a table W [words,
 * O], as a time series. Steps that are masked are zero.
 */
final class EmbeddingSequenceLayerConverter implements LayerConverter<EmbeddingSequenceLayer> {
  @Override
  public LayerOutput convert(EmbeddingSequenceLayer conf, ConversionContext context) {
    LayerOutput x = context.input();
    boolean fits = x.rank() == 2 || (x.rank() == 3 && x.size(1) == 1);
    long steps = x.size(x.rank() - 1);
    if (!fits || (!conf.isInferInputLength() && steps != conf.getInputLength())) {
      throw context.refuse(
          "its input has the shape " + x + ", not [N, T] or [N, 1, T] with T = inputLength",
          "feed the numbers of the words, and set inputLength(T) or inferInputLength(true)");
    }
    SDVariable numbers = context.sd().reshape(x.variable(), -1, steps).castTo(DataType.INT32);
    SDVariable rows = context.sd().gather(context.parameter("W").variable(), numbers, 0);
    if (context.has("b")) {
      rows = rows.add(context.parameter("b").variable());
    }
    long width = conf.getNOut();
    boolean last = conf.getOutputFormat() == RNNFormat.NWC;
    long[] shape = last ? new long[] {-1, steps, width} : new long[] {-1, width, steps};
    SDVariable laidOut = last ? rows : context.sd().permute(rows, 0, 2, 1);
    LayerOutput y = context.activate(conf.getActivationFn(), x.with(laidOut, shape));
    SDVariable mask = FeatureMask.ofSteps(context, x, steps);
    if (mask == null) {
      return y;
    }
    SDVariable spread =
        last ? context.sd().reshape(mask, -1, steps, 1) : context.sd().reshape(mask, -1, 1, steps);
    return y.with(y.variable().mul(spread));
  }
}
