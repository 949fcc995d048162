package org.backpack4j.dl4j.internal.dropout;

import org.backpack4j.dl4j.spi.DropoutConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** {@code GaussianNoise}: x + E. DL4J does not keep E, but the sum. */
final class GaussianNoiseConverter implements DropoutConverter<GaussianNoise> {
  @Override
  public boolean adds() {
    return true;
  }

  @Override
  public @Nullable INDArray noise(GaussianNoise conf) {
    return null;
  }

  @Override
  public INDArray noise(GaussianNoise conf, INDArray before, INDArray after) {
    return after.sub(before);
  }

  @Override
  public boolean found() {
    return true;
  }

  @Override
  public SDVariable apply(GaussianNoise conf, LayerOutput x, SDVariable noise) {
    return x.variable().add(noise);
  }
}
