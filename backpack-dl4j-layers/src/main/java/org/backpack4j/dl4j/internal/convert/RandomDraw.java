package org.backpack4j.dl4j.internal.convert;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What DL4J draws in an iteration.
 *
 * @param owner for whom: what changes a layer's input, or an activation function
 * @param late whether it is drawn only when listeners have been told of the forward pass, as output
 *     layers do, and is still there, or found out, when they are told of the backward pass
 * @param changed whether what is found is the layer's input as it has changed it, not what it drew
 * @param kept looks it up
 */
record RandomDraw(Object owner, boolean late, boolean changed, Kept kept) {
  /** Where DL4J keeps it. */
  @FunctionalInterface
  interface Kept {
    /**
     * Looks it up.
     *
     * @param activations what layers and vertices have answered
     * @param generator ND4J's generator when listeners were told of the forward pass
     * @return DL4J's own array; null if it drew nothing
     */
    @Nullable INDArray in(Map<String, INDArray> activations, GeneratorState generator);
  }
}
