package org.backpack4j.samediff.internal.execution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.backpack4j.samediff.internal.execution.Numbers.assertSame;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.backpack4j.samediff.internal.execution.run.Memory;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class PlannedGraphTest {
  /** More of them: {@code -Dgraphs=1000}. */
  private static final int GRAPHS = Integer.getInteger("graphs", 20);

  @ParameterizedTest
  @EnumSource(names = {"DOUBLE", "FLOAT"})
  void givesTheNumbersOfThePlainWalk(DataType type) {
    for (int seed = 0; seed < GRAPHS; seed++) {
      RandomGraph random = new RandomGraph(seed, type, 3 + seed % 40);
      try (PlannedGraph planned = new PlannedGraph(random.graph, ExecutionOptions.defaults())) {
        for (int round = 0; round < 3; round++) {
          for (int samples : new int[] {3, 5}) {
            Map<String, INDArray> feeds = random.feeds(samples, seed + round);
            Map<String, INDArray> expected =
                ReferenceInterpreter.run(random.graph, feeds, random.names);
            Map<String, INDArray> actual = planned.output(feeds, random.names);
            assertSame("seed " + seed + " round " + round + " N " + samples, actual, expected);
          }
        }
      }
    }
  }

  /** Large feeds are read where they are, and large results computed where the caller gets them. */
  @Test
  void givesTheNumbersOfThePlainWalkOnLargeArrays() {
    for (int seed = 0; seed < 6; seed++) {
      RandomGraph random = new RandomGraph(3000 + seed, DataType.DOUBLE, 15);
      List<String> names = new ArrayList<>(random.names);
      names.addAll(random.graph.inputs());
      try (PlannedGraph planned = new PlannedGraph(random.graph, ExecutionOptions.defaults())) {
        for (int round = 0; round < 2; round++) {
          for (int samples : new int[] {200, 8000}) {
            Map<String, INDArray> feeds = random.feeds(samples, seed + round);
            Map<String, INDArray> expected = ReferenceInterpreter.run(random.graph, feeds, names);
            Map<String, INDArray> actual = planned.output(feeds, names);
            assertSame("seed " + seed + " round " + round + " N " + samples, actual, expected);
            Map<String, INDArray> into = new LinkedHashMap<>();
            actual.forEach((name, array) -> into.put(name, array.ulike().assign(7)));
            assertSame("into " + seed, planned.output(feeds, into), expected);
            if (round < 1) {
              // Their memory is used again; in the last round it is still the caller's.
              actual.values().forEach(INDArray::close);
            }
          }
        }
      }
    }
  }

  @Test
  void givesTheNumbersOfSameDiffWithoutItsCache() {
    for (int seed = 0; seed < 20; seed++) {
      RandomGraph random = new RandomGraph(1000 + seed, DataType.DOUBLE, 12);
      random.graph.setEnableCache(false);
      try (PlannedGraph planned = new PlannedGraph(random.graph, ExecutionOptions.defaults())) {
        for (int round = 0; round < 3; round++) {
          // M2.1 throws for expand_dims of an array in 'f' order.
          Map<String, INDArray> feeds = random.feeds(4, seed + round, false);
          Map<String, INDArray> expected = random.graph.output(feeds, random.names);
          assertSame("seed " + seed, planned.output(feeds, random.names), expected);
        }
      }
    }
  }

  @Test
  void givesTheSameNumbersWithoutPreparation() {
    for (int seed = 0; seed < 10; seed++) {
      RandomGraph random = new RandomGraph(2000 + seed, DataType.DOUBLE, 25);
      Map<String, INDArray> feeds = random.feeds(4, seed);
      try (PlannedGraph planned =
          new PlannedGraph(random.graph, ExecutionOptions.defaults().withPrepared(false))) {
        Map<String, INDArray> expected =
            ReferenceInterpreter.run(random.graph, feeds, random.names);
        for (int round = 0; round < 3; round++) {
          assertSame("seed " + seed, planned.output(feeds, random.names), expected);
        }
        assertThat(planned.bytes(feeds, random.names)).isZero();
      }
    }
  }

  @Test
  void manyThreadsGetTheirOwnNumbers() throws Exception {
    RandomGraph random = new RandomGraph(7, DataType.DOUBLE, 40);
    List<Map<String, INDArray>> feeds = new ArrayList<>();
    List<Map<String, INDArray>> expected = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      feeds.add(random.feeds(3 + i % 3, i));
      expected.add(ReferenceInterpreter.run(random.graph, feeds.get(i), random.names));
    }
    // One machine fewer than threads: they also have to wait for each other.
    ExecutionOptions options = ExecutionOptions.defaults().withThreads(3).withPlans(2);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try (PlannedGraph planned = new PlannedGraph(random.graph, options)) {
      List<Future<?>> done = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        int start = thread;
        done.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < 60; i++) {
                    int which = (start + i) % feeds.size();
                    Map<String, INDArray> actual = planned.output(feeds.get(which), random.names);
                    assertSame("feeds " + which, actual, expected.get(which));
                  }
                }));
      }
      for (Future<?> future : done) {
        future.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void seesWhatTrainingDoesToParameters() throws Exception {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable w = graph.var("w", Nd4j.rand(DataType.DOUBLE, 3, 2));
    SDVariable viewed = graph.reshape(graph.reshape(w, 6), 3, 2);
    graph.identity("y", x.mmul(viewed).add(w.sum()));
    Map<String, INDArray> feeds = Map.of("x", Nd4j.rand(DataType.DOUBLE, 5, 3));
    List<String> names = List.of("y", "w");
    try (PlannedGraph planned = new PlannedGraph(graph, ExecutionOptions.defaults())) {
      assertSame(
          "at first", planned.output(feeds, names), ReferenceInterpreter.run(graph, feeds, names));
      graph.getArrForVarName("w").addi(1.0);
      assertSame(
          "updated", planned.output(feeds, names), ReferenceInterpreter.run(graph, feeds, names));
      graph.setArrayForVariable("w", Nd4j.rand(DataType.DOUBLE, 3, 2));
      assertSame(
          "replaced", planned.output(feeds, names), ReferenceInterpreter.run(graph, feeds, names));
      graph.setArrayForVariable("w", Nd4j.rand(DataType.DOUBLE, 3, 2).dup('f'));
      assertSame(
          "another layout",
          planned.output(feeds, names),
          ReferenceInterpreter.run(graph, feeds, names));
      graph.getArrForVarName("w").addi(1.0);
      assertSame(
          "updated again",
          planned.output(feeds, names),
          ReferenceInterpreter.run(graph, feeds, names));
    }
  }

  @Test
  void resultsBelongToTheCaller() {
    RandomGraph random = new RandomGraph(11, DataType.DOUBLE, 20);
    List<String> names = new ArrayList<>(random.names);
    names.addAll(random.graph.inputs());
    random.graph.variables().stream()
        .filter(v -> v.name().startsWith("p"))
        .forEach(v -> names.add(v.name()));
    Map<String, INDArray> feeds = random.feeds(3, 1);
    Map<String, INDArray> expected = ReferenceInterpreter.run(random.graph, feeds, names);
    try (PlannedGraph planned = new PlannedGraph(random.graph, ExecutionOptions.defaults())) {
      Map<String, INDArray> first = planned.output(feeds, names);
      planned.output(random.feeds(3, 2), names);
      assertSame("after another evaluation", first, expected);
      first.values().forEach(array -> array.assign(99));
      assertSame("after writing to results", planned.output(feeds, names), expected);
    }
  }

  @Test
  void writesIntoTheCallersArrays() {
    RandomGraph random = new RandomGraph(12, DataType.DOUBLE, 20);
    Map<String, INDArray> feeds = random.feeds(3, 1);
    Map<String, INDArray> expected = ReferenceInterpreter.run(random.graph, feeds, random.names);
    Map<String, INDArray> into = new LinkedHashMap<>();
    expected.forEach((name, array) -> into.put(name, array.ulike().assign(7).dup('f')));
    try (PlannedGraph planned = new PlannedGraph(random.graph, ExecutionOptions.defaults())) {
      Map<String, INDArray> results = planned.output(feeds, into);
      results.forEach((name, array) -> assertThat(array).isSameAs(into.get(name)));
      assertSame("into", results, expected);
      String name = random.names.get(0);
      assertThatThrownBy(
              () -> planned.output(feeds, Map.of(name, Nd4j.create(DataType.DOUBLE, 1, 17))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(name)
          .hasMessageContaining("[1, 17]");
    }
  }

  @Test
  void namesWhatIsWrongWithFeedsAndNames() {
    RandomGraph random = new RandomGraph(13, DataType.DOUBLE, 20);
    Map<String, INDArray> feeds = random.feeds(3, 1);
    try (PlannedGraph planned = new PlannedGraph(random.graph, ExecutionOptions.defaults())) {
      assertThatThrownBy(() -> planned.output(Map.of(), random.names))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("not fed");
      assertThatThrownBy(() -> planned.output(feeds, List.of("nowhere")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("nowhere");
      Map<String, INDArray> wrong = Map.of("nowhere", Nd4j.scalar(1.0));
      assertThatThrownBy(() -> planned.output(wrong, random.names))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("nowhere");
    }
  }

  @Test
  void anOpThatFailsLeavesTheNextEvaluationRight() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable shape = graph.placeHolder("shape", DataType.INT64, -1);
    graph.identity("y", graph.reshape(graph.math().tanh(x), shape));
    INDArray values = Nd4j.rand(DataType.DOUBLE, 2, 3);
    try (PlannedGraph planned =
        new PlannedGraph(graph, ExecutionOptions.defaults().withThreads(1))) {
      for (int round = 0; round < 3; round++) {
        Map<String, INDArray> tooLarge =
            Map.of("x", values, "shape", Nd4j.createFromArray(new long[] {4, 3}));
        assertThatThrownBy(() -> planned.output(tooLarge, List.of("y")))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("reshape");
        Map<String, INDArray> feeds =
            Map.of("x", values, "shape", Nd4j.createFromArray(new long[] {3, 2}));
        assertSame(
            "round " + round,
            planned.output(feeds, List.of("y")),
            ReferenceInterpreter.run(graph, feeds, List.of("y")));
      }
    }
  }

  @Test
  void valuesShareMemory() {
    SameDiff graph = SameDiff.create();
    SDVariable h = graph.placeHolder("x", DataType.FLOAT, -1, 256);
    for (int i = 0; i < 50; i++) {
      h = graph.math().tanh(h.mmul(graph.var("w" + i, Nd4j.rand(DataType.FLOAT, 256, 256))));
    }
    long one = 1000L * 256 * Float.BYTES;
    Map<String, INDArray> feeds = Map.of("x", Nd4j.rand(DataType.FLOAT, 1000, 256));
    try (PlannedGraph planned = new PlannedGraph(graph, ExecutionOptions.defaults())) {
      // A matrix product needs its input and its output; tanh works in place.
      assertThat(planned.bytes(feeds, List.of(h.name()))).isEqualTo(2 * one);
    }
  }

  @Test
  void closingFreesMemory() throws InterruptedException {
    RandomGraph random = new RandomGraph(14, DataType.FLOAT, 30);
    Map<String, INDArray> feeds = random.feeds(500, 1);
    long before = allocatedWhenSettled();
    PlannedGraph planned = new PlannedGraph(random.graph, ExecutionOptions.defaults().withPlans(1));
    planned.output(feeds, random.names).values().forEach(INDArray::close);
    long held = Memory.allocated() - before;
    assertThat(held).isGreaterThan(planned.bytes(feeds, random.names));
    // The plan for another number of samples takes the place of this one.
    Map<String, INDArray> small = planned.output(random.feeds(3, 1), random.names);
    assertThat(held - (Memory.allocated() - before))
        .isGreaterThan(planned.bytes(feeds, random.names) * 9 / 10);
    small.values().forEach(INDArray::close);
    planned.close();
    assertThat(Memory.allocated()).isEqualTo(before);
    assertThatThrownBy(() -> planned.output(feeds, random.names))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  /** What earlier tests have dropped may still be on its way back. */
  private static long allocatedWhenSettled() throws InterruptedException {
    long last = -1;
    for (int same = 0; same < 5; ) {
      System.gc();
      Thread.sleep(20);
      same = Memory.allocated() == last ? same + 1 : 0;
      last = Memory.allocated();
    }
    return last;
  }

  @Test
  void answersAreInTheOrderOfTheNames() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 200);
    // One is computed where the caller gets it, the others are copied.
    SDVariable w = graph.var("w", Nd4j.rand(DataType.FLOAT, 200, 200));
    x.mmul("large", w).sum("small", 0).add("last", 1);
    Map<String, INDArray> feeds = Map.of("x", Nd4j.rand(DataType.FLOAT, 1000, 200));
    try (PlannedGraph planned = new PlannedGraph(graph, ExecutionOptions.defaults())) {
      for (List<String> names :
          List.of(List.of("small", "large", "last"), List.of("last", "small", "large"))) {
        assertThat(planned.output(feeds, names).keySet()).containsExactlyElementsOf(names);
      }
    }
  }

  @Test
  void aThousandEvaluationsDoNotGrowTheProcess() throws IOException, InterruptedException {
    assumeThat(Files.exists(Path.of("/proc/self/status"))).isTrue();
    SameDiff graph = SameDiff.create();
    SDVariable h = graph.placeHolder("x", DataType.FLOAT, -1, 256);
    h = h.add(1.0);
    Map<String, INDArray> feeds = Map.of("x", Nd4j.rand(DataType.FLOAT, 1000, 256));
    try (PlannedGraph planned = new PlannedGraph(graph, ExecutionOptions.defaults())) {
      long early = 0;
      long held = 0;
      for (int i = 0; i < 1000; i++) {
        planned.output(feeds, List.of(h.name()));
        if (i == 400) {
          held = allocatedWhenSettled();
          early = residentMegabytes();
        }
      }
      // The results of the other 600 take as many megabytes; 256 may wait for the collector, and
      // the
      // process keeps what it has once had.
      assertThat(allocatedWhenSettled() - held).isLessThan(10 * (1L << 20));
      assertThat(residentMegabytes() - early).isLessThan(500);
    }
  }

  private static long residentMegabytes() throws IOException {
    String line =
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(l -> l.startsWith("VmRSS"))
            .findFirst()
            .orElseThrow();
    return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024;
  }
}
