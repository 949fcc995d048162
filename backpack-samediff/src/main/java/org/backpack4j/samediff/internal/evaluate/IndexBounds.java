package org.backpack4j.samediff.internal.evaluate;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * How large the numbers in a feed may be that count rows of a table or classes: M2.1 does not look,
 * and reads whatever lies beyond the table, or kills the JVM.
 */
public final class IndexBounds {
  /** Ops that leave the numbers as they are. */
  private static final Set<String> SAME =
      Set.of("cast", "expand_dims", "identity", "permute", "reshape", "squeeze", "transpose");

  private final Map<String, Bound> bounds = new LinkedHashMap<>();

  private record Bound(long size, Node node) {}

  private IndexBounds() {}

  /** The bounds of all placeholders that are indices, or become indices by casts and reshapes. */
  public static IndexBounds of(Annotations graph) {
    IndexBounds found = new IndexBounds();
    for (Node node : graph.nodes()) {
      Dim size = size(graph, node);
      int input = node.op().equals("gather") ? 1 : 0;
      String placeholder = size == null ? null : source(graph, node.inputs().get(input));
      if (size != null && !size.samples() && placeholder != null) {
        found.bounds.merge(
            placeholder, new Bound(size.size(), node), (a, b) -> a.size() <= b.size() ? a : b);
      }
    }
    return found;
  }

  private static @Nullable Dim size(Annotations graph, Node node) {
    if (node.op().equals("gather") && node.inputs().size() > 1) {
      Dims table = graph.dims(node.inputs().get(0));
      return table.get((int) node.iArg(0, 0));
    }
    if (node.op().equals("sparse_softmax_cross_entropy_loss_with_logits")) {
      return graph.dims(node.inputs().get(1)).get(-1);
    }
    return null;
  }

  private static @Nullable String source(Annotations graph, String variable) {
    String name = variable;
    Node producer = graph.producer(name);
    while (producer != null) {
      if (!SAME.contains(producer.op())) {
        return null;
      }
      name = producer.inputs().get(0);
      producer = graph.producer(name);
    }
    return name;
  }

  /**
   * Checks feeds.
   *
   * @throws IllegalArgumentException if a number is out of bounds
   */
  public void check(Map<String, INDArray> feeds) {
    bounds.forEach(
        (name, bound) -> {
          INDArray feed = feeds.get(name);
          if (feed == null || feed.isEmpty()) {
            return;
          }
          long least = feed.minNumber().longValue();
          long most = feed.maxNumber().longValue();
          if (least < 0 || most >= bound.size()) {
            throw new IllegalArgumentException(
                "\""
                    + name
                    + "\" is fed the number "
                    + (least < 0 ? least : most)
                    + ", but "
                    + bound.node()
                    + " counts from 0 to "
                    + (bound.size() - 1)
                    + ".");
          }
        });
  }
}
