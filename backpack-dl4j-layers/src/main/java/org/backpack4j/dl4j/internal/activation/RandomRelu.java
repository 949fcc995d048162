package org.backpack4j.dl4j.internal.activation;

import org.backpack4j.dl4j.spi.RandomActivationConverter;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.impl.ActivationRReLU;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The leaky unit with random slopes A: max(x, 0) + A ∘ min(x, 0). In evaluation mode, where the
 * slope should be the mean one a, M2.1 answers max(x, a).
 */
final class RandomRelu implements RandomActivationConverter<ActivationRReLU> {
  @Override
  public @Nullable INDArray drawn(ActivationRReLU function) {
    return function.getAlpha();
  }

  @Override
  public SDVariable convert(ActivationRReLU function, SDVariable x, SDVariable slopes) {
    SDVariable positive = x.getSameDiff().nn().relu(x, 0);
    return positive.add(slopes.mul(x.sub(positive)));
  }

  @Override
  public SDVariable convert(ActivationRReLU function, SDVariable x) {
    return x.getSameDiff().nn().relu(x, (function.getL() + function.getU()) / 2);
  }
}
