package org.backpack4j.dl4j.internal.dropout;

import org.backpack4j.dl4j.spi.DropoutConverter;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** {@code Dropout}: x ∘ M, where M's entries are 0 or, with probability p, 1/p. */
final class InvertedDropoutConverter implements DropoutConverter<Dropout> {
  @Override
  public void check(Dropout conf, Obstacles obstacles) {
    obstacles.addIf(
        conf.getHelper() != null,
        "its Dropout runs in cuDNN, which keeps its mask to itself",
        "leave the cuDNN helpers out, or switch dropout off while quantities are asked for");
  }

  @Override
  public @Nullable INDArray noise(Dropout conf) {
    return conf.getMask();
  }

  @Override
  public INDArray noise(Dropout conf, INDArray before, INDArray after) {
    return Ratios.ofOne(before, after);
  }

  @Override
  public boolean found() {
    return true;
  }
}
