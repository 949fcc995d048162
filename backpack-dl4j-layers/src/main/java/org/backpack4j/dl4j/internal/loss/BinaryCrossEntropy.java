package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.backpack4j.dl4j.spi.Obstacles;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;

/**
 * {@code LossBinaryXENT}, −Σ w (y log a + (1 − y) log(1 − a)), a = sigmoid(z) or any other
 * activation function.
 *
 * <p>Behind a sigmoid, which may be an earlier layer's, second-order quantities start at z. DL4J
 * clips a at 1e-5; where it does, its gradient is not that of its score, and ours is that of the
 * unclipped loss.
 */
final class BinaryCrossEntropy implements LossConverter<LossBinaryXENT> {
  @Override
  public void check(LossBinaryXENT loss, IActivation activation, Obstacles obstacles) {
    obstacles.addIf(
        activation instanceof ActivationSoftmax,
        "the binary cross-entropy behind a softmax has another gradient in DL4J than its score",
        "use MCXENT behind a softmax, or XENT behind a sigmoid");
  }

  @Override
  public void convert(LossBinaryXENT loss, LossContext context) {
    LossContext logits = context.ofSigmoid();
    if (logits != null) {
      logits.byValue(
          (sd, name, labels, z, weights, reduce) ->
              sd.loss().sigmoidCrossEntropy(name, labels, z, weights, reduce, 0),
          context.labels(),
          logits.preOutput(),
          1,
          loss.getWeights());
      return;
    }
    SDVariable a = context.output();
    SDVariable y = context.labels();
    SDVariable one = y.mul(context.sd().math().log(a));
    SDVariable zero = y.rsub(1).mul(context.sd().math().log(a.rsub(1)));
    context.writtenOut(one.add(zero).neg(), a, 1, loss.getWeights());
  }
}
