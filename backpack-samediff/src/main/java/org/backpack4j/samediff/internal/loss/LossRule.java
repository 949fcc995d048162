package org.backpack4j.samediff.internal.loss;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Normaliser;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The rule of a loss op: it knows the loss's Hessian with respect to the predictions in closed
 * form.
 */
public interface LossRule extends Rule {
  /**
   * The inputs of which the loss is a function whose Hessian is known: the predictions; of a loss
   * of predictions minus labels the labels as well.
   *
   * @return their positions
   */
  default Set<Integer> predictions() {
    return Set.of(0);
  }

  /**
   * Whether an input acts on all samples' losses at once, so that what it gets back is no sum of
   * what each sample gives.
   *
   * @param context the node
   * @param input which input
   * @return true if it does
   */
  default boolean couples(NodeContext context, int input) {
    return false;
  }

  /**
   * What the sum of the samples' terms is divided by.
   *
   * @param context the node
   * @return nothing for a loss that adds its terms up, or keeps them apart
   */
  default Normaliser normaliser(NodeContext context) {
    return Normaliser.NONE;
  }

  /**
   * How many random numbers the draw of a label takes for each sample.
   *
   * @param context the node
   * @return the number E; 0 if the loss is no negative log-likelihood to draw labels from
   */
  default long draws(NodeContext context) {
    return 0;
  }

  /**
   * Columns whose outer products have the loss's Hessian as their mean, from labels that are drawn.
   *
   * @param context the node, {@link #draws} not 0
   * @param gradient the gradient's cotangent at the loss
   * @param noise uniform numbers in [0, 1), [N, M·E] with {@link #draws} = E for each column
   * @param columns the number M of columns
   * @return the columns [N, M, F…] at the predictions
   */
  default List<HessianRoot> sampled(
      NodeContext context, Tensor gradient, Tensor noise, int columns) {
    throw new UnsupportedOperationException(name());
  }

  /**
   * Of a loss that is one number: the product of the gradient and the tangent, which a loss that
   * keeps its terms apart has to add up otherwise.
   */
  @Override
  default Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Dims part = context.outputPerSample(output);
    Tensor one = e.literal(1, context.outputType(output), Dims.of(1, 1).plus(part));
    Tensor gradient = e.cast(vjp(context, input, output, one), tangent.type());
    Tensor product = e.mul(tangent, gradient);
    Tensor sum = e.sumOverSamples(e.sum(product, 2, product.rank()));
    return e.reshape(
        e.cast(sum, context.outputType(output)), Dims.of(Dim.ONE).plus(sum.dims()).plus(part));
  }
}
