package org.backpack4j.samediff.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Holds ⟨u, J t⟩ = ⟨Jᵀ u, t⟩ at every node of a graph, for random columns t at its inputs, one by
 * one and all together, and u at its outputs. Brute force says that Jᵀ is right.
 */
public final class Adjoint {
  private static final int COLUMNS = 3;

  private final AnnotatedGraph graph;
  private final Emitter e;
  private final Map<String, List<Tensor>> pairs = new LinkedHashMap<>();
  private final Set<String> exact = new TreeSet<>();
  private final Set<String> ops = new TreeSet<>();

  private Adjoint(AnnotatedGraph graph) {
    this.graph = graph;
    this.e = graph.emit();
  }

  /**
   * @return the ops at which it was held
   */
  public static Set<String> check(AnnotatedGraph graph) {
    Nd4j.getRandom().setSeed(3);
    Adjoint adjoint = new Adjoint(graph);
    graph.covered().forEach(adjoint::node);
    adjoint.compare();
    return adjoint.ops;
  }

  private void node(Node node) {
    Rule rule = graph.rule(node);
    NodeContext context = new NodeContext(graph.annotations(), node);
    int columns = keepsColumns(rule, context) ? COLUMNS : 1;
    SortedMap<Integer, Tensor> tangents = new TreeMap<>();
    for (int input = 0; input < context.inputs(); input++) {
      if (context.type(input).isFPType() && rule.differentiable(context, input)) {
        tangents.put(input, graph.columns(node.inputs().get(input), columns));
      }
    }
    for (int output = 0; output < node.outputs().size() && !tangents.isEmpty(); output++) {
      if (context.outputType(output).isFPType()) {
        int k = output;
        e.in( // SameDiff looks for the next free name by trying them all
            node.name(),
            () -> {
              output(context, rule, k, tangents);
              return null;
            });
      }
    }
  }

  /** Where cotangents do not keep columns apart there can be but one. */
  private static boolean keepsColumns(Rule rule, NodeContext context) {
    boolean gradientAlone = rule.name().contains("for the gradient alone");
    return !gradientAlone
        && IntStream.range(0, context.inputs())
            .allMatch(
                k -> rule.keepsSamplesSeparate(context, k) || !rule.differentiable(context, k));
  }

  private void output(
      NodeContext context, Rule rule, int output, SortedMap<Integer, Tensor> tangents) {
    int columns = (int) tangents.get(tangents.firstKey()).dims().get(1).size();
    Tensor u = graph.columns(context.node().outputs().get(output), columns);
    List<Tensor> back = new ArrayList<>();
    for (Map.Entry<Integer, Tensor> tangent : tangents.entrySet()) {
      int input = tangent.getKey();
      Tensor forward = rule.jvp(context, input, output, tangent.getValue());
      back.add(
          products(
              summed(rule.vjp(context, input, output, u), tangent.getValue()), tangent.getValue()));
      pair(
          context,
          context.node() + " input " + input + " output " + output,
          forward,
          u,
          back.get(back.size() - 1));
    }
    Tensor all = rule.jvpOfInputs(context, output, tangents);
    pair(
        context,
        context.node() + " output " + output,
        all,
        u,
        back.stream().reduce(e::add).orElseThrow());
    ops.add(context.node().op());
  }

  private void pair(NodeContext context, String what, Tensor forward, Tensor u, Tensor back) {
    Dims whole = u.dims();
    Dims same = whole.with(0, Dim.ONE);
    assertThat(forward.dims()).as(what).isIn(whole, same);
    Tensor full = e.broadcast(forward, whole);
    pairs.put(what, List.of(products(full, u), back, products(e.abs(full), e.abs(u))));
    if (exact(context)) {
      exact.add(what);
    }
  }

  /** Whether all is in double precision. */
  private static boolean exact(NodeContext context) {
    return IntStream.range(0, context.inputs()).allMatch(k -> context.type(k) != DataType.FLOAT)
        && context.outputType(0) != DataType.FLOAT;
  }

  /** At a variable without samples what comes from each sample is added up. */
  private Tensor summed(Tensor back, Tensor tangent) {
    if (tangent.dims().get(0).samples() || !back.dims().get(0).samples()) {
      return back;
    }
    Tensor sum = e.sumOverSamples(back);
    return e.reshape(sum, Dims.of(Dim.ONE).plus(sum.dims()));
  }

  /** For each column the sum of the products [V]. */
  private Tensor products(Tensor a, Tensor b) {
    Tensor product = e.mul(a, b);
    Tensor behind = e.sum(product, 2, product.rank());
    return e.sumOverSamples(behind);
  }

  private void compare() {
    List<String> names =
        pairs.values().stream().flatMap(List::stream).map(Tensor::name).distinct().toList();
    Map<String, INDArray> values = graph.values(names);
    pairs.forEach(
        (what, pair) -> {
          double[] forward = values.get(pair.get(0).name()).toDoubleVector();
          double[] back = values.get(pair.get(1).name()).toDoubleVector();
          double[] size = values.get(pair.get(2).name()).toDoubleVector();
          for (int v = 0; v < forward.length; v++) {
            double tolerance = (exact.contains(what) ? 1e-10 : 1e-4) * Math.max(size[v], 1e-3);
            assertThat(Math.abs(forward[v] - back[v])).as(what).isLessThanOrEqualTo(tolerance);
          }
        });
  }
}
