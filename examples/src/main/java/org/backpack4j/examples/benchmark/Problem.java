package org.backpack4j.examples.benchmark;

import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A network with a loss, and a batch.
 *
 * @param name its name and batch size, such as {@code 3c3d:32}
 * @param graph the graph; its output is {@link #OUTPUT}, its loss {@link #LOSS}
 * @param feeds the batch, for the placeholders {@link #INPUT} and {@link #LABELS}
 * @param parameters the parameters' names, in PyTorch's order
 */
public record Problem(
    String name, SameDiff graph, Map<String, INDArray> feeds, List<String> parameters) {

  /** The placeholder of the images. */
  public static final String INPUT = "input";

  /** The placeholder of the labels: one-hot, or the numbers that the outputs should be. */
  public static final String LABELS = "labels";

  /** The network's output. */
  public static final String OUTPUT = "output";

  /** The loss. */
  public static final String LOSS = "loss";
}
