package org.backpack4j.dl4j.internal.train;

import java.util.Map;
import org.backpack4j.dl4j.internal.convert.IterationState;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The batch that a network has passed in an iteration.
 *
 * @param batch the batch
 * @param drawn what belongs to the iteration alone
 * @param added what was drawn in the place of changed inputs of layers, as far as it is known
 */
public record PassedBatch(NetworkBatch batch, IterationState drawn, Map<String, INDArray> added) {}
