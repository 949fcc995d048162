package org.backpack4j.dl4j.internal.activation;

import org.backpack4j.dl4j.spi.ActivationConverter;
import org.backpack4j.dl4j.spi.Obstacles;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.impl.ActivationELU;

/** x, or eˣ − 1 where x is negative. */
final class Elu implements ActivationConverter<ActivationELU> {
  @Override
  public void check(ActivationELU function, Obstacles obstacles) {
    obstacles.addIf(
        function.getAlpha() != 1,
        "M2.1 trains ELU with α = 1 whatever α is, so that its gradient is not that of its output",
        "leave α at 1");
  }

  @Override
  public SDVariable convert(ActivationELU function, SDVariable x) {
    return x.getSameDiff().nn().elu(x);
  }
}
