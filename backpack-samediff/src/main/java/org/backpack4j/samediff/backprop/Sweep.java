package org.backpack4j.samediff.backprop;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.backpack4j.samediff.contribution.Contribution;
import org.backpack4j.samediff.contribution.Contributions;
import org.backpack4j.samediff.contribution.Given;
import org.backpack4j.samediff.contribution.View;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Node;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * One way back through the graph. Signals that start at losses or predictions pass every node's
 * rule; where branches meet, signals of one source are added and others stand beside each other. At
 * variables without a sample axis they wait as contributions, uncomputed until something needs
 * them.
 */
public final class Sweep {
  private final Annotations graph;
  private final Function<Node, Rule> rules;
  private final BiPredicate<Node, Integer> carries;
  private final Predicate<String> wantsRows;
  private final Predicate<String> wantsSums;
  private final Map<String, Map<String, Signal>> signals = new HashMap<>();
  private final Map<String, Map<String, List<Contribution>>> contributions = new HashMap<>();
  private final Map<List<Contribution>, Contribution> joined = new IdentityHashMap<>();

  /** The inputs to which something was passed, and those to which samples came apart. */
  private final Set<String> passed = new HashSet<>();

  private final Set<String> passedApart = new HashSet<>();

  /**
   * A sweep.
   *
   * @param graph the graph
   * @param rules the rule of each node
   * @param carries whether a signal has to travel to an input of a node
   * @param wantsRows whether samples must be kept apart at a variable without a sample axis
   * @param wantsSums whether the sum over samples is asked for at a variable without a sample axis
   */
  public Sweep(
      Annotations graph,
      Function<Node, Rule> rules,
      BiPredicate<Node, Integer> carries,
      Predicate<String> wantsRows,
      Predicate<String> wantsSums) {
    this.graph = graph;
    this.rules = rules;
    this.carries = carries;
    this.wantsRows = wantsRows;
    this.wantsSums = wantsSums;
  }

  /**
   * Starts a signal.
   *
   * @param variable where
   * @param signal the signal
   */
  public void seed(String variable, Signal signal) {
    Placement place = graph.placement(variable);
    if (place.kind() == Placement.Kind.SHARED) {
      contribute(
          variable, signal.source(), new Given(graph.emit(), signal.value(), signal.signs()));
    } else {
      arrive(variable, signal);
    }
  }

  /**
   * Passes every node, the last first; one whose results have no samples, which leads to parameters
   * only, as soon as all that read it have been passed.
   *
   * @param complete is told of each variable that no node computes, a parameter among them, as soon
   *     as nothing more will arrive there: what is made of it then needs the signals no longer than
   *     it must
   */
  public void run(Consumer<String> complete) {
    Map<String, Integer> readers = new HashMap<>();
    List<Node> nodes = graph.nodes();
    nodes.forEach(n -> Set.copyOf(n.inputs()).forEach(v -> readers.merge(v, 1, Integer::sum)));
    Set<Node> passed = new HashSet<>();
    for (int k = nodes.size() - 1; k >= 0; k--) {
      Deque<Node> ready = new ArrayDeque<>(List.of(nodes.get(k)));
      while (!ready.isEmpty()) {
        Node node = ready.pop();
        if (!passed.add(node)) {
          continue;
        }
        graph
            .emit()
            .in(
                node.label(),
                () -> {
                  pass(node);
                  return node;
                });
        for (String input : new LinkedHashSet<>(node.inputs())) {
          if (readers.merge(input, -1, Integer::sum) == 0) {
            Node producer = graph.producer(input);
            if (producer == null) {
              complete.accept(input);
            } else if (isRead(producer, readers)) {
              ready.push(producer);
            }
          }
        }
      }
    }
  }

  /** Whether a node has no samples in its results, and all that read them have been passed. */
  private boolean isRead(Node node, Map<String, Integer> readers) {
    return node.outputs().stream()
        .allMatch(
            o ->
                graph.placement(o).kind() == Placement.Kind.SHARED
                    && readers.getOrDefault(o, 0) == 0);
  }

  /**
   * The signals at a variable with a sample axis, or computed from samples.
   *
   * @param variable the variable's name
   * @return the signals, by source
   */
  public Map<String, Signal> at(String variable) {
    return signals.getOrDefault(variable, Map.of());
  }

  /**
   * What arrived at a variable without a sample axis.
   *
   * @param variable the variable's name
   * @return the contributions that keep samples apart, each source's added up
   */
  public List<Contribution> rowsAt(String variable) {
    return contributionsAt(variable, true);
  }

  /**
   * What arrived at a variable without a sample axis as a sum over samples, or never had samples.
   *
   * @param variable the variable's name
   * @return the contributions [1, V, P…], each source's added up
   */
  public List<Contribution> sumsAt(String variable) {
    return contributionsAt(variable, false);
  }

  private List<Contribution> contributionsAt(String variable, boolean rows) {
    String suffix = rows ? ROWS : SUMS;
    return contributions.getOrDefault(variable, Map.of()).entrySet().stream()
        .filter(e -> e.getKey().endsWith(suffix))
        .map(e -> joined.computeIfAbsent(e.getValue(), Contributions::sum))
        .toList();
  }

  private static final String ROWS = "/rows";
  private static final String SUMS = "/sums";

  private void pass(Node node) {
    Rule rule = null;
    Site site =
        new Site(
            graph,
            node,
            k -> carries.test(node, k),
            k -> carries.test(node, k) && onlySum(node.inputs().get(k)));
    if (passTogether(site)) {
      return;
    }
    for (int output = 0; output < node.outputs().size(); output++) {
      String variable = node.outputs().get(output);
      boolean shared = graph.placement(variable).kind() == Placement.Kind.SHARED;
      boolean waiting =
          shared ? contributions.containsKey(variable) : signals.containsKey(variable);
      if (!waiting) {
        continue;
      }
      rule = rule == null ? rules.apply(node) : rule;
      Map<Integer, View> views = shared ? views(site, rule, output) : Map.of();
      if (!views.isEmpty()) {
        views.forEach((input, view) -> passView(node, input, variable, view));
        continue;
      }
      for (Signal signal : shared ? computed(variable) : List.copyOf(at(variable).values())) {
        passSignal(site, rule, output, signal);
      }
    }
  }

  /**
   * Passes signals at several outputs in one step, if all of them have samples and the rule can.
   */
  private boolean passTogether(Site site) {
    List<String> outputs = site.node().outputs();
    if (outputs.size() < 2
        || outputs.stream().noneMatch(signals::containsKey)
        || !outputs.stream().allMatch(o -> hasSamples(o))
        || !rules.apply(site.node()).pullsTogether(site)) {
      return false;
    }
    Map<String, Signal> sources = new LinkedHashMap<>();
    outputs.forEach(o -> at(o).forEach(sources::putIfAbsent));
    sources.forEach(
        (source, signal) -> {
          SortedMap<Integer, Tensor> values = new TreeMap<>();
          for (int k = 0; k < outputs.size(); k++) {
            Signal here = at(outputs.get(k)).get(source);
            if (here != null) {
              values.put(k, here.value());
            }
          }
          Rule rule = rules.apply(site.node());
          for (int input = 0; input < site.inputs(); input++) {
            if (carries.test(site.node(), input)) {
              String variable = site.node().inputs().get(input);
              arrive(variable, signal.with(rule.pullTogether(site, input, values)));
            }
          }
        });
    return true;
  }

  private boolean hasSamples(String variable) {
    return graph.placement(variable).kind() == Placement.Kind.SAMPLES;
  }

  /** How to undo what a node does to the inputs that a signal travels to; none unless to all. */
  private Map<Integer, View> views(Site site, Rule rule, int output) {
    Map<Integer, View> views = new LinkedHashMap<>();
    for (int input = 0; input < site.inputs(); input++) {
      if (carries.test(site.node(), input)) {
        View view = rule.view(site, input, output);
        if (view == null) {
          return Map.of();
        }
        views.put(input, view);
      }
    }
    return views;
  }

  private boolean onlySum(String variable) {
    return wantsSums.test(variable) && !wantsRows.test(variable);
  }

  private void passView(Node node, int input, String variable, View view) {
    contributions
        .getOrDefault(variable, Map.of())
        .forEach(
            (source, parts) -> {
              note(node, input, source.endsWith(ROWS));
              for (Contribution part : parts) {
                put(node.inputs().get(input), source, part.through(view));
              }
            });
  }

  private void note(Node node, int input, boolean apart) {
    passed.add(use(node, input));
    if (apart) {
      passedApart.add(use(node, input));
    }
  }

  private static String use(Node node, int input) {
    return input + " of " + node.name();
  }

  /**
   * Whether something was passed on to an input that is the same for all samples.
   *
   * @param node a node
   * @param input which of its inputs
   * @return true if a signal or a contribution was
   */
  public boolean passed(Node node, int input) {
    return passed.contains(use(node, input));
  }

  /**
   * Whether something was passed on to an input that is the same for all samples, each sample's
   * part by itself.
   *
   * @param node a node
   * @param input which of its inputs
   * @return true if contributions were that keep samples apart
   */
  public boolean passedApart(Node node, int input) {
    return passedApart.contains(use(node, input));
  }

  /** What waits at a variable without a sample axis, as signals. */
  private List<Signal> computed(String variable) {
    List<Signal> computed = new ArrayList<>();
    boolean rows = wantsRows.test(variable);
    contributions
        .getOrDefault(variable, Map.of())
        .forEach(
            (key, parts) -> {
              Contribution whole = Contributions.sum(parts);
              String source = key.substring(0, key.lastIndexOf('/'));
              Tensor value = rows && key.endsWith(ROWS) ? whole.perSample() : lift(whole.sum());
              computed.add(new Signal(source, value, whole.signs()));
            });
    return computed;
  }

  private Tensor lift(Tensor sum) {
    return graph.emit().reshape(sum, Dims.of(Dim.ONE).plus(sum.dims()));
  }

  private void passSignal(Site site, Rule rule, int output, Signal signal) {
    Node node = site.node();
    for (int input = 0; input < node.inputs().size(); input++) {
      if (!carries.test(node, input)) {
        continue;
      }
      String variable = node.inputs().get(input);
      switch (graph.placement(variable).kind()) {
        case SAMPLES ->
            arrive(variable, signal.with(rule.pull(site, input, output, signal.value())));
        case REDUCED -> {
          Tensor rows = rule.pull(site, input, output, signal.value());
          arrive(variable, signal.with(lift(graph.emit().sumOverSamples(rows))));
        }
        case SHARED -> {
          Contribution contribution = rule.contribution(site, input, output, signal);
          note(node, input, rowsOf(contribution));
          contribute(variable, signal.source(), contribution);
        }
      }
    }
  }

  private void arrive(String variable, Signal arriving) {
    boolean samples = graph.placement(variable).hasSamples();
    Tensor value = arriving.value();
    // columns that are the same for every sample
    Signal signal =
        samples
            ? arriving.with(graph.emit().broadcast(value, value.dims().with(0, Dim.N)))
            : arriving;
    signals
        .computeIfAbsent(variable, key -> new LinkedHashMap<>())
        .merge(signal.source(), signal, (a, b) -> a.with(add(a.value(), b.value())));
  }

  private Tensor add(Tensor a, Tensor b) {
    Emitter emit = graph.emit();
    return emit.add(a, b);
  }

  private void contribute(String variable, String source, Contribution contribution) {
    boolean rows = rowsOf(contribution);
    put(variable, source + (rows ? ROWS : SUMS), contribution);
  }

  private static boolean rowsOf(Contribution contribution) {
    return contribution.samples().samples();
  }

  private void put(String variable, String key, Contribution contribution) {
    contributions
        .computeIfAbsent(variable, k -> new LinkedHashMap<>())
        .computeIfAbsent(key, k -> new ArrayList<>())
        .add(contribution);
  }

  /**
   * What arrived at a variable, whatever it is.
   *
   * @param variable the variable's name
   * @return true if something did
   */
  public boolean reached(String variable) {
    return contributions.containsKey(variable) || signals.containsKey(variable);
  }

  /**
   * The gradient's signal at a node's output.
   *
   * @param variable the output's name
   * @param source the gradient's source
   * @return the signal; null if none passed
   */
  public @Nullable Tensor gradientAt(String variable, String source) {
    Signal signal = at(variable).get(source);
    return signal == null ? null : signal.value();
  }
}
