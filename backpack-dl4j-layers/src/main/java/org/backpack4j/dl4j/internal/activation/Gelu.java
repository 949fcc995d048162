package org.backpack4j.dl4j.internal.activation;

import org.backpack4j.dl4j.spi.ActivationConverter;
import org.backpack4j.dl4j.spi.Obstacles;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.impl.ActivationGELU;

/** The Gaussian error linear unit, x σ(1.702 x). */
final class Gelu implements ActivationConverter<ActivationGELU> {
  @Override
  public void check(ActivationGELU function, Obstacles obstacles) {
    obstacles.addIf(
        function.isPrecise(),
        "what M2.1 takes for the derivative of the precise GELU is not that of its values",
        "use GELU, which is x σ(1.702 x)");
  }

  @Override
  public SDVariable convert(ActivationGELU function, SDVariable x) {
    return x.getSameDiff().nn().gelu(x);
  }
}
