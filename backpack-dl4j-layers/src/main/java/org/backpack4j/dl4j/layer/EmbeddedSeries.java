package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.FeatureMask;
import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * {@code EmbeddingSequenceLayer}: for whole numbers [N, T] or [N, 1, T] rows of a table W [words,
 * O], as a time series. Steps that are masked are zero.
 */
final class EmbeddedSeries implements LayerConverter<EmbeddingSequenceLayer> {
  @Override
  public Value convert(EmbeddingSequenceLayer conf, Site site) {
    Value x = site.input();
    boolean fits = x.rank() == 2 || (x.rank() == 3 && x.size(1) == 1);
    long steps = x.size(x.rank() - 1);
    if (!fits || (!conf.isInferInputLength() && steps != conf.getInputLength())) {
      throw site.refuse(
          "its input has the shape " + x + ", not [N, T] or [N, 1, T] with T = inputLength",
          "feed the numbers of the words, and set inputLength(T) or inferInputLength(true)");
    }
    SDVariable numbers = site.sd().reshape(x.variable(), -1, steps).castTo(DataType.INT);
    SDVariable rows = site.sd().gather(site.parameter("W").variable(), numbers, 0);
    if (site.has("b")) {
      rows = rows.add(site.parameter("b").variable());
    }
    long width = conf.getNOut();
    boolean last = conf.getOutputFormat() == RNNFormat.NWC;
    long[] shape = last ? new long[] {-1, steps, width} : new long[] {-1, width, steps};
    SDVariable laidOut = last ? rows : site.sd().permute(rows, 0, 2, 1);
    Value y = site.activate(conf.getActivationFn(), x.with(laidOut, shape));
    SDVariable mask = FeatureMask.ofSteps(site, x, steps);
    if (mask == null) {
      return y;
    }
    SDVariable spread =
        last ? site.sd().reshape(mask, -1, steps, 1) : site.sd().reshape(mask, -1, 1, steps);
    return y.with(y.variable().mul(spread));
  }
}
