package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.ColumnSigns;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.internal.autodiff.ForwardPass;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.ReversePass;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Jᵀ H J v: the vectors go forward as tangents to where columns s of the loss's second derivative
 * start, H = Σ s sᵀ makes cotangents of them there, and these go back.
 */
final class ProductPass {
  private static final String SOURCE = "product";

  private final Annotations graph;
  private final Function<Node, Rule> rules;
  private final ExtensionPlan plan;
  private final Emitter emit;
  private final ForwardPass forward;
  private final ReversePass reverse;

  ProductPass(
      Annotations graph, Function<Node, Rule> rules, ExtensionPlan plan, Set<String> targets) {
    this.graph = graph;
    this.rules = rules;
    this.plan = plan;
    this.emit = graph.emit();
    this.forward = new ForwardPass(graph, rules, plan::carriesGradient);
    this.reverse =
        new ReversePass(
            graph,
            rules,
            (node, k) -> plan.carriesColumns(node, k) && targets.contains(node.inputs().get(k)),
            variable -> false,
            variable -> true);
  }

  /**
   * Goes forward and back.
   *
   * @param vectors for each parameter its vectors [1, V, P…]
   * @param seeds the columns
   * @param signs what becomes of the columns' signs
   * @param gradient the gradient at a variable [N, 1, F…]; null where it is zero
   */
  void run(
      Map<String, Tensor> vectors,
      List<ColumnChunks.Seed> seeds,
      UnaryOperator<ColumnSigns> signs,
      Function<String, @Nullable Tensor> gradient) {
    vectors.forEach(forward::seed);
    forward.run();
    Map<String, List<ColumnChunks.Seed>> sources = new LinkedHashMap<>();
    seeds.forEach(s -> sources.computeIfAbsent(s.source(), k -> new ArrayList<>()).add(s));
    sources.values().forEach(source -> turn(source, signs));
    plan.bilinear().forEach(node -> emit.in(node.label(), () -> turn(node, gradient)));
    reverse.run(parameter -> {});
  }

  /**
   * The tangents at a variable.
   *
   * @return [N, V, F…]; null where none arrived
   */
  @Nullable Tensor tangent(String variable) {
    return forward.at(variable);
  }

  /**
   * The product at a parameter.
   *
   * @return [V, P…]; null where nothing arrived, so that it is zero
   */
  @Nullable Tensor product(String parameter) {
    return Stream.concat(reverse.rowsAt(parameter).stream(), reverse.sumsAt(parameter).stream())
        .map(ParameterVjp::sum)
        .reduce(emit::add)
        .orElse(null);
  }

  /** Σₖ s (sᵀ t) of the columns s of one source, which may reach over several variables. */
  private void turn(List<ColumnChunks.Seed> source, UnaryOperator<ColumnSigns> signs) {
    emit.in(source.get(0).scope(), () -> weighted(source, signs));
  }

  private List<ColumnChunks.Seed> weighted(
      List<ColumnChunks.Seed> source, UnaryOperator<ColumnSigns> signs) {
    Tensor weights = null;
    for (ColumnChunks.Seed seed : source) {
      Tensor tangent = tangent(seed.variable());
      if (tangent != null) {
        Tensor part = seed.columns().products(emit, tangent, seed.signs().count()); // [N, V, C]
        weights = weights == null ? part : emit.add(weights, part);
      }
    }
    if (weights != null) {
      for (ColumnChunks.Seed seed : source) {
        ColumnSigns own = signs.apply(seed.signs());
        if (own.isZero()) {
          continue;
        }
        Tensor back = seed.columns().mixed(own.times(emit, weights));
        reverse.seed(seed.variable(), new Cotangent(SOURCE, back, null));
      }
    }
    return source;
  }

  /**
   * Of an op that is linear in two inputs: the VJP to one with the other's tangent as its value.
   */
  private Node turn(Node node, Function<String, @Nullable Tensor> gradient) {
    Tensor above = gradient.apply(node.outputs().get(0));
    List<Integer> pair = rules.apply(node).bilinear(new NodeContext(graph, node));
    if (above != null) {
      turn(node, pair.get(0), pair.get(1), above);
      turn(node, pair.get(1), pair.get(0), above);
    }
    return node;
  }

  private void turn(Node node, int input, int other, Tensor above) {
    Tensor tangents = tangent(node.inputs().get(other));
    if (tangents == null || !plan.carriesGradient(node, input)) {
      return;
    }
    List<Tensor> all = new ArrayList<>();
    for (long v = 0; v < tangents.dims().get(1).size(); v++) {
      Tensor one = emit.slice(tangents, 1, v, v + 1);
      all.add(mixed(node, input, other, emit.reshape(one, one.dims().without(1)), above));
    }
    Tensor value = all.size() == 1 ? all.get(0) : emit.concat(1, all);
    reverse.seed(node.inputs().get(input), new Cotangent(SOURCE, value, null));
  }

  private Tensor mixed(Node node, int input, int other, Tensor tangent, Tensor above) {
    Rule rule = rules.apply(node);
    NodeContext context = rule.along(new NodeContext(graph, node), other, tangent);
    if (graph.batchAxis(node.inputs().get(input)).hasSamples()) {
      return rule.vjp(context, input, 0, above);
    }
    Tensor sum = rule.contribution(context, input, 0, new Cotangent(SOURCE, above, null)).sum();
    return emit.reshape(sum, Dims.of(Dim.ONE).plus(sum.dims()));
  }
}
