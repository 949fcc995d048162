package org.backpack4j.samediff.internal.autodiff;

import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiPredicate;
import java.util.function.Function;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * One way forward through the graph, the mirror of {@link ReversePass}. Tangents that start at
 * parameters, inputs or anywhere else pass every node's rule; where branches meet they are added.
 *
 * <p>A tangent at a variable of per-sample shape F is a tensor [N, V, F…], V directions for every
 * sample; at a variable without a sample axis [1, V, F…], the same directions for all.
 */
public final class ForwardPass {
  private final Annotations graph;
  private final Function<Node, Rule> rules;
  private final BiPredicate<Node, Integer> carries;
  private final Map<String, Tensor> tangents = new HashMap<>();

  /**
   * A sweep.
   *
   * @param graph the graph
   * @param rules the rule of each node
   * @param carries whether a tangent goes on from an input of a node that has a derivative
   */
  public ForwardPass(
      Annotations graph, Function<Node, Rule> rules, BiPredicate<Node, Integer> carries) {
    this.graph = graph;
    this.rules = rules;
    this.carries = carries;
  }

  /**
   * Starts a tangent. It is added to what arrives at the variable from others.
   *
   * @param variable where
   * @param tangent [N, V, F…], or [1, V, F…]: the same for all samples
   */
  public void seed(String variable, Tensor tangent) {
    tangents.merge(variable, arranged(variable, tangent), graph.emit()::add);
  }

  /** Passes every node, the first first. */
  public void run() {
    graph.nodes().forEach(node -> graph.emit().in(node.label(), () -> pass(node)));
  }

  private Node pass(Node node) {
    SortedMap<Integer, Tensor> arriving = arriving(node);
    if (!arriving.isEmpty()) {
      Rule rule = rules.apply(node);
      NodeContext context = new NodeContext(graph, node);
      for (int k = 0; k < node.outputs().size(); k++) {
        if (graph.type(node.outputs().get(k)).isFPType()) {
          seed(node.outputs().get(k), rule.jvpOfInputs(context, k, arriving));
        }
      }
    }
    return node;
  }

  private SortedMap<Integer, Tensor> arriving(Node node) {
    SortedMap<Integer, Tensor> arriving = new TreeMap<>();
    for (int k = 0; k < node.inputs().size(); k++) {
      Tensor tangent = tangents.get(node.inputs().get(k));
      if (tangent != null
          && carries.test(node, k)
          && rules.apply(node).differentiable(new NodeContext(graph, node), k)) {
        arriving.put(k, tangent);
      }
    }
    return arriving;
  }

  /** With a row for each sample where the variable has samples, and with one where it has none. */
  private Tensor arranged(String variable, Tensor tangent) {
    boolean samples = graph.batchAxis(variable).hasSamples();
    Dims part = graph.batchAxis(variable).perSample(graph.dims(variable));
    Dims expected = Dims.of(samples ? Dim.N : Dim.ONE, tangent.dims().get(1)).plus(part);
    boolean once = samples && tangent.dims().equals(expected.with(0, Dim.ONE));
    if (!once && !tangent.dims().equals(expected)) {
      throw new IllegalStateException(
          "a tangent at \"" + variable + "\" has the shape " + tangent + ", not " + expected);
    }
    return graph.emit().broadcast(tangent, expected);
  }

  /**
   * The tangent at a variable.
   *
   * @param variable the variable's name
   * @return [N, V, F…], or [1, V, F…] at a variable without a sample axis; null if none arrived, so
   *     that it is zero
   */
  public @Nullable Tensor at(String variable) {
    return tangents.get(variable);
  }
}
