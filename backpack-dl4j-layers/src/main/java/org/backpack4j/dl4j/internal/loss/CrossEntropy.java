package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;

/**
 * {@code LossMCXENT}, −Σ w y log a, a = softmax(z) or any other activation function.
 *
 * <p>Behind a softmax, which may be an earlier layer's, second-order quantities start at z. DL4J's
 * gradient there is a − y, that of labels whose rows add up to one; with weights it is a Σ w y − w
 * y, of any labels. Its score clips a at 1e-10, its gradient doesn't.
 */
final class CrossEntropy implements LossConverter<LossMCXENT> {
  @Override
  public void convert(LossMCXENT loss, LossContext context) {
    INDArray weights = loss.getWeights();
    boolean own = context.activation() instanceof ActivationSoftmax;
    if (own && context.masksValues()) {
      throw context.refuse(
          "DL4J has no mask of single outputs behind a softmax", "mask whole rows");
    }
    LossContext logits = context.ofSoftmax();
    if (logits != null) {
      LossContext rows = logits.withMaskedLabels();
      softmax(
          rows,
          weights == null
              ? rows.labels()
              : rows.labels().mul(context.constant(weights.reshape(1, weights.length()))));
    } else {
      SDVariable output = context.output();
      SDVariable terms = context.labels().mul(context.sd().math().log(output)).neg();
      context.writtenOut(terms, output, 1, weights);
    }
  }

  /** −Σ y log softmax(z), whatever the rows of y add up to. */
  static void softmax(LossContext context, SDVariable labels) {
    context.byRow(
        (sd, name, y, z, w, reduce) -> sd.loss().softmaxCrossEntropy(name, y, z, w, reduce, 0),
        labels,
        context.preOutput());
  }
}
