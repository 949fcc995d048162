package org.backpack4j.dl4j.internal.convert;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What DL4J draws in an iteration.
 *
 * @param owner for whom: what changes a layer's input, or an activation function
 * @param late whether it is drawn only when listeners have been told of the forward pass, as output
 *     layers do, and is still there when they are told of the backward pass
 * @param kept looks it up
 */
record RandomDraw(Object owner, boolean late, Kept kept) {
  /** Where DL4J keeps it. */
  @FunctionalInterface
  interface Kept {
    /**
     * Looks it up.
     *
     * @param activations what layers and vertices have answered
     * @return DL4J's own array; null if it drew nothing
     */
    @Nullable INDArray in(Map<String, INDArray> activations);
  }
}
