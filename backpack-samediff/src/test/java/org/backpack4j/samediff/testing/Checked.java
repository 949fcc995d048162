package org.backpack4j.samediff.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.Executions;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The test that every rule has to pass: a double precision graph is extended, every output is
 * evaluated in each way of running it, twice where something is kept, with feeds in every layout,
 * and the numbers are compared with brute force.
 */
public final class Checked {
  private Checked() {}

  /** Extends by all exact quantities of this module and checks them for all parameters. */
  public static Map<String, INDArray> check(SameDiff sd, Map<String, INDArray> feeds) {
    return check(sd, feeds, BackPack.on(sd), BruteForce.on(sd, feeds), all());
  }

  /** The extensions that {@link #check(SameDiff, Map)} asks for. */
  public static Extension[] all() {
    return new Extension[] {new BatchGrad(), new DiagGGNExact(), new BatchDiagGGNExact()};
  }

  /** Only first-order quantities, for losses and ops that have no others. */
  public static Map<String, INDArray> checkFirstOrder(SameDiff sd, Map<String, INDArray> feeds) {
    return check(sd, feeds, BackPack.on(sd), BruteForce.on(sd, feeds), new BatchGrad());
  }

  /** With choices of one's own on both sides. */
  public static Map<String, INDArray> check(
      SameDiff sd,
      Map<String, INDArray> feeds,
      BackPack.Builder builder,
      BruteForce brute,
      Extension... extensions) {
    try (ExtendedGraph graph = builder.extend(extensions)) {
      List<String> names = new ArrayList<>(graph.outputNames());
      names.addAll(sd.getLossVariables());
      Map<String, INDArray> reference = inEveryWay(graph, feeds, names);
      withParametersInF(
          sd,
          () -> {
            compare("planned, parameters in 'f'", reference, graph.output(feeds, names));
            for (boolean cache : new boolean[] {true, false}) {
              graph.sameDiff().setEnableCache(cache);
              for (int k = 1; k <= evaluations(cache); k++) {
                Map<String, INDArray> now =
                    graph.sameDiff().output(feeds, names.toArray(new String[0]));
                compare("SameDiff, parameters in 'f', evaluation " + k, reference, now);
              }
            }
          });
      inPortions(graph, feeds, names, reference);
      inGroupsOfColumns(builder, extensions, feeds, reference);
      brute.verify(reference).orThrow();
      return reference;
    }
  }

  /** One sample at a time. */
  public static final ExecutionOptions.Budget SINGLE = new ExecutionOptions.Budget(1, 1);

  /** One sample at a time, as far as that goes: the numbers must be the same. */
  private static void inPortions(
      ExtendedGraph graph,
      Map<String, INDArray> feeds,
      List<String> names,
      Map<String, INDArray> reference) {
    for (ExecutionOptions options : eachRoots(graph)) {
      try (PlannedGraph one = Executions.planned(graph, options.withBudget(SINGLE))) {
        compare("a sample at a time", reference, one.output(feeds, names));
      }
    }
  }

  /** One column at a time, and one sample: the numbers must be the same. */
  private static void inGroupsOfColumns(
      BackPack.Builder builder,
      Extension[] extensions,
      Map<String, INDArray> feeds,
      Map<String, INDArray> reference) {
    if (Arrays.stream(extensions).anyMatch(e -> e.columns().secondOrder())) {
      try (ExtendedGraph graph = builder.memoryBudget(1).extend(extensions);
          PlannedGraph one =
              Executions.planned(graph, Executions.options(graph).withBudget(SINGLE))) {
        compare("a column at a time", reference, one.output(feeds, reference.keySet()));
      }
    }
  }

  /** The options with each set of roots alone. */
  private static List<ExecutionOptions> eachRoots(ExtendedGraph graph) {
    ExecutionOptions.Portioning portions = Executions.options(graph).portions();
    return portions.roots().stream()
        .map(
            roots ->
                new ExecutionOptions.Portioning(
                    List.of(roots), portions.axes(), portions.additive()))
        .map(Executions.options(graph)::withPortions)
        .toList();
  }

  /** All exact quantities, unchecked. */
  public static Map<String, INDArray> results(SameDiff sd, Map<String, INDArray> feeds) {
    try (ExtendedGraph graph = BackPack.extend(sd, all())) {
      return graph.output(feeds, graph.outputNames());
    }
  }

  /**
   * Compares with brute force alone, at a few entries: for many configurations of what {@link
   * #check(SameDiff, Map)} has seen in every layout.
   */
  public static Map<String, INDArray> checkNumbers(
      SameDiff sd, Map<String, INDArray> feeds, Extension... extensions) {
    return checkNumbers(feeds, BackPack.on(sd), BruteForce.on(sd, feeds), extensions);
  }

  /** The same, with choices of one's own on both sides. */
  public static Map<String, INDArray> checkNumbers(
      Map<String, INDArray> feeds,
      BackPack.Builder builder,
      BruteForce brute,
      Extension... extensions) {
    try (ExtendedGraph graph = builder.extend(extensions)) {
      Map<String, INDArray> results = graph.output(feeds, graph.outputNames());
      inPortions(graph, feeds, graph.outputNames(), results);
      inGroupsOfColumns(builder, extensions, feeds, results);
      brute.verifier().entries(2).verify(results).orThrow();
      return results;
    }
  }

  /**
   * Evaluates outputs in each way of running and each layout, twice where SameDiff keeps arrays;
   * they must be the same.
   */
  public static Map<String, INDArray> inEveryWay(
      ExtendedGraph graph, Map<String, INDArray> feeds, List<String> names) {
    Map<String, INDArray> reference = copies(graph.output(feeds, names));
    compare("planned again", reference, graph.output(feeds, names));
    for (Map.Entry<String, UnaryOperator<INDArray>> layout : layouts().entrySet()) {
      Map<String, INDArray> laidOut = new LinkedHashMap<>();
      feeds.forEach((k, v) -> laidOut.put(k, layout.getValue().apply(v)));
      compare("planned, " + layout.getKey(), reference, graph.output(laidOut, names));
      for (boolean cache : new boolean[] {true, false}) {
        graph.sameDiff().setEnableCache(cache);
        for (int k = 1; k <= evaluations(cache); k++) {
          Map<String, INDArray> now =
              graph.sameDiff().output(laidOut, names.toArray(new String[0]));
          compare(
              "SameDiff, " + layout.getKey() + ", cache " + cache + ", evaluation " + k,
              reference,
              now);
        }
      }
    }
    return reference;
  }

  /** The cache is what a second evaluation finds something in; without it each is a first one. */
  private static int evaluations(boolean cache) {
    return cache ? 2 : 1;
  }

  /** Runs with the parameters' arrays exchanged for equal ones in 'f' order, as DL4J has them. */
  private static void withParametersInF(SameDiff sd, Runnable body) {
    Map<SDVariable, INDArray> before = new LinkedHashMap<>();
    for (SDVariable v : sd.variables()) {
      if (v.getVariableType() == VariableType.VARIABLE && v.getArr().rank() > 1) {
        before.put(v, v.getArr());
      }
    }
    before.forEach((v, array) -> v.setArray(array.dup('f')));
    try {
      body.run();
    } finally {
      before.forEach(SDVariable::setArray);
    }
  }

  private static Map<String, UnaryOperator<INDArray>> layouts() {
    Map<String, UnaryOperator<INDArray>> layouts = new LinkedHashMap<>();
    layouts.put("c", a -> a);
    layouts.put("f", a -> a.dup('f'));
    layouts.put("strided", Checked::strided);
    return layouts;
  }

  /** The same entries as every other one of a larger array. */
  private static INDArray strided(INDArray a) {
    if (a.rank() == 0) {
      return a;
    }
    long[] shape = a.shape().clone();
    shape[a.rank() - 1] *= 2;
    INDArray twice = Nd4j.zeros(a.dataType(), shape);
    org.nd4j.linalg.indexing.INDArrayIndex[] every =
        new org.nd4j.linalg.indexing.INDArrayIndex[a.rank()];
    Arrays.fill(every, org.nd4j.linalg.indexing.NDArrayIndex.all());
    every[a.rank() - 1] = org.nd4j.linalg.indexing.NDArrayIndex.interval(0, 2, shape[a.rank() - 1]);
    INDArray view = twice.get(every);
    if (!Arrays.equals(view.shape(), a.shape())) {
      return a;
    }
    view.assign(a);
    return view;
  }

  private static Map<String, INDArray> copies(Map<String, INDArray> arrays) {
    Map<String, INDArray> copies = new LinkedHashMap<>();
    arrays.forEach((k, v) -> copies.put(k, v.dup('c')));
    return copies;
  }

  /** Fails if an array differs by more than rounding. */
  public static void compare(
      String what, Map<String, INDArray> expected, Map<String, INDArray> actual) {
    expected.forEach(
        (name, array) -> {
          INDArray other = actual.get(name);
          assertThat(other.shape()).as(what + ": shape of " + name).isEqualTo(array.shape());
          double largest = Math.max(largest(array), subtracted(expected, name));
          double off = array.isEmpty() ? 0 : array.sub(other).amaxNumber().doubleValue();
          double tolerance = array.dataType() == DataType.DOUBLE ? 1e-12 : 1e-5;
          assertThat(off)
              .as(what + ": " + name)
              .isLessThanOrEqualTo(tolerance * Math.max(largest, 1e-300));
        });
  }

  private static double largest(INDArray array) {
    return array.isEmpty() ? 0 : array.amaxNumber().doubleValue();
  }

  /** A variance is a small difference of mean squares: rounding is relative to those. */
  private static double subtracted(Map<String, INDArray> expected, String name) {
    INDArray rows = expected.get(name.replace(".variance", ".grad_batch"));
    return name.endsWith(".variance") && rows != null ? Math.pow(largest(rows), 2) : 0;
  }
}
