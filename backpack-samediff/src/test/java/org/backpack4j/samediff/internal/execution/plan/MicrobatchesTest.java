package org.backpack4j.samediff.internal.execution.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backpack4j.samediff.internal.execution.Numbers.assertSame;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.backpack4j.samediff.internal.execution.RandomGraph;
import org.backpack4j.samediff.internal.execution.run.Step;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Working through some samples at a time gives the numbers of working through all at once. */
class MicrobatchesTest {
  private static final int COLUMNS = 20;
  private static final int WIDTH = 12;

  private final SameDiff graph = SameDiff.create();
  private final Map<String, ExecutionOptions.Axis> axes = new HashMap<>();
  private final Set<String> additive = new HashSet<>();

  private SDVariable has(int axis, SDVariable variable) {
    axes.put(variable.name(), ExecutionOptions.Axis.of(axis));
    return variable;
  }

  private SDVariable folded(long inner, SDVariable variable) {
    axes.put(variable.name(), new ExecutionOptions.Axis(0, 1, inner));
    return variable;
  }

  private SDVariable sum(SDVariable variable) {
    additive.add(variable.name());
    return variable;
  }

  private SDVariable parameter(DataType type, String name, long... shape) {
    return graph.var(name, Nd4j.rand(type, shape).subi(0.5));
  }

  /**
   * The shape of a curvature computation: a forward pass, columns that start at its end, are pulled
   * back through masks and weights, squared, and summed over samples and columns.
   */
  private List<String> columns(DataType type, boolean mixed) {
    SDVariable x = has(0, graph.placeHolder("x", type, -1, WIDTH));
    SDVariable h = has(0, graph.math().tanh(has(0, x.mmul(parameter(type, "w0", WIDTH, WIDTH)))));
    SDVariable mean = h.mean(true, 0);
    SDVariable centred = has(0, h.sub(mean));
    SDVariable scale = graph.math().reciprocal(graph.sizeAt(x, 0).castTo(type));
    SDVariable start = graph.constant("start", Nd4j.rand(type, 1, COLUMNS, WIDTH));
    SDVariable seed = has(0, graph.reshape(centred, -1, 1, WIDTH));
    SDVariable root = has(0, seed.mul("root", start));
    SDVariable s = has(0, root.mul(scale));
    List<String> names = new ArrayList<>();
    for (int layer = 1; layer <= 3; layer++) {
      SDVariable shape = graph.shape(s);
      SDVariable rows = folded(COLUMNS, graph.reshape(s, -1, WIDTH));
      SDVariable pulled = folded(COLUMNS, rows.mmul(parameter(type, "w" + layer, WIDTH, WIDTH)));
      SDVariable apart = has(0, graph.reshape(pulled, shape));
      SDVariable mask = has(0, graph.reshape(has(0, h.gt(0.0).castTo(type)), -1, 1, WIDTH));
      s = has(0, apart.mul(mask));
      SDVariable squares = has(0, s.mul(s));
      SDVariable total = sum(squares.sum(0, 1));
      names.add(total.rename("total" + layer).name());
      additive.add("total" + layer);
      names.add(graph.reshape(total, 3, 4).mul(2.0).name());
      SDVariable each = has(0, squares.sum(1));
      names.add(each.name());
      SDVariable columnsFirst = has(1, s.permute(1, 0, 2));
      names.add(columnsFirst.name());
      SDVariable product = has(0, graph.mmul(s, s, true, false, false));
      names.add(sum(product.sum(0)).name());
    }
    names.add(mean.name());
    if (mixed) {
      // What looks at all samples at once has to wait for them.
      SDVariable difference = s.sub(s.mean(true, 0));
      names.add(difference.mul(difference).sum(0, 1).name());
    }
    return names;
  }

  private ExecutionOptions options() {
    return ExecutionOptions.defaults()
        .withPortions(new ExecutionOptions.Portioning(List.of(Set.of("root")), axes, additive));
  }

  @ParameterizedTest
  @CsvSource({"DOUBLE, false", "DOUBLE, true", "FLOAT, false", "FLOAT, true"})
  void anyBudgetGivesTheSameNumbers(DataType type, boolean mixed) {
    List<String> names = columns(type, mixed);
    for (int samples : new int[] {1, 2, 7, 12}) {
      Map<String, INDArray> feeds = Map.of("x", Nd4j.rand(type, samples, WIDTH).subi(0.5));
      Map<String, INDArray> expected = ReferenceInterpreter.run(graph, feeds, names);
      Plan whole = Planner.plan(graph, feeds, names, options());
      assertThat(whole.steps()).noneMatch(step -> step instanceof Step.Repeat);
      Set<Long> sizes = new HashSet<>();
      for (long budget = 1; budget <= whole.arenaBytes(); budget += whole.arenaBytes() / 9) {
        Plan plan =
            Planner.plan(
                graph, feeds, names, options().withBudget(new ExecutionOptions.Budget(budget, 1)));
        loops(plan).forEach(loop -> sizes.add(loop.samples()));
        try (PlannedGraph planned =
            new PlannedGraph(graph, options().withBudget(new ExecutionOptions.Budget(budget, 1)))) {
          for (int round = 0; round < 3; round++) {
            assertSame(samples + " samples in " + budget, planned.output(feeds, names), expected);
          }
        }
      }
      assertThat(sizes).hasSizeGreaterThanOrEqualTo(samples < 7 ? 0 : mixed ? 1 : 2);
    }
  }

  @Test
  void lessMemoryIsNeeded() {
    columns(DataType.DOUBLE, false);
    List<String> names = List.of("total1", "total2", "total3");
    Map<String, INDArray> feeds = Map.of("x", Nd4j.rand(DataType.DOUBLE, 200, WIDTH));
    long whole = Planner.plan(graph, feeds, names, options()).arenaBytes();
    for (long budget : new long[] {whole / 2, whole / 4}) {
      Plan plan =
          Planner.plan(
              graph, feeds, names, options().withBudget(new ExecutionOptions.Budget(budget, 1)));
      assertThat(plan.arenaBytes()).isBetween(budget * 2 / 3, budget);
    }
  }

  /** Where one sample at a time is already too much, time counts more than a quarter of memory. */
  @Test
  void groupsAreAsLargeAsTakesAQuarterMoreThanOneSample() {
    columns(DataType.DOUBLE, false);
    List<String> names = List.of("total1", "total2", "total3");
    Map<String, INDArray> feeds = Map.of("x", Nd4j.rand(DataType.DOUBLE, 400, WIDTH));
    Plan single =
        Planner.plan(graph, feeds, names, options().withBudget(new ExecutionOptions.Budget(1, 1)));
    Plan stretched =
        Planner.plan(graph, feeds, names, options().withBudget(ExecutionOptions.Budget.of(1)));
    assertThat(loops(single)).allMatch(loop -> loop.samples() == 1);
    assertThat(loops(stretched)).allMatch(loop -> loop.samples() > 1);
    assertThat((double) stretched.arenaBytes() / single.arenaBytes()).isBetween(1.1, 1.25);
    try (PlannedGraph planned =
        new PlannedGraph(graph, options().withBudget(ExecutionOptions.Budget.of(1)))) {
      assertSame(
          "stretched", planned.output(feeds, names), ReferenceInterpreter.run(graph, feeds, names));
    }
  }

  private static List<Schedule.Loop> loops(Plan plan) {
    return plan.steps().stream()
        .filter(Step.Repeat.class::isInstance)
        .map(step -> ((Step.Repeat) step).loop())
        .toList();
  }

  @Test
  void budgetsOfNothingAreRefused() {
    assertThatThrownBy(() -> new ExecutionOptions.Budget(0, 1))
        .hasMessageContaining("not 0 and 1.0");
    assertThatThrownBy(() -> new ExecutionOptions.Budget(1, 0.9))
        .hasMessageContaining("not 1 and 0.9");
  }

  /** Hints that are wrong about a shape are not followed. */
  @Test
  void whatDoesNotFitIsDoneWithout() {
    List<String> names = columns(DataType.DOUBLE, true);
    Map<String, INDArray> feeds = Map.of("x", Nd4j.rand(DataType.DOUBLE, 6, WIDTH));
    Map<String, INDArray> expected = ReferenceInterpreter.run(graph, feeds, names);
    Random random = new Random(5);
    for (int trial = 0; trial < 20; trial++) {
      Map<String, ExecutionOptions.Axis> some = new HashMap<>(axes);
      some.keySet().removeIf(name -> random.nextInt(4) == 0);
      some.replaceAll(
          (name, axis) ->
              random.nextInt(5) == 0 ? new ExecutionOptions.Axis(axis.axis() + 1, 1, 1) : axis);
      ExecutionOptions options =
          ExecutionOptions.defaults()
              .withPortions(
                  new ExecutionOptions.Portioning(List.of(Set.of("root")), some, additive))
              .withBudget(new ExecutionOptions.Budget(1, 1));
      try (PlannedGraph planned = new PlannedGraph(graph, options)) {
        assertSame("trial " + trial, planned.output(feeds, names), expected);
      }
    }
  }

  @Test
  void randomGraphsInPortions() {
    int divided = 0;
    for (int seed = 0; seed < 40; seed++) {
      RandomGraph random = new RandomGraph(4000 + seed, DataType.DOUBLE, 5 + seed % 30);
      Map<String, INDArray> feeds = random.feeds(7, seed);
      Map<String, ExecutionOptions.Axis> known = random.axes();
      List<String> variables = new ArrayList<>(known.keySet());
      variables.removeAll(random.graph.inputs());
      if (variables.isEmpty()) {
        continue;
      }
      String root = variables.get(new Random(seed).nextInt(variables.size()));
      ExecutionOptions options =
          ExecutionOptions.defaults()
              .withPortions(new ExecutionOptions.Portioning(List.of(Set.of(root)), known, Set.of()))
              .withBudget(new ExecutionOptions.Budget(1, 1));
      Map<String, INDArray> expected = ReferenceInterpreter.run(random.graph, feeds, random.names);
      Plan plan = Planner.plan(random.graph, feeds, random.names, options);
      divided += plan.steps().stream().anyMatch(s -> s instanceof Step.Repeat) ? 1 : 0;
      try (PlannedGraph planned = new PlannedGraph(random.graph, options)) {
        for (int round = 0; round < 2; round++) {
          assertSame("seed " + seed, planned.output(feeds, random.names), expected);
        }
      }
    }
    assertThat(divided).isGreaterThan(5);
  }
}
