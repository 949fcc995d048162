package org.backpack4j.samediff.internal.autodiff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.testing.AnnotatedGraph;
import org.backpack4j.samediff.testing.Graphs;
import org.backpack4j.samediff.testing.RandomChain;
import org.backpack4j.samediff.testing.RandomGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Tangents through whole graphs against differences of what the graphs compute. */
class ForwardPassTest {
  private static final double STEP = 1e-5;
  private static final int COLUMNS = 2;

  private static List<String> parameters(SameDiff sd) {
    return sd.variables().stream()
        .filter(v -> v.getVariableType() == VariableType.VARIABLE)
        .map(SDVariable::name)
        .toList();
  }

  private static ForwardPass pass(AnnotatedGraph graph) {
    return new ForwardPass(graph.annotations(), graph::rule, (node, input) -> true);
  }

  /** Of an output, along random directions of parameters and inputs with their samples first. */
  private static void check(
      SameDiff sd, Map<String, INDArray> feeds, String output, List<String> varying) {
    check(new AnnotatedGraph(sd, List.of(output), feeds, Map.of()), sd, feeds, output, varying);
  }

  private static void check(
      AnnotatedGraph graph,
      SameDiff sd,
      Map<String, INDArray> feeds,
      String output,
      List<String> varying) {
    Nd4j.getRandom().setSeed(1);
    ForwardPass pass = pass(graph);
    Map<String, Tensor> directions = new LinkedHashMap<>();
    for (String variable : varying) {
      directions.put(variable, graph.columns(variable, COLUMNS));
      pass.seed(variable, directions.get(variable));
    }
    pass.run();
    Tensor tangent = pass.at(output);
    INDArray actual = graph.values(List.of(tangent.name())).get(tangent.name());
    for (int v = 0; v < COLUMNS; v++) {
      Map<String, INDArray> step = new LinkedHashMap<>();
      for (String variable : varying) {
        INDArray all = graph.fed(directions.get(variable).name());
        INDArray column = all.get(NDArrayIndex.all(), NDArrayIndex.interval(v, v + 1)).dup('c');
        step.put(variable, column);
      }
      INDArray above = moved(sd, feeds, output, step, STEP);
      INDArray expected = above.sub(moved(sd, feeds, output, step, -STEP)).divi(2 * STEP);
      INDArray here =
          actual.get(NDArrayIndex.all(), NDArrayIndex.interval(v, v + 1)).dup('c').reshape(-1);
      double size = expected.amaxNumber().doubleValue();
      assertThat(size).isGreaterThan(1e-8);
      assertThat(here.sub(expected.reshape(-1)).amaxNumber().doubleValue())
          .isLessThan(1e-6 * Math.max(size, 1e-2));
    }
  }

  private static INDArray moved(
      SameDiff sd,
      Map<String, INDArray> feeds,
      String output,
      Map<String, INDArray> step,
      double factor) {
    Map<String, INDArray> fed = new LinkedHashMap<>(feeds);
    Map<String, INDArray> before = new LinkedHashMap<>();
    step.forEach(
        (variable, column) -> {
          INDArray own =
              feeds.containsKey(variable) ? feeds.get(variable) : sd.getArrForVarName(variable);
          INDArray there = own.add(column.reshape('c', own.shape()).mul(factor));
          if (feeds.containsKey(variable)) {
            fed.put(variable, there);
          } else {
            before.put(variable, own.dup());
            own.assign(there);
          }
        });
    INDArray result = ReferenceInterpreter.run(sd, fed, List.of(output)).get(output).dup('c');
    before.forEach((variable, array) -> sd.getArrForVarName(variable).assign(array));
    return result;
  }

  @Test
  void predictionsByAllParameters() {
    SameDiff sd = Graphs.perceptron();
    check(sd, Graphs.feeds(4), "z", List.of("w", "b", "v"));
  }

  @Test
  void theLossByInputsAndParameters() {
    SameDiff sd = Graphs.perceptron();
    check(sd, Graphs.feeds(4), "loss", List.of("x", "w"));
    check(sd, Graphs.feeds(4), "loss", List.of("y"));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 2, 3, 4, 5, 6, 7})
  void randomGraphs(long seed) {
    RandomGraph random = new RandomGraph(seed);
    SameDiff sd = random.graph();
    check(sd, random.feeds(), sd.getLossVariables().get(0), parameters(sd));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 2, 3, 4, 5, 6, 7})
  void randomChains(long seed) {
    RandomChain random = new RandomChain(seed);
    SameDiff sd = random.graph();
    List<String> losses = sd.getLossVariables();
    Map<String, Integer> axes = Map.of("x", random.entrance());
    AnnotatedGraph graph = new AnnotatedGraph(sd, losses, random.feeds(), axes);
    check(graph, sd, random.feeds(), losses.get(0), parameters(sd));
  }

  @Test
  void whatNothingVariesIsZero() {
    SameDiff sd = Graphs.perceptron();
    AnnotatedGraph graph = new AnnotatedGraph(sd, List.of("loss"), Graphs.feeds(4), Map.of());
    ForwardPass pass = pass(graph);
    pass.seed("v", graph.columns("v", 1));
    pass.run();
    assertThat(pass.at("h")).isNull();
    assertThat(pass.at("z")).isNotNull();
  }

  @Test
  void whereItIsNotCarriedItEnds() {
    SameDiff sd = Graphs.perceptron();
    AnnotatedGraph graph = new AnnotatedGraph(sd, List.of("loss"), Graphs.feeds(4), Map.of());
    ForwardPass pass =
        new ForwardPass(graph.annotations(), graph::rule, (node, k) -> !node.op().equals("tanh"));
    pass.seed("w", graph.columns("w", 1));
    pass.run();
    assertThat(pass.at("xw")).isNotNull();
    assertThat(pass.at("h")).isNull();
  }

  @Test
  void aDirectionOfAnotherShapeIsRefused() {
    SameDiff sd = Graphs.perceptron();
    AnnotatedGraph graph = new AnnotatedGraph(sd, List.of("loss"), Graphs.feeds(4), Map.of());
    assertThatThrownBy(() -> pass(graph).seed("w", graph.columns("v", 1)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("\"w\"");
  }
}
