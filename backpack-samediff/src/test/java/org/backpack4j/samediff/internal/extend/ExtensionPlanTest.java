package org.backpack4j.samediff.internal.extend;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.loss.Losses;
import org.backpack4j.samediff.internal.rule.Rules;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

class ExtensionPlanTest {
  /** Layers that read all layers before them, as in a densely connected network. */
  private static SameDiff dense(int layers) {
    SameDiff sd = SameDiff.create();
    SDVariable h = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    for (int k = 0; k < layers; k++) {
      SDVariable w = sd.var("w" + k, Graphs.random(3, 3));
      h = sd.math().tanh("h" + k, h.mmul(w).sub(h.mean("m" + k, 0))).add(h);
    }
    sd.loss().meanSquaredError("loss", y, h, null);
    return sd;
  }

  /** How often rules are looked up for all kinds of quantities. */
  private static int lookUps(int layers) {
    SameDiff sd = dense(layers);
    Annotations graph =
        new Annotations(GraphShapes.of(sd, List.of("loss"), Map.of()), new Emitter(sd, "x", 0, 1));
    for (Node node : graph.nodes()) {
      for (int k = 0; k < node.outputs().size(); k++) {
        graph.place(node.outputs().get(k), rule(node).batchAxis(new NodeContext(graph, node), k));
      }
    }
    Set<String> parameters = new LinkedHashSet<>();
    for (int k = 0; k < layers; k++) {
      parameters.add("w" + k);
    }
    AtomicInteger lookUps = new AtomicInteger();
    ExtensionPlan plan =
        new ExtensionPlan(
            graph,
            node -> {
              lookUps.incrementAndGet();
              return rule(node);
            },
            List.of("loss"),
            parameters,
            List.of(),
            ExtensionPlan.Start.PREDICTIONS);
    for (Obstacles.Kind kind : Obstacles.Kind.values()) {
      Map<String, Map<Node, Obstacle>> obstacles = plan.obstacles(kind);
      // every mean stands in the way of the parameters in front of it
      assertThat(obstacles.keySet()).hasSize(kind.secondOrder() ? layers - 1 : 0);
      if (kind.secondOrder()) {
        assertThat(obstacles.get("w0").keySet())
            .extracting(Node::label)
            .containsExactlyElementsOf(
                parameters.stream().skip(1).map(w -> w.replace('w', 'm')).toList());
      }
    }
    return lookUps.get();
  }

  private static Rule rule(Node node) {
    Rule loss = Losses.table().get(node.op());
    return loss != null ? loss : Rules.of(node.op());
  }

  @Test
  void obstaclesAreLookedForOnceForAllParameters() {
    assertThat(lookUps(40)).isLessThan(2 * lookUps(20) + 10);
  }
}
