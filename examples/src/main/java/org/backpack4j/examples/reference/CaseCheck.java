package org.backpack4j.examples.reference;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
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
    source.quantities().forEach((field, figures) -> outcomes.add(compare(built, field, figures)));
    return outcomes;
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

  private Outcome compare(CaseGraph built, String field, Map<String, Figure> figures) {
    Optional<Extension[]> extensions = Quantities.extensions(field);
    if (extensions.isEmpty()) {
      return notSupported(field, figures.size(), "the library does not have it");
    }
    try (ExtendedGraph extended = BackPack.extend(built.graph(), extensions.get())) {
      return judged(field, figures.size(), worst(extended, built.feeds(), field, figures));
    } catch (UnsupportedGraphException e) {
      return refused(field, figures.size(), e);
    } catch (RuntimeException e) {
      return failed(field, figures.size(), e);
    }
  }

  private static Difference worst(
      ExtendedGraph extended,
      Map<String, INDArray> feeds,
      String field,
      Map<String, Figure> figures) {
    String[] names =
        figures.entrySet().stream()
            .flatMap(entry -> names(entry.getKey(), field, entry.getValue()).stream())
            .toArray(String[]::new);
    Difference worst = Difference.NONE;
    for (int i = 0; i < EVALUATIONS; i++) {
      worst = worst.worse(difference(extended.output(feeds, names), field, figures));
    }
    for (int i = 0; i < EVALUATIONS; i++) {
      worst = worst.worse(difference(extended.sameDiff().output(feeds, names), field, figures));
    }
    return worst;
  }

  private static Difference difference(
      Map<String, INDArray> results, String field, Map<String, Figure> figures) {
    Difference worst = Difference.NONE;
    for (Map.Entry<String, Figure> entry : figures.entrySet()) {
      List<INDArray> arrays =
          names(entry.getKey(), field, entry.getValue()).stream()
              .map(name -> value(results, name))
              .toList();
      worst = worst.worse(entry.getValue().compare(arrays));
    }
    return worst;
  }

  /** A quantity of several arrays numbers them. */
  private static List<String> names(String parameter, String field, Figure figure) {
    String name = parameter + "." + field;
    return figure.arrays() == 1
        ? List.of(name)
        : IntStream.range(0, figure.arrays()).mapToObj(i -> name + "." + i).toList();
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

  private Outcome notSupported(String field, int parameters, String reason) {
    return new Outcome(source.name(), field, parameters, Double.NaN, Verdict.NOT_SUPPORTED, reason);
  }

  private Outcome failed(String field, int parameters, RuntimeException e) {
    return new Outcome(source.name(), field, parameters, Double.NaN, Verdict.FAILED, e.toString());
  }
}
