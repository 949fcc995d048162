package org.backpack4j.dl4j.internal.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.dl4j.internal.convert.Untrained;
import org.backpack4j.dl4j.internal.listen.ListenerSettings;
import org.backpack4j.dl4j.internal.listen.Remedies;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.extension.Extension;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a network's listeners want of one iteration's pass. */
final class Wishes {
  /**
   * A listener and what it wants.
   *
   * @param listener the listener
   * @param settings what it wants
   */
  record Wish(QuantityListener listener, ListenerSettings settings) {}

  private final List<Wish> all;

  /** Those that one graph serves. */
  private final List<Wish> together = new ArrayList<>();

  private Wishes(Model net, List<Wish> all) {
    this.all = all;
    List<Wish> order = new ArrayList<>(all);
    order.sort(Comparator.comparing(wish -> !wish.listener().needsThePass())); // stable
    for (Wish wish : order) {
      if (canShare(net, wish.settings()) && fits(wish.settings())) {
        together.add(wish);
      }
    }
  }

  /** Asks all listeners. */
  static Wishes of(Model net, int iteration) {
    List<Wish> wishes = new ArrayList<>();
    for (TrainingListener listener : NetworkFields.listeners(net)) {
      QuantityListener.of(listener)
          .ifPresent(
              quantities -> {
                ListenerSettings settings = quantities.wanted(net, iteration);
                if (settings != null) {
                  wishes.add(new Wish(quantities, settings));
                }
              });
    }
    return new Wishes(net, wishes);
  }

  /** Whether a listener's quantities are of the graph that trains. */
  private static boolean canShare(Model net, ListenerSettings settings) {
    boolean evaluates =
        settings.runningStatistics()
            && InputShapes.has(net, BatchNormalization.class)
            && Arrays.stream(settings.extensions()).anyMatch(e -> e.columns().secondOrder());
    return !evaluates
        && settings.verified() == 0
        && settings.converters().equals(NetworkConverter.converters());
  }

  /** Whether a graph that serves those before can serve this one. */
  private boolean fits(ListenerSettings settings) {
    for (Wish before : together) {
      ListenerSettings other = before.settings();
      if (other.scale() != settings.scale() || other.lenient() != settings.lenient()) {
        return false;
      }
      for (Extension mine : settings.extensions()) {
        for (Extension theirs : other.extensions()) {
          if (mine.field().equals(theirs.field()) && !mine.equals(theirs)) {
            return false;
          }
        }
      }
    }
    return true;
  }

  boolean isEmpty() {
    return all.isEmpty();
  }

  /** Whether any listener's quantities come with the pass. */
  boolean isServing() {
    return !together.isEmpty();
  }

  /** Gives up to serve them by one graph. */
  void separate() {
    together.clear();
  }

  /** All wishes, in the order of the listeners. */
  List<Wish> all() {
    return all;
  }

  boolean isServed(Wish wish) {
    return together.contains(wish);
  }

  /** The graph that serves those that one graph can serve. */
  TrainingGraphs.Key key(BatchShape shape) {
    if (together.isEmpty()) {
      return TrainingGraphs.Key.plain(shape);
    }
    Set<Extension> extensions = new LinkedHashSet<>();
    together.forEach(w -> extensions.addAll(Arrays.asList(w.settings().extensions())));
    ListenerSettings settings = together.get(0).settings();
    return new TrainingGraphs.Key(
        shape, settings.scale(), settings.lenient(), List.copyOf(extensions));
  }

  Scale scale() {
    return together.isEmpty() ? Scale.SUM : together.get(0).settings().scale();
  }

  /** Leaves those to themselves that name parameters which there are not. */
  void check(ConvertedGraph network) {
    together.removeIf(w -> !network.parameters().containsAll(w.settings().named()));
  }

  /** What extensions read beside the batch. */
  Map<String, INDArray> fed(Model net, int iteration) {
    Map<String, INDArray> fed = new LinkedHashMap<>();
    together.forEach(w -> fed.putAll(w.listener().fed(net, iteration)));
    return fed;
  }

  /** The names of what is wanted of a graph. */
  Set<String> names(ExtendedGraph graph) {
    Set<String> names = new LinkedHashSet<>();
    together.forEach(w -> names.addAll(names(w, graph)));
    return names;
  }

  private static List<String> names(Wish wish, ExtendedGraph graph) {
    ListenerSettings settings = wish.settings();
    List<String> parameters = graph.parameters();
    List<String> names = new ArrayList<>();
    for (String owner : graph.owners()) {
      if (parameters.contains(owner) && !settings.parameters().test(owner)) {
        continue;
      }
      graph
          .outputsOf(owner)
          .forEach(
              (field, name) -> {
                if (isOf(field, settings.extensions())) {
                  names.add(name);
                }
              });
    }
    return names;
  }

  private static boolean isOf(String field, Extension[] extensions) {
    return field.equals("grad")
        || field.equals("grad_penalty")
        || Arrays.stream(extensions)
            .anyMatch(e -> field.equals(e.field()) || field.startsWith(e.field() + "."));
  }

  /**
   * A listener's step.
   *
   * @param wish what the listener wanted
   * @param results all that the graph has computed, which are arrays of their own
   */
  TrainingStep step(
      Model net,
      Wish wish,
      TrainingGraphs.Made made,
      Map<String, INDArray> results,
      int iteration,
      int epoch) {
    ListenerSettings settings = wish.settings();
    Map<String, INDArray> outputs = new LinkedHashMap<>();
    Map<String, List<Integer>> axes = new LinkedHashMap<>();
    boolean first = together.get(0).equals(wish);
    for (String name : names(wish, made.graph())) {
      INDArray array = results.get(name);
      if (array != null) {
        outputs.put(name, first ? array : array.dup()); // each may close its own
        made.graph().outputAxes(name).ifPresent(a -> axes.put(name, a));
      }
    }
    ConvertedGraph network = made.network();
    Map<String, String> missing = new LinkedHashMap<>(Untrained.of(net, network.parameters()));
    network.parameters().stream()
        .filter(p -> !settings.parameters().test(p))
        .forEach(p -> missing.put(p, Untrained.notChosen(p)));
    List<String> notes = new ArrayList<>();
    if (Arrays.stream(settings.extensions()).anyMatch(e -> e.columns().secondOrder())) {
      notes.addAll(network.notes());
    }
    notes.addAll(Refusal.lines(Remedies.of(net, made.graph().refusals())));
    QuantityResults quantities =
        new QuantityResults(outputs, Arrays.asList(settings.extensions()), missing, axes);
    return new TrainingStep(iteration, epoch, quantities, notes);
  }
}
