package org.backpack4j.dl4j.loss;

import org.backpack4j.dl4j.convert.LossConverter;
import org.backpack4j.dl4j.convert.LossSite;
import org.backpack4j.dl4j.convert.Obstacles;
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
  public void convert(ILossFunction loss, LossSite site) {
    throw site.refuse(reason, remedy);
  }
}
