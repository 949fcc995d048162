package org.backpack4j.dl4j.internal.trained;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.GraphRow;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * The loss of a model with one output, which compares one prediction with labels.
 *
 * @param kind which
 * @param name the loss's variable
 * @param predictions the variable of the predictions, in front of the softmax or sigmoid
 * @param weights the variable of the weights, which masks and scales are in
 * @param labels the variable of the labels
 */
public record OutputLoss(
    Kind kind, String name, String predictions, String weights, String labels) {
  /** Losses that are the negative logarithm of a likelihood, up to a factor. */
  public enum Kind {
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
   * @param remedy what to do, in an error
   * @throws IllegalArgumentException if the graph has several predictions, or a loss of another
   *     kind
   */
  public static OutputLoss of(ExtendedGraph graph, String what, String remedy) {
    List<String> predictions = graph.predictions();
    List<GraphRow> losses =
        graph.rows().stream()
            .filter(row -> KINDS.containsKey(row.op()))
            .filter(row -> predictions.contains(row.inputs().get(0)))
            .toList();
    if (predictions.size() != 1 || losses.size() != 1) {
      throw new IllegalArgumentException(
          what
              + " is of one output whose loss is a likelihood: the cross-entropy of a softmax or a"
              + " sigmoid, or a squared error, one of SameDiff's loss ops. This one has the"
              + " predictions "
              + predictions
              + " and "
              + losses.size()
              + " such losses of them, of the losses "
              + graph.sameDiff().getLossVariables()
              + ": "
              + remedy);
    }
    GraphRow loss = losses.get(0);
    return new OutputLoss(
        Objects.requireNonNull(KINDS.get(loss.op())),
        loss.name(),
        loss.inputs().get(0),
        loss.inputs().get(1),
        loss.inputs().get(2));
  }

  /** Whether the labels are smoothed, so that it is another likelihood than that of the labels. */
  public boolean smoothsLabels(ExtendedGraph graph) {
    DifferentialFunction op = graph.sameDiff().getVariableOutputOp(name);
    return kind != Kind.SQUARED
        && op instanceof DynamicCustomOp custom
        && custom.numTArguments() > 0
        && custom.getTArgument(0) != 0;
  }

  /** The variables of predictions, weights and labels. */
  public List<String> variables() {
    return List.copyOf(Set.of(predictions, weights, labels));
  }

  /** Rows [R, C] of type DOUBLE: the last axis has the classes. */
  public static INDArray rows(INDArray array) {
    long last = array.rank() < 2 ? 1 : array.size(array.rank() - 1);
    INDArray typed = array.castTo(DataType.DOUBLE).dup('c');
    return typed.reshape('c', last == 0 ? 0 : array.length() / last, last);
  }

  /** The probabilities of predictions [R, C]; of a squared error the predictions themselves. */
  public INDArray probabilities(INDArray rows) {
    return switch (kind) {
      case SOFTMAX -> Transforms.softmax(rows, true);
      case SIGMOID -> Transforms.sigmoid(rows, true);
      case SQUARED -> rows;
    };
  }
}
