package org.backpack4j.dl4j.internal.layer;

import java.util.Arrays;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.layers.PReLULayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * {@code PReLULayer}: x where it is positive, else W x; W has ones along the axes that share it.
 */
final class PReLULayerConverter implements LayerConverter<PReLULayer> {
  @Override
  public LayerOutput convert(PReLULayer conf, ConversionContext context) {
    LayerOutput x = context.input();
    SameDiff sd = context.sd();
    LayerOutput w = context.parameter("W");
    long[] row = new long[w.rank() + 1];
    row[0] = 1;
    for (int k = 0; k < w.rank(); k++) {
      row[k + 1] = w.size(k);
    }
    // max(x, 0) − W max(−x, 0)
    SDVariable positive = sd.nn().relu(x.variable(), 0);
    SDVariable negative = sd.nn().relu(x.variable().neg(), 0);
    SDVariable slope = sd.reshape(w.variable(), Arrays.copyOf(row, x.rank()));
    return x.with(positive.sub(negative.mul(slope)));
  }
}
