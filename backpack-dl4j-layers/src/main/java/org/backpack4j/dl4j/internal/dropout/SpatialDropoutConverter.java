package org.backpack4j.dl4j.internal.dropout;

import java.util.Arrays;
import org.backpack4j.dl4j.spi.DropoutConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.dropout.SpatialDropout;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** {@code SpatialDropout}: all positions of a channel have the same factor, M [N, C]. */
final class SpatialDropoutConverter implements DropoutConverter<SpatialDropout> {
  @Override
  public @Nullable INDArray noise(SpatialDropout conf) {
    return conf.getMask();
  }

  @Override
  public boolean rows() {
    return false;
  }

  @Override
  public long[] shape(LayerOutput x) {
    return Arrays.copyOf(x.shape(), 2);
  }

  @Override
  public SDVariable apply(SpatialDropout conf, LayerOutput x, SDVariable noise) {
    long[] everywhere = new long[x.rank()];
    Arrays.fill(everywhere, 1);
    everywhere[0] = -1;
    everywhere[1] = x.size(1);
    return x.variable().mul(noise.getSameDiff().reshape(noise, everywhere));
  }
}
