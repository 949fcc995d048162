package org.backpack4j.samediff.internal.extend;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.ReversePass;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.loss.Losses;
import org.backpack4j.samediff.internal.rule.Rules;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

/** What a sweep that forgets something, or takes samples together, is found out by. */
class DataFlowCheckTest {
  private static final Set<String> ALL = Set.of("w", "b", "c");

  /** The parameter w is used twice, b meets a mean of all samples, c is a penalty. */
  private final SameDiff sd = SameDiff.create();

  private final Map<Node, Rule> rules = new LinkedHashMap<>();
  private final Annotations graph;

  DataFlowCheckTest() {
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Graphs.random(3, 3));
    SDVariable b = sd.var("b", Graphs.random(1, 3));
    SDVariable c = sd.var("c", Graphs.random(3));
    SDVariable h = sd.math().tanh("h", x.mmul("first", w));
    SDVariable shift = b.add("shift", x.mean(true, 0));
    SDVariable z = h.mmul("second", w.mul("twice", 2)).add("z", shift);
    sd.math().square(z).sum("squares").add("loss", c.mul(c).sum());
    sd.setLossVariables("loss");
    GraphShapes shapes = GraphShapes.of(sd, List.of("loss"), Map.of());
    graph = new Annotations(shapes, new Emitter(sd, "x", 0, 1));
    for (Node node : graph.nodes()) {
      Rule rule = Losses.table().get(node.op());
      rules.put(node, rule != null ? rule : Rules.of(node.op()));
      node.outputs()
          .forEach(o -> graph.place(o, rules.get(node).batchAxis(new NodeContext(graph, node), 0)));
    }
  }

  private ReversePass sweep(BiPredicate<Node, Integer> carries) {
    ReversePass sweep = new ReversePass(graph, rules::get, carries, v -> true, v -> true);
    sweep.seed(
        "loss",
        new Cotangent("gradient", graph.emit().literal(1, DataType.DOUBLE, Dims.of(1, 1)), null));
    sweep.run(parameter -> {});
    return sweep;
  }

  private DataFlowCheck flow() {
    return new DataFlowCheck(graph, rules::get);
  }

  private boolean differentiable(Node node, int input) {
    return rules.get(node).differentiable(new NodeContext(graph, node), input)
        && Set.of("x").stream().noneMatch(node.inputs().get(input)::equals)
        && !node.op().equals("reduce_mean");
  }

  @Test
  void whatArrivesIsFound() {
    ReversePass sweep = sweep(this::differentiable);
    assertThatCode(
            () -> {
              flow().checkGradient(sweep, List.of("loss"), ALL, Set.of("w"));
              flow().checkColumns(List.of(sweep), List.of("z"), Set.of("w", "c"));
              flow().checkPredictions(sweep, List.of("loss"), Set.of("z"), ALL);
            })
        .doesNotThrowAnyException();
  }

  @Test
  void aUseThatIsForgottenIsNamed() {
    ReversePass sweep =
        sweep((node, k) -> differentiable(node, k) && !node.label().equals("twice"));
    assertThatThrownBy(() -> flow().checkGradient(sweep, List.of("loss"), ALL, Set.of()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the gradient of \"w\"")
        .hasMessageContaining("\"twice\"");
    assertThatThrownBy(() -> flow().checkColumns(List.of(sweep), List.of("z"), Set.of("w")))
        .hasMessageContaining("curvature of \"w\"");
  }

  @Test
  void aSumOverSamplesInTheirPlaceIsNamed() {
    ReversePass sweep = sweep(this::differentiable);
    assertThatThrownBy(() -> flow().checkGradient(sweep, List.of("loss"), ALL, Set.of("b")))
        .hasMessageContaining("gradient of each sample of \"b\"")
        .hasMessageContaining("\"shift\" (add)");
    assertThatThrownBy(() -> flow().checkColumns(List.of(sweep), List.of("z"), Set.of("b")))
        .hasMessageContaining("curvature of \"b\"");
  }

  @Test
  void aWayBesideThePredictionsIsNamed() {
    ReversePass sweep = sweep(this::differentiable);
    assertThatThrownBy(
            () -> flow().checkPredictions(sweep, List.of("loss"), Set.of("shift"), Set.of("w")))
        .hasMessageContaining("curvature of \"w\"")
        .hasMessageContaining("\"second\" (matmul)");
  }
}
