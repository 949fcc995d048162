package org.backpack4j.samediff.internal.dataset;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.backpack4j.samediff.Progress;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.backpack4j.samediff.dataset.DataSetResults;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Goes over a data set twice, and finds out why the passes differ. */
public final class TwoPasses {
  private final BatchGraphs graphs;
  private @Nullable GraphBatch first;

  private TwoPasses(BatchGraphs graphs) {
    this.graphs = graphs;
  }

  private record Pass(Samples samples, String parameters, DataSetResults results) {}

  /** What makes passes differ; nothing if they do not. */
  public static List<String> causes(BatchGraphs graphs, Supplier<Batches> data) {
    TwoPasses passes = new TwoPasses(graphs);
    try {
      return passes.compare(passes.pass(data.get()), passes.pass(data.get()));
    } catch (UnsupportedGraphException e) {
      return Refusal.lines(e.refusals()).stream()
          .map(line -> "Results depend on how the data are cut into batches: " + line)
          .toList();
    }
  }

  private Pass pass(Batches batches) {
    String parameters = parameters();
    Samples samples = new Samples();
    Gathering gathering = new Gathering(null, -1, name -> name.endsWith("." + Quantity.GRADIENT));
    try {
      while (batches.hasNext()) {
        Progress.check("compare two passes over a data set, batch " + samples.batches());
        GraphBatch batch = batches.next().graph(graphs);
        samples.add(batch.feeds(), batch.graph().sampleAxes());
        gathering.add(batch);
        if (first == null) {
          Map<String, INDArray> kept = new LinkedHashMap<>();
          batch.feeds().forEach((name, array) -> kept.put(name, array.dup()));
          first = new GraphBatch(batch.graph(), kept);
        }
      }
      return new Pass(samples, parameters, gathering.results(List.of()));
    } finally {
      gathering.close();
    }
  }

  private String parameters() {
    return graphs.identity().getOrDefault("parameters", "");
  }

  private List<String> compare(Pass one, Pass two) {
    List<String> causes = new ArrayList<>();
    if (one.samples().count() != two.samples().count()) {
      causes.add(
          "The iterator gives other numbers of samples: %d in the first pass, %d in the second."
              .formatted(one.samples().count(), two.samples().count()));
    } else if (!one.samples().sameInAnyOrder(two.samples())) {
      causes.add(otherSamples(one.samples().alike(two.samples())));
    } else if (!one.samples().sameInOrder(two.samples())) {
      causes.add(
          "The iterator shuffles: the second pass has the same samples as the first, in another"
              + " order. Give it a fixed order, or a seed that is set at each reset.");
    } else if (!one.samples().sameCuts(two.samples())) {
      causes.add("The iterator cuts the same samples, in the same order, into other batches.");
    }
    if (!one.parameters().equals(two.parameters())) {
      causes.add("Parameters have changed between the passes: something trains meanwhile.");
    }
    if (causes.isEmpty()) {
      graphAlone(one, two, causes);
    }
    return causes;
  }

  private static String otherSamples(Map<String, Boolean> alike) {
    List<String> same = names(alike, true);
    List<String> other = names(alike, false);
    return other.isEmpty()
        ? "The iterator pairs its arrays anew: each of "
            + same
            + " has the same parts in both passes, but they do not belong together."
        : same.isEmpty()
            ? "The iterator gives other samples in the second pass: it draws from a larger set, or"
                + " changes all of "
                + other
                + "."
            : "The iterator augments: what "
                + other
                + " is fed differs between the passes, while "
                + same
                + " has the same entries. Switch augmentation off while curvature is asked for.";
  }

  private static List<String> names(Map<String, Boolean> alike, boolean value) {
    return new TreeMap<>(alike)
        .entrySet().stream().filter(e -> e.getValue() == value).map(Map.Entry::getKey).toList();
  }

  /** The samples are the same: are the results? */
  private void graphAlone(Pass one, Pass two, List<String> causes) {
    if (!one.results().loss().equals(two.results().loss())
        || !same(one.results().quantities().outputs(), two.results().quantities().outputs())) {
      GraphBatch batch = first;
      boolean again =
          batch != null
              && same(
                  batch.graph().evaluate(batch.feeds()).outputs(),
                  batch.graph().evaluate(batch.feeds()).outputs());
      causes.add(
          again
              ? "The same samples give another loss or gradient in the second pass, though a batch"
                  + " that is evaluated twice does not: something else has changed meanwhile."
              : "The graph answers otherwise each time that it evaluates the same batch: it draws"
                  + " random numbers, or something trains meanwhile.");
    }
  }

  private static boolean same(Map<String, INDArray> one, Map<String, INDArray> two) {
    return new Contents().add(one).value() == new Contents().add(two).value();
  }
}
