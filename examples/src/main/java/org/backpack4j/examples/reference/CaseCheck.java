package org.backpack4j.examples.reference;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.examples.reference.Outcome.Verdict;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.extension.Extension;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Compares a case's quantities with what the library computes: by its own execution and by
 * SameDiff's, twice each. What counts is the worst of them.
 */
public final class CaseCheck {

  private static final int EVALUATIONS = 2;

  private final ReferenceCase source;

  private CaseCheck(ReferenceCase source) {
    this.source = source;
  }

  /** Compares every quantity of a case; the output and the loss only count where they are off. */
  public static List<Outcome> of(ReferenceCase source) {
    return new CaseCheck(source).outcomes();
  }

  private List<Outcome> outcomes() {
    List<Outcome> outcomes = new ArrayList<>();
    CaseGraph built;
    try {
      built = CaseGraph.of(source);
      outcomes.addAll(forward(built));
    } catch (UnsupportedCaseException e) {
      source.quantities().forEach((field, f) -> outcomes.add(refused(field, f.size(), e)));
      return outcomes;
    } catch (RuntimeException e) {
      outcomes.add(failed("output", 0, e));
      return outcomes;
    }
    outcomes.addAll(quantities(built));
    return outcomes;
  }

  /** All of the parameters at once; where that is not possible, and all others, one by one. */
  private List<Outcome> quantities(CaseGraph built) {
    Map<String, Map<String, Figure>> known = new LinkedHashMap<>(source.quantities());
    known.keySet().removeIf(field -> Quantities.of(field).isEmpty());
    Map<String, Outcome> outcomes = new HashMap<>();
    Map<String, Map<String, Figure>> others = new LinkedHashMap<>(known);
    others.keySet().removeIf(field -> !isApart(way(field)));
    known.keySet().removeAll(others.keySet());
    try {
      compare(built, known).forEach(outcome -> outcomes.put(outcome.quantity(), outcome));
    } catch (RuntimeException e) {
      others.putAll(known);
    }
    others.forEach((field, figures) -> outcomes.put(field, alone(built, field, figures)));
    return source.quantities().entrySet().stream()
        .map(e -> outcomes.getOrDefault(e.getKey(), unknown(e.getKey(), e.getValue().size())))
        .toList();
  }

  private static Quantities.Way way(String field) {
    return Quantities.of(field).orElseThrow();
  }

  private static boolean isApart(Quantities.Way way) {
    return way.ofInputs() || way.ofOutput();
  }

  private Outcome alone(CaseGraph built, String field, Map<String, Figure> figures) {
    try {
      return compare(built, Map.of(field, figures)).get(0);
    } catch (UnsupportedGraphException e) {
      return refused(field, figures.size(), e);
    } catch (RuntimeException e) {
      return failed(field, figures.size(), e);
    }
  }

  private List<Outcome> forward(CaseGraph built) {
    Map<String, INDArray> results =
        built.graph().output(built.feeds(), built.output(), CaseGraph.LOSS);
    List<INDArray> output = List.of(value(results, built.output()));
    List<Outcome> outcomes = new ArrayList<>();
    outcomes.add(judged("output", 0, new WholeArrays(List.of(source.output())).compare(output)));
    Double loss = source.lossValue();
    if (loss != null) {
      double difference = Math.abs(value(results, CaseGraph.LOSS).getDouble(0) - loss);
      outcomes.add(judged(CaseGraph.LOSS, 0, Difference.of(difference, Math.abs(loss))));
    }
    outcomes.removeIf(outcome -> outcome.verdict() == Verdict.PASSED);
    return outcomes;
  }

  private List<Outcome> compare(CaseGraph built, Map<String, Map<String, Figure>> known) {
    Extension[] extensions =
        known.keySet().stream()
            .flatMap(field -> way(field).extensions().stream())
            .toArray(Extension[]::new);
    String[] names =
        known.entrySet().stream()
            .flatMap(field -> names(built, field.getKey(), field.getValue()))
            .toArray(String[]::new);
    Map<String, Difference> worst = new LinkedHashMap<>();
    BackPack.Builder builder = BackPack.on(built.graph());
    known.forEach(
        (field, figures) -> {
          if (way(field).ofInputs()) {
            builder.variables(figures.keySet().toArray(String[]::new));
          }
          if (way(field).ofOutput()) {
            builder.predictions(built.output());
          }
        });
    try (ExtendedGraph extended = builder.extend(extensions)) {
      Map<String, INDArray> feeds = new HashMap<>(built.feeds());
      source.vector().forEach((p, v) -> put(feeds, p + ".vector", v, extended));
      for (int i = 0; i < EVALUATIONS; i++) {
        add(built, worst, known, extended.output(feeds, names));
        add(built, worst, known, extended.sameDiff().output(feeds, names));
      }
    }
    return known.entrySet().stream()
        .map(
            e ->
                judged(
                    e.getKey(),
                    e.getValue().size(),
                    worst.getOrDefault(e.getKey(), Difference.NONE)))
        .toList();
  }

  private static void put(
      Map<String, INDArray> feeds, String name, INDArray array, ExtendedGraph extended) {
    if (extended.sameDiff().hasVariable(name)) {
      feeds.put(name, array);
    }
  }

  private static void add(
      CaseGraph built,
      Map<String, Difference> worst,
      Map<String, Map<String, Figure>> known,
      Map<String, INDArray> results) {
    known.forEach(
        (field, figures) ->
            figures.forEach(
                (parameter, figure) -> {
                  List<INDArray> arrays =
                      names(built, parameter, field, figure)
                          .map(name -> way(field).made().apply(value(results, name)))
                          .toList();
                  worst.merge(field, figure.compare(arrays), Difference::worse);
                }));
  }

  private static Stream<String> names(CaseGraph built, String field, Map<String, Figure> figures) {
    return figures.entrySet().stream().flatMap(e -> names(built, e.getKey(), field, e.getValue()));
  }

  private static Stream<String> names(
      CaseGraph built, String parameter, String field, Figure figure) {
    return way(field).outputs(parameter, figure.arrays(), built.output()).stream();
  }

  private static INDArray value(Map<String, INDArray> results, String name) {
    INDArray value = results.get(name);
    if (value == null) {
      throw new IllegalStateException("there is no output " + name);
    }
    return value;
  }

  private Outcome judged(String field, int parameters, Difference difference) {
    boolean passed = difference.within(source.tolerance());
    return new Outcome(
        source.name(),
        field,
        parameters,
        difference.relative(),
        passed ? Verdict.PASSED : Verdict.FAILED,
        passed ? "" : "more than " + source.tolerance());
  }

  private Outcome refused(String field, int parameters, RuntimeException e) {
    return notSupported(field, parameters, String.valueOf(e.getMessage()));
  }

  private Outcome unknown(String field, int parameters) {
    return notSupported(field, parameters, "the library does not have it");
  }

  private Outcome notSupported(String field, int parameters, String reason) {
    return new Outcome(source.name(), field, parameters, Double.NaN, Verdict.NOT_SUPPORTED, reason);
  }

  private Outcome failed(String field, int parameters, RuntimeException e) {
    return new Outcome(source.name(), field, parameters, Double.NaN, Verdict.FAILED, e.toString());
  }
}
