package org.backpack4j.samediff.internal.autodiff;

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
import org.backpack4j.samediff.internal.contribution.Contributions;
import org.backpack4j.samediff.internal.contribution.Dense;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.View;
import org.jspecify.annotations.Nullable;

/**
 * One way back through the graph. Cotangents that start at losses or predictions pass every node's
 * rule; where branches meet, cotangents of one source are added and others stand beside each other.
 * At variables without a sample axis they wait as contributions, uncomputed until something needs
 * them.
 */
public final class ReversePass {
  private final Annotations graph;
  private final Function<Node, Rule> rules;
  private final BiPredicate<Node, Integer> carries;
  private final Predicate<String> wantsRows;
  private final Predicate<String> wantsSums;
  private final Map<String, Map<String, Cotangent>> cotangents = new HashMap<>();
  private final Map<String, Map<String, List<ParameterVjp>>> contributions = new HashMap<>();
  private final Map<List<ParameterVjp>, ParameterVjp> joined = new IdentityHashMap<>();

  /** The inputs to which something was passed, and those to which samples came apart. */
  private final Set<String> passed = new HashSet<>();

  private final Set<String> passedApart = new HashSet<>();

  /**
   * A sweep.
   *
   * @param graph the graph
   * @param rules the rule of each node
   * @param carries whether a cotangent has to travel to an input of a node
   * @param wantsRows whether samples must be kept apart at a variable without a sample axis
   * @param wantsSums whether the sum over samples is asked for at a variable without a sample axis
   */
  public ReversePass(
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
   * Starts a cotangent.
   *
   * @param variable where
   * @param cotangent the cotangent
   */
  public void seed(String variable, Cotangent cotangent) {
    BatchAxis place = graph.batchAxis(variable);
    if (place.kind() == BatchAxis.Kind.UNBATCHED) {
      contribute(
          variable,
          cotangent.source(),
          new Dense(graph.emit(), cotangent.value(), cotangent.signs()));
    } else {
      arrive(variable, cotangent);
    }
  }

  /**
   * Passes every node, the last first; one whose results have no samples, which leads to parameters
   * only, as soon as all that read it have been passed.
   *
   * @param complete is told of each variable that no node computes, a parameter among them, as soon
   *     as nothing more will arrive there: what is made of it then needs the cotangents no longer
   *     than it must
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
                graph.batchAxis(o).kind() == BatchAxis.Kind.UNBATCHED
                    && readers.getOrDefault(o, 0) == 0);
  }

  /**
   * The cotangents at a variable with a sample axis, or computed from samples.
   *
   * @param variable the variable's name
   * @return the cotangents, by source
   */
  public Map<String, Cotangent> at(String variable) {
    return cotangents.getOrDefault(variable, Map.of());
  }

  /**
   * What arrived at a variable without a sample axis.
   *
   * @param variable the variable's name
   * @return the contributions that keep samples apart, each source's added up
   */
  public List<ParameterVjp> rowsAt(String variable) {
    return contributionsAt(variable, true);
  }

  /**
   * What arrived at a variable without a sample axis as a sum over samples, or never had samples.
   *
   * @param variable the variable's name
   * @return the contributions [1, V, P…], each source's added up
   */
  public List<ParameterVjp> sumsAt(String variable) {
    return contributionsAt(variable, false);
  }

  /**
   * What one source contributed to a variable without a sample axis.
   *
   * @param variable the variable's name
   * @param source where the columns started
   * @return the contribution that keeps samples apart; null if none arrived
   */
  public @Nullable ParameterVjp rowsAt(String variable, String source) {
    List<ParameterVjp> parts = contributions.getOrDefault(variable, Map.of()).get(source + ROWS);
    return parts == null ? null : joined.computeIfAbsent(parts, Contributions::sum);
  }

  private List<ParameterVjp> contributionsAt(String variable, boolean rows) {
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
    NodeContext context =
        new NodeContext(
            graph,
            node,
            k -> carries.test(node, k),
            k -> carries.test(node, k) && onlySum(node.inputs().get(k)));
    if (passTogether(context)) {
      return;
    }
    for (int output = 0; output < node.outputs().size(); output++) {
      String variable = node.outputs().get(output);
      boolean shared = graph.batchAxis(variable).kind() == BatchAxis.Kind.UNBATCHED;
      boolean waiting =
          shared ? contributions.containsKey(variable) : cotangents.containsKey(variable);
      if (!waiting) {
        continue;
      }
      rule = rule == null ? rules.apply(node) : rule;
      Map<Integer, View> views = shared ? views(context, rule, output) : Map.of();
      if (!views.isEmpty()) {
        views.forEach((input, view) -> passView(node, input, variable, view));
        continue;
      }
      for (Cotangent cotangent : shared ? computed(variable) : List.copyOf(at(variable).values())) {
        passSignal(context, rule, output, cotangent);
      }
    }
  }

  /**
   * Passes cotangents at several outputs in one step, if all of them have samples and the rule can.
   */
  private boolean passTogether(NodeContext context) {
    List<String> outputs = context.node().outputs();
    if (outputs.size() < 2
        || outputs.stream().noneMatch(cotangents::containsKey)
        || !outputs.stream().allMatch(o -> hasSamples(o))
        || !rules.apply(context.node()).hasJointVjp(context)) {
      return false;
    }
    Map<String, Cotangent> sources = new LinkedHashMap<>();
    outputs.forEach(o -> at(o).forEach(sources::putIfAbsent));
    sources.forEach(
        (source, cotangent) -> {
          SortedMap<Integer, Tensor> values = new TreeMap<>();
          for (int k = 0; k < outputs.size(); k++) {
            Cotangent here = at(outputs.get(k)).get(source);
            if (here != null) {
              values.put(k, here.value());
            }
          }
          Rule rule = rules.apply(context.node());
          for (int input = 0; input < context.inputs(); input++) {
            if (carries.test(context.node(), input)) {
              String variable = context.node().inputs().get(input);
              arrive(variable, cotangent.with(rule.vjpOfOutputs(context, input, values)));
            }
          }
        });
    return true;
  }

  private boolean hasSamples(String variable) {
    return graph.batchAxis(variable).kind() == BatchAxis.Kind.BATCHED;
  }

  /** How to undo what a node does to the inputs that a cotangent travels to; none unless to all. */
  private Map<Integer, View> views(NodeContext context, Rule rule, int output) {
    Map<Integer, View> views = new LinkedHashMap<>();
    for (int input = 0; input < context.inputs(); input++) {
      if (carries.test(context.node(), input)) {
        View view = rule.view(context, input, output);
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
              for (ParameterVjp part : parts) {
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
   * @return true if a cotangent or a contribution was
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

  /** What waits at a variable without a sample axis, as cotangents. */
  private List<Cotangent> computed(String variable) {
    List<Cotangent> computed = new ArrayList<>();
    boolean rows = wantsRows.test(variable);
    contributions
        .getOrDefault(variable, Map.of())
        .forEach(
            (key, parts) -> {
              ParameterVjp whole = Contributions.sum(parts);
              String source = key.substring(0, key.lastIndexOf('/'));
              Tensor value = rows && key.endsWith(ROWS) ? whole.perSample() : lift(whole.sum());
              computed.add(new Cotangent(source, value, whole.signs()));
            });
    return computed;
  }

  private Tensor lift(Tensor sum) {
    return graph.emit().reshape(sum, Dims.of(Dim.ONE).plus(sum.dims()));
  }

  private void passSignal(NodeContext context, Rule rule, int output, Cotangent cotangent) {
    Node node = context.node();
    for (int input = 0; input < node.inputs().size(); input++) {
      if (!carries.test(node, input)) {
        continue;
      }
      String variable = node.inputs().get(input);
      switch (graph.batchAxis(variable).kind()) {
        case BATCHED ->
            arrive(variable, cotangent.with(rule.vjp(context, input, output, cotangent.value())));
        case REDUCED -> {
          Tensor rows = rule.vjp(context, input, output, cotangent.value());
          arrive(variable, cotangent.with(lift(graph.emit().sumOverSamples(rows))));
        }
        case UNBATCHED -> {
          ParameterVjp contribution = rule.contribution(context, input, output, cotangent);
          note(node, input, rowsOf(contribution));
          contribute(variable, cotangent.source(), contribution);
        }
      }
    }
  }

  private void arrive(String variable, Cotangent arriving) {
    boolean samples = graph.batchAxis(variable).hasSamples();
    Tensor value = arriving.value();
    // columns that are the same for every sample
    Cotangent cotangent =
        samples
            ? arriving.with(graph.emit().broadcast(value, value.dims().with(0, Dim.N)))
            : arriving;
    cotangents
        .computeIfAbsent(variable, key -> new LinkedHashMap<>())
        .merge(cotangent.source(), cotangent, (a, b) -> a.with(add(a.value(), b.value())));
  }

  private Tensor add(Tensor a, Tensor b) {
    Emitter emit = graph.emit();
    return emit.add(a, b);
  }

  private void contribute(String variable, String source, ParameterVjp contribution) {
    boolean rows = rowsOf(contribution);
    put(variable, source + (rows ? ROWS : SUMS), contribution);
  }

  private static boolean rowsOf(ParameterVjp contribution) {
    return contribution.samples().samples();
  }

  private void put(String variable, String key, ParameterVjp contribution) {
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
    return contributions.containsKey(variable) || cotangents.containsKey(variable);
  }

  /**
   * The gradient's cotangent at a node's output.
   *
   * @param variable the output's name
   * @param source the gradient's source
   * @return the cotangent; null if none passed
   */
  public @Nullable Tensor gradientAt(String variable, String source) {
    Cotangent cotangent = at(variable).get(source);
    return cotangent == null ? null : cotangent.value();
  }
}
