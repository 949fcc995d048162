package org.backpack4j.dl4j.influence;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.GraphRow;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * A loss that compares one prediction with labels.
 *
 * @param kind which
 * @param predictions the variable of the predictions, in front of the softmax or sigmoid
 * @param weights the variable of the weights, which masks are in
 * @param labels the variable of the labels
 */
record LossKind(Kind kind, String predictions, String weights, String labels) {
  /** Losses of which errors and margins are known. */
  enum Kind {
    SOFTMAX,
    SIGMOID,
    SQUARED
  }

  private static final Map<String, Kind> KINDS =
      Map.of(
          "softmax_cross_entropy_loss", Kind.SOFTMAX,
          "sigm_cross_entropy_loss", Kind.SIGMOID,
          "mean_sqerr_loss", Kind.SQUARED);

  /**
   * The loss of a graph.
   *
   * @param graph a graph that tells its predictions
   * @param what what it is needed for, in an error
   * @throws IllegalArgumentException if the graph has several losses, or one of another kind
   */
  static LossKind of(ExtendedGraph graph, String what) {
    List<GraphRow> losses =
        graph.rows().stream()
            .filter(row -> row.inputs().stream().anyMatch(graph.predictions()::contains))
            .filter(row -> KINDS.containsKey(row.op()))
            .toList();
    if (losses.size() != 1 || graph.predictions().size() != 1) {
      throw new IllegalArgumentException(
          what
              + " is of a network with one output, whose loss is the cross-entropy of a softmax or"
              + " sigmoid, or a squared error. This one has the predictions "
              + graph.predictions()
              + " and the losses "
              + graph.sameDiff().getLossVariables()
              + ". Take gradientNorms() or selfInfluence(), which are of every network.");
    }
    GraphRow loss = losses.get(0);
    return new LossKind(
        Objects.requireNonNull(KINDS.get(loss.op())),
        graph.predictions().get(0),
        loss.inputs().get(1),
        loss.inputs().get(2));
  }

  /**
   * p − y of each sample, p the probabilities or predictions, times the entries' weights; of a
   * single weight for all, which is the loss's scale, without.
   *
   * @return [N, …]
   */
  INDArray errors(ExtendedGraph graph, Map<String, INDArray> feeds) {
    Map<String, INDArray> out = graph.output(feeds, predictions, weights, labels);
    INDArray z = Objects.requireNonNull(out.get(predictions)).castTo(DataType.DOUBLE);
    INDArray rows =
        z.dup('c').reshape('c', z.length() / z.size(z.rank() - 1), z.size(z.rank() - 1));
    INDArray p =
        switch (kind) {
          case SOFTMAX -> Transforms.softmax(rows, true);
          case SIGMOID -> Transforms.sigmoid(rows, true);
          case SQUARED -> rows;
        };
    INDArray y = Objects.requireNonNull(out.get(labels)).castTo(DataType.DOUBLE);
    INDArray errors = p.sub(y.dup('c').reshape('c', rows.shape()));
    INDArray w = Objects.requireNonNull(out.get(weights)).castTo(DataType.DOUBLE).dup('c');
    if (w.length() == errors.length()) {
      errors.muli(w.reshape('c', errors.shape()));
    } else if (w.length() == errors.rows() && w.length() > 1) {
      errors.muliColumnVector(w.reshape('c', w.length(), 1));
    }
    return errors;
  }
}
