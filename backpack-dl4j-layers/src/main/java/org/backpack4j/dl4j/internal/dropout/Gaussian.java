package org.backpack4j.dl4j.internal.dropout;

import org.backpack4j.dl4j.spi.DropoutConverter;
import org.deeplearning4j.nn.conf.dropout.GaussianDropout;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** {@code GaussianDropout}: x ∘ E, where E's entries are normal with the mean 1. */
final class Gaussian implements DropoutConverter<GaussianDropout> {
  @Override
  public @Nullable INDArray noise(GaussianDropout conf) {
    return conf.getNoise();
  }

  @Override
  public INDArray noise(GaussianDropout conf, INDArray before, INDArray after) {
    return Ratios.of(before, after);
  }

  @Override
  public boolean found() {
    return true;
  }
}
