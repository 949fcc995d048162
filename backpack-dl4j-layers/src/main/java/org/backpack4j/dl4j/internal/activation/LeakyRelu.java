package org.backpack4j.dl4j.internal.activation;

import org.backpack4j.dl4j.spi.ActivationConverter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.impl.ActivationLReLU;

/** x, or α x where x is negative. */
final class LeakyRelu implements ActivationConverter<ActivationLReLU> {
  @Override
  public SDVariable convert(ActivationLReLU function, SDVariable x) {
    return x.getSameDiff().nn().leakyRelu(x, function.getAlpha());
  }
}
