package org.backpack4j.samediff.internal.extend;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Dims;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Numbers of rows and classes that come from a floating type which does not count as far as there
 * are rows: the array that holds them names other rows, and no op can know it.
 */
final class RowNumbers {
  /** Ops that hand numbers on as they are. */
  private static final Set<String> HANDING_ON =
      Set.of(
          "cast",
          "expand_dims",
          "identity",
          "permute",
          "reshape",
          "rint",
          "slice",
          "squeeze",
          "stop_gradient",
          "strided_slice",
          "transpose");

  private final Annotations graph;

  /** Variables on the gradient's way. */
  private final Predicate<String> leading;

  private final Set<String> seen = new HashSet<>();

  RowNumbers(Annotations graph, Predicate<String> leading) {
    this.graph = graph;
    this.leading = leading;
  }

  /** What is wrong with the numbers that a node reads, or that what it reads is made from. */
  Optional<Obstacle> obstacle(Node passed) {
    Deque<Node> open = new ArrayDeque<>();
    open.push(passed);
    while (!open.isEmpty()) {
      Node node = open.pop();
      Optional<Obstacle> obstacle = own(node);
      if (obstacle.isPresent()) {
        return obstacle;
      }
      for (String input : node.inputs()) {
        Node producer = graph.producer(input);
        if (producer != null && !leading.test(input) && seen.add(input)) {
          open.push(producer);
        }
      }
    }
    return Optional.empty();
  }

  private Optional<Obstacle> own(Node node) {
    return switch (node.op()) {
      case "gather" -> node.inputs().size() < 2 ? Optional.empty() : read(node, 1, rows(node));
      case "onehot" -> read(node, 0, classes(node));
      case "sparse_softmax_cross_entropy_loss_with_logits" ->
          read(node, 0, graph.dims(node.inputs().get(1)).get(-1).size());
      default -> Optional.empty();
    };
  }

  private long rows(Node gather) {
    Dims table = graph.dims(gather.inputs().get(0));
    int axis = (int) gather.iArg(0, 0);
    return table.get(axis).samples() ? 0 : table.get(axis).size();
  }

  private long classes(Node oneHot) {
    Dims dims = graph.dims(oneHot.outputs().get(0));
    int axis = (int) oneHot.iArg(0, -1);
    return dims.get(axis < 0 ? axis + dims.rank() : axis).size();
  }

  private Optional<Obstacle> read(Node node, int input, long rows) {
    String variable = node.inputs().get(input);
    String narrowest = variable;
    Node producer = graph.producer(variable);
    while (producer != null && HANDING_ON.contains(producer.op())) {
      variable = producer.inputs().get(0);
      if (largest(variable) <= largest(narrowest)) {
        narrowest = variable;
      }
      producer = graph.producer(variable);
    }
    long most = largest(narrowest);
    DataType type = graph.ownType(narrowest);
    return rows - 1 <= most
        ? Optional.empty()
        : Optional.of(
            new Obstacle(
                "the numbers of the %d rows or classes of \"%s\" are read from \"%s\" of type %s, which counts to %d: larger ones name others"
                    .formatted(rows, node.label(), narrowest, type, most),
                "feed the numbers in an integer type"
                    + (type == DataType.FLOAT ? "" : ", or have the network in single precision")));
  }

  /** Up to which whole number a variable's type knows them all. */
  private long largest(String variable) {
    return switch (graph.ownType(variable)) {
      case BFLOAT16 -> 1L << 8;
      case HALF -> 1L << 11;
      case FLOAT -> 1L << 24;
      case DOUBLE -> 1L << 53;
      default -> Long.MAX_VALUE;
    };
  }
}
