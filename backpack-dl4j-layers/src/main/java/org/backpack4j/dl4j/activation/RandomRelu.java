package org.backpack4j.dl4j.activation;

import org.backpack4j.dl4j.convert.ActivationConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.impl.ActivationRReLU;

/** The leaky unit with a random slope. It can be had only where the slope is not random. */
final class RandomRelu implements ActivationConverter<ActivationRReLU> {
  @Override
  public void check(ActivationRReLU function, Obstacles obstacles) {
    obstacles.add(
        "RReLU draws its slopes anew in each iteration and does not hand them out",
        "use LEAKYRELU, or new ActivationLReLU(slope)");
  }

  @Override
  public SDVariable convert(ActivationRReLU function, SDVariable x) {
    return x.getSameDiff().nn().leakyRelu(x, (function.getL() + function.getU()) / 2);
  }
}
