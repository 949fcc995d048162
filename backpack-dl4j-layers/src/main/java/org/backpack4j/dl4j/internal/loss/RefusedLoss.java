package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.backpack4j.dl4j.spi.Obstacles;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/**
 * A loss function that cannot be converted.
 *
 * @param reason why
 * @param remedy what to do
 */
record RefusedLoss(String reason, String remedy) implements LossConverter<ILossFunction> {
  @Override
  public void check(ILossFunction loss, IActivation activation, Obstacles obstacles) {
    obstacles.add(reason, remedy);
  }

  @Override
  public void convert(ILossFunction loss, LossContext context) {
    throw context.refuse(reason, remedy);
  }
}
