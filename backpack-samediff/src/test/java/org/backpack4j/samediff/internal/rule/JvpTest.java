package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.loss.Losses;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.backpack4j.samediff.testing.Adjoint;
import org.backpack4j.samediff.testing.AnnotatedGraph;
import org.backpack4j.samediff.testing.OpCase;
import org.backpack4j.samediff.testing.OpCases;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Tangents pass every op as the transposed of what cotangents do. */
class JvpTest {
  /** Rules of ops that have no derivative, or are refused whatever is asked. */
  private static final Set<String> WITHOUT =
      Set.of("DropoutRule", "FlatRule", "IndexRule", "RecurrentRule");

  private final Set<String> reached = new TreeSet<>();

  @Test
  void everyOpOfParametersAlone() {
    for (OpCase one : OpCases.all()) {
      SameDiff sd = one.graph();
      Map<String, INDArray> feeds = Map.of("other", Nd4j.ones(DataType.DOUBLE, 2));
      String other = sd.placeHolder("other", DataType.DOUBLE, -1).mul(2).name();
      reached.addAll(Adjoint.check(new AnnotatedGraph(sd, List.of("o", other), feeds, Map.of())));
    }
    checkReached(Set.of("NormPoolingRule", "UnreducedSoftmaxCrossEntropy", "WeightedCrossEntropy"));
  }

  @Test
  void everyOpOfSamples() {
    SampleOps ops = new SampleOps();
    reached.addAll(
        Adjoint.check(new AnnotatedGraph(ops.sd, ops.outputs, ops.feeds, ops.sampleAxes)));
    checkReached(Set.of());
  }

  private void checkReached(Set<String> elsewhere) {
    Set<String> rules =
        Stream.concat(Rules.all().entrySet().stream(), Losses.table().entrySet().stream())
            .filter(e -> reached.contains(e.getKey()))
            .map(e -> e.getValue().getClass().getSimpleName())
            .collect(Collectors.toSet());
    Set<String> missing = new TreeSet<>(all());
    missing.removeAll(rules);
    missing.removeAll(WITHOUT);
    missing.removeAll(elsewhere);
    assertThat(missing).as("rules without a case").isEmpty();
  }

  private static Set<String> all() {
    return Stream.concat(Rules.all().values().stream(), Losses.table().values().stream())
        .map(r -> r.getClass().getSimpleName())
        .collect(Collectors.toSet());
  }

  /** The list is not to grow. */
  @Test
  void whatTangentsDoNotPass() {
    Set<String> without =
        Stream.concat(Rules.all().values().stream(), Losses.table().values().stream())
            .filter(rule -> !knowsJvp(rule))
            .map(rule -> rule.getClass().getSimpleName())
            .collect(Collectors.toSet());
    assertThat(without).isEqualTo(WITHOUT);
  }

  private static boolean knowsJvp(Rule rule) {
    try {
      return rule.getClass()
              .getMethod("jvp", NodeContext.class, int.class, int.class, Tensor.class)
              .getDeclaringClass()
          != Rule.class;
    } catch (NoSuchMethodException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void anOpThatMixesSamplesIsRefusedByName() {
    SameDiff sd = SameDiff.create();
    sd.reverse(sd.placeHolder("x", DataType.DOUBLE, -1, 2), 0).rename("o");
    Map<String, INDArray> feeds = Map.of("x", Nd4j.ones(DataType.DOUBLE, 3, 2));
    AnnotatedGraph graph = new AnnotatedGraph(sd, List.of("o"), feeds, Map.of());
    Node node = graph.annotations().producer("o");
    assertThatThrownBy(() -> graph.rule(node).checkJvp(new NodeContext(graph.annotations(), node)))
        .isInstanceOf(UnsupportedOpException.class)
        .hasMessageContaining("reverse lets samples influence each other");
  }
}
