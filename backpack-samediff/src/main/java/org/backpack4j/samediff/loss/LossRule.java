package org.backpack4j.samediff.loss;

import java.util.List;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Tensor;

/**
 * The rule of a loss op: it knows the loss's Hessian with respect to the predictions in closed
 * form.
 */
public interface LossRule extends Rule {
  /**
   * The input that holds the predictions.
   *
   * @return its position
   */
  default int predictions() {
    return 0;
  }

  /**
   * Columns whose outer products have the loss's Hessian as their mean.
   *
   * @param site the node
   * @param gradient the gradient's signal at the loss
   * @param noise uniform numbers in [0, 1), [N, M·E] with {@link #draws} = E for each column
   * @param columns the number M of columns
   * @return the columns [N, M, F…] at the predictions
   */
  List<Curvature> sampled(Site site, Tensor gradient, Tensor noise, int columns);

  /**
   * Whether {@link #sampled} covers a node. Asked before anything is inserted.
   *
   * @param site the node
   * @throws org.backpack4j.samediff.backprop.Refused with the reason, if not
   */
  default void checkSampling(Site site) {}

  /**
   * How many random numbers a sampled column takes for each sample.
   *
   * @param site the node
   * @return the number E
   */
  long draws(Site site);
}
