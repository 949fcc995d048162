package org.backpack4j.samediff.dataset;

import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What the losses of a graph divide by, for each batch: nothing, the number of samples, the sum of
 * the samples' weights. A loss is S/D, a sum S over samples by a normaliser D that is one as well,
 * so that of batches b together it is Σ Dᵦ Lᵦ / Σ Dᵦ. It is found out from the graph.
 */
public interface BatchWeights {
  /**
   * The variables that have to be evaluated with each batch.
   *
   * @return their names; none if the normalisers are known without
   */
  Set<String> variables();

  /**
   * What the losses' sums over samples are divided by in a batch.
   *
   * @param samples the number of samples in the batch
   * @param values the {@link #variables()} of the batch
   * @return D; 1 if it is nothing
   */
  double data(long samples, Map<String, INDArray> values);

  /**
   * What penalties, terms of parameters alone, are divided by in a batch.
   *
   * @param samples the number of samples in the batch
   * @param values the {@link #variables()} of the batch
   * @return D; 1 if it is nothing
   */
  double penalty(long samples, Map<String, INDArray> values);

  /**
   * What a loss variable's values are weighted by, to be averaged to its value for all batches.
   *
   * @param loss the loss variable
   * @param samples the number of samples in the batch
   * @param values the {@link #variables()} of the batch
   * @return the weight; NaN if the value cannot be had from those of batches
   */
  double loss(String loss, long samples, Map<String, INDArray> values);

  /**
   * Whether the losses are sums, which are divided by nothing.
   *
   * @return true if {@link #data} is always 1
   */
  boolean sums();

  /**
   * Whether penalties are divided by nothing.
   *
   * @return true if {@link #penalty} is always 1
   */
  boolean sumsPenalties();

  /**
   * Whether the losses divide by the number of samples or by nothing.
   *
   * @return true if {@link #data} follows from the number of samples alone
   */
  boolean counted();

  /**
   * Whether a loss variable's value is the sum of the batches' values.
   *
   * @param loss the loss variable
   * @return true for a sum; false where values are averaged
   */
  boolean sums(String loss);
}
