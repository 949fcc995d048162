package org.backpack4j.samediff.internal.extend;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.ColumnSource;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.internal.autodiff.ForwardPass;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.ReversePass;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Products of a matrix of second derivatives with directions of the parameters. Tangents travel
 * forward to the nodes at which the loss is curved, are multiplied by the curvature there, Σₖ sₖ cₖ
 * ⟨cₖ, t⟩ for its signed columns c, and travel back. With the nodes between predictions and losses
 * that is G v = Σₙ Jᵀ H J v, the generalised Gauss-Newton matrix's; with all nodes the Hessian's.
 */
final class CurvatureProduct {
  private static final String SOURCE = "product";

  private final Annotations graph;
  private final Function<Node, Rule> rules;
  private final BiPredicate<Node, Integer> carries;

  /**
   * Products of a graph.
   *
   * @param graph the graph
   * @param rules the rule of each node
   * @param carries whether columns of second-order quantities travel along an input of a node
   */
  CurvatureProduct(
      Annotations graph, Function<Node, Rule> rules, BiPredicate<Node, Integer> carries) {
    this.graph = graph;
    this.rules = rules;
    this.carries = carries;
  }

  /**
   * Emits the products of V directions.
   *
   * @param directions for each parameter its part of the directions, [1, V, P…]; zero for those
   *     that are not named
   * @param curved the nodes at which columns start
   * @param curvature the second derivative of a node, weighted by the gradient above it
   * @param parameters the parameters of which the products' parts are wanted
   * @return for each of the parameters [V, P…]; none for one that no curvature reaches: it is zero
   */
  Map<String, Tensor> of(
      Map<String, Tensor> directions,
      List<Node> curved,
      Function<Node, List<HessianRoot>> curvature,
      List<String> parameters) {
    ForwardPass forward = new ForwardPass(graph, rules, carries);
    directions.forEach(forward::seed);
    forward.run();
    ReversePass back = new ReversePass(graph, rules, carries, v -> false, v -> true);
    for (Node node : curved) {
      graph
          .emit()
          .in(
              node.label(),
              () -> {
                curvature.apply(node).forEach(group -> turn(node, group, forward, back));
                return node;
              });
    }
    back.run(parameter -> {});
    Map<String, Tensor> products = new LinkedHashMap<>();
    for (String parameter : parameters) {
      graph
          .emit()
          .in(parameter, () -> sum(back, parameter))
          .ifPresent(sum -> products.put(parameter, sum));
    }
    return products;
  }

  private Optional<Tensor> sum(ReversePass back, String parameter) {
    return Stream.concat(back.rowsAt(parameter).stream(), back.sumsAt(parameter).stream())
        .map(ParameterVjp::sum)
        .reduce(graph.emit()::add);
  }

  /** What arrives at a node's inputs, times its curvature, starts backwards. */
  private void turn(Node node, HessianRoot group, ForwardPass forward, ReversePass back) {
    Emitter e = graph.emit();
    @Nullable Tensor weights = null;
    for (Map.Entry<Integer, ColumnSource> columns : group.columns().entrySet()) {
      Tensor tangent = forward.at(node.inputs().get(columns.getKey()));
      if (tangent != null) {
        Tensor here = columns.getValue().products(e, tangent, group.signs().count());
        weights = weights == null ? here : e.add(weights, here);
      }
    }
    if (weights == null) {
      return;
    }
    Tensor signed = group.signs().times(e, weights);
    group
        .columns()
        .forEach(
            (input, columns) ->
                back.seed(
                    node.inputs().get(input), new Cotangent(SOURCE, columns.mixed(signed), null)));
  }
}
