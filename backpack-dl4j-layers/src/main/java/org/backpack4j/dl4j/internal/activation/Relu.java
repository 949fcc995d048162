package org.backpack4j.dl4j.internal.activation;

import org.backpack4j.dl4j.spi.ActivationConverter;
import org.backpack4j.dl4j.spi.Obstacles;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.api.ops.impl.scalar.ScalarMin;

/** max(x, 0), with a slope for negative x and an upper bound if the function has them. */
final class Relu implements ActivationConverter<ActivationReLU> {
  @Override
  public void check(ActivationReLU function, Obstacles obstacles) {
    Double threshold = function.getThreshold();
    obstacles.addIf(
        threshold != null && threshold != 0,
        "a ReLU that is not continuous (threshold " + threshold + ") is not supported",
        "use THRESHOLDEDRELU");
    Double max = function.getMax();
    obstacles.addIf(
        max != null && max == 0,
        "M2.1 ignores an upper bound of 0 when it differentiates a ReLU",
        "leave the bound out");
  }

  @Override
  public SDVariable convert(ActivationReLU function, SDVariable x) {
    Double slope = function.getNegativeSlope();
    SDVariable y =
        slope == null || slope == 0
            ? x.getSameDiff().nn().relu(x, 0)
            : x.getSameDiff().nn().leakyRelu(x, slope);
    Double max = function.getMax();
    return max == null ? y : new ScalarMin(x.getSameDiff(), y, max).outputVariable();
  }
}
