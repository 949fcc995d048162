package org.backpack4j.dl4j.influence;

import java.util.Map;
import java.util.Objects;
import org.backpack4j.dl4j.internal.trained.OutputLoss;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Errors of predictions, and the losses that have them. */
final class Errors {
  private Errors() {}

  /**
   * The loss of a graph.
   *
   * @param what what it is needed for, in an error
   * @throws IllegalArgumentException if the graph has several losses, or one of another kind
   */
  static OutputLoss loss(ExtendedGraph graph, String what) {
    return OutputLoss.of(
        graph, what, "take gradientNorms() or selfInfluence(), which are of every network.");
  }

  /**
   * p − y of each sample, p the probabilities or predictions, times the entries' weights; of a
   * single weight for all, which is the loss's scale, without.
   *
   * @return [R, C], sample by sample
   */
  static INDArray of(GraphBatch batch) {
    OutputLoss loss = loss(batch.graph(), "EL2N");
    Map<String, INDArray> out = batch.graph().output(batch.feeds(), loss.variables());
    INDArray p = loss.probabilities(OutputLoss.rows(value(out, loss.predictions())));
    INDArray errors = p.sub(value(out, loss.labels()).reshape('c', p.shape()));
    INDArray w = value(out, loss.weights());
    if (w.length() == errors.length()) {
      errors.muli(w.reshape('c', errors.shape()));
    } else if (w.length() == errors.rows() && w.length() > 1) {
      errors.muliColumnVector(w.reshape('c', w.length(), 1));
    }
    return errors;
  }

  private static INDArray value(Map<String, INDArray> out, String variable) {
    return Objects.requireNonNull(out.get(variable)).castTo(DataType.DOUBLE).dup('c');
  }
}
