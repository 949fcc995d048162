package org.backpack4j.samediff.internal.evaluate;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.AffineOps;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.ir.Normaliser;
import org.backpack4j.samediff.internal.loss.LossRule;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What variables are made of as far as batches are concerned: parts of each sample, sums over the
 * samples, what they are divided by. Found by a walk along the graph, op by op.
 */
final class SummandAnalysis {
  /** Ops that pass on a multiple of their first input, or its entries in another order. */
  private static final Set<String> MULTIPLES =
      Set.of(
          "cast",
          "div_scalar",
          "expand_dims",
          "flatten_2d",
          "identity",
          "mul_scalar",
          "neg",
          "permute",
          "reduce_mean",
          "reduce_sum",
          "reshape",
          "squeeze",
          "transpose");

  /** Ops that add a number. */
  private static final Set<String> SHIFTS =
      Set.of("add_scalar", "oneminus", "rsub_scalar", "sub_scalar");

  private static final Set<String> QUOTIENTS = Set.of("divide", "divide_no_nan", "realdiv");

  /** One by the input, or a number by the input. */
  private static final Set<String> INVERSES = Set.of("rdiv_scalar", "reciprocal");

  /** Sums over samples that have no rule of their own that says so. */
  private static final Set<String> ABSOLUTE_SUMS = Set.of("asum", "reduce_norm1");

  /** Ops that take shapes or positions behind their first input, or nothing else. */
  private static final Set<String> SHAPED =
      Set.of(
          "broadcast_to",
          "create",
          "fill",
          "gather",
          "gather_nd",
          "linspace",
          "mirror_pad",
          "pad",
          "range",
          "reshape",
          "slice",
          "split",
          "split_v",
          "strided_slice",
          "tile");

  static final String SUM_REMEDY =
      "let the loss add up what each sample gives by itself (LossReduce.SUM, sum()), or divide it"
          + " by the number of samples or the sum of their weights";

  private static final String APART_REMEDY =
      "keep samples apart; batch normalisation does with its running statistics";

  private final Annotations graph;
  private final Map<Node, Rule> rules;
  private final UnaryOperator<String> places;
  private final Map<String, Summands> states = new HashMap<>();

  /**
   * Walks along a graph.
   *
   * @param graph the graph that was extended
   * @param rules the rules of its nodes
   * @param places what a person knows a node by, by the name of its first result
   */
  SummandAnalysis(Annotations graph, Map<Node, Rule> rules, UnaryOperator<String> places) {
    this.graph = graph;
    this.rules = rules;
    this.places = places;
    for (Node node : graph.nodes()) {
      for (int k = 0; k < node.outputs().size(); k++) {
        states.put(node.outputs().get(k), checked(node, state(node, k)));
      }
    }
  }

  private Summands obstacle(Node node, String reason, String remedy) {
    String place = places.apply(node.label());
    String named = place.equals(node.label()) ? node.toString() : place;
    return new Summands(Set.of(), new Refusal(Refusal.EVERYTHING, named, reason, remedy));
  }

  // ---- variables ----

  /** What a variable is made of. */
  Summands of(String variable) {
    Summands known = states.get(variable);
    if (known == null) {
      known = entrance(variable);
      states.put(variable, known);
    }
    return known;
  }

  private Summands entrance(String variable) {
    boolean rows = graph.batchAxis(variable).hasSamples();
    boolean fixed =
        graph.emit().graph().getVariable(variable).getVariableType() != VariableType.VARIABLE;
    return Summands.of(
        new Summand(rows ? Summand.Kind.ROWS : Summand.Kind.FREE, Normaliser.NONE, fixed));
  }

  /**
   * Refuses what would count a penalty once for each batch: one that comes back with the samples'
   * sums, and is not told from them.
   */
  private Summands checked(Node node, Summands state) {
    boolean penalty =
        state.forms().stream().anyMatch(f -> f.kind() == Summand.Kind.FREE && !f.fixed());
    boolean weighted =
        state.forms().stream()
            .anyMatch(f -> f.kind() == Summand.Kind.FREE && !f.by().variable().isEmpty());
    boolean told =
        AffineOps.contains(node.op())
            && (AffineOps.SUMS.contains(node.op())
                || node.inputs().stream().filter(i -> !of(i).fixed()).count() <= 1);
    return penalty && (weighted || (state.has(Summand.Kind.TOTAL) && !told))
        ? obstacle(
            node,
            "a penalty has been added to a sum over samples before, and would count once for each"
                + " batch",
            "add the penalty behind it, or make it a loss variable of its own")
        : state;
  }

  private Summands state(Node node, int output) {
    String name = node.outputs().get(output);
    BatchAxis place = graph.batchAxis(name);
    if (place.hasSamples() && place.coupling() != null) {
      return obstacle(node, Refusal.COUPLED + ": " + place.coupling(), APART_REMEDY);
    }
    Summands counted = counted(name, place);
    if (counted != null) {
      return counted;
    }
    List<Summands> inputs = node.inputs().stream().map(this::of).toList();
    for (Summands input : inputs) {
      if (input.obstacle() != null) {
        return input;
      }
    }
    if (inputs.isEmpty()) {
      return Summands.of(new Summand(Summand.Kind.FREE, Normaliser.NONE, true));
    }
    if (rules.get(node) instanceof LossRule loss) {
      return loss(node, loss, inputs, place);
    }
    String op = node.op();
    if (MULTIPLES.contains(op)) {
      return multiple(node, inputs.get(0), place);
    }
    if (AffineOps.SUMS.contains(op)) {
      return sum(node, inputs, place);
    }
    if (SHIFTS.contains(op)) {
      return sum(
          node,
          List.of(
              inputs.get(0), Summands.of(new Summand(Summand.Kind.FREE, Normaliser.NONE, true))),
          place);
    }
    if (op.equals("multiply")) {
      return product(node);
    }
    if (QUOTIENTS.contains(op)) {
      return quotient(node, inputs.get(0), inputs.get(1), node.inputs().get(1));
    }
    if (op.equals("reversedivide")) {
      return quotient(node, inputs.get(1), inputs.get(0), node.inputs().get(0));
    }
    if (INVERSES.contains(op)) {
      Summands number = Summands.of(new Summand(Summand.Kind.FREE, Normaliser.NONE, true));
      return quotient(node, number, inputs.get(0), node.inputs().get(0));
    }
    return other(node, inputs, place);
  }

  /** What depends on nothing but the number of samples, where its value is known. */
  private @Nullable Summands counted(String name, BatchAxis place) {
    INDArray few = graph.isSettled(name) ? graph.settled(name, GraphShapes.FEW) : null;
    INDArray more = few == null ? null : graph.settled(name, GraphShapes.MORE);
    if (few == null || more == null) {
      return null;
    }
    boolean alike =
        place.hasSamples() ? sameRows(few, place) && sameRows(more, place) : few.equals(more);
    if (place.hasSamples()) {
      return Summands.of(
          new Summand(alike ? Summand.Kind.ROWS : Summand.Kind.NUMBERS, Normaliser.NONE, true));
    }
    if (alike) {
      return Summands.of(new Summand(Summand.Kind.FREE, Normaliser.NONE, true));
    }
    boolean grows =
        few.length() == 1
            && more.length() == 1
            && few.getLong(0) * GraphShapes.MORE == more.getLong(0) * GraphShapes.FEW;
    return Summands.of(
        new Summand(grows ? Summand.Kind.TOTAL : Summand.Kind.NUMBERS, Normaliser.NONE, true));
  }

  private static boolean sameRows(INDArray array, BatchAxis place) {
    if (place.folded() || array.isEmpty()) {
      return false;
    }
    INDArray first = array.slice(0, place.axis());
    return IntStream.range(1, (int) array.size(place.axis()))
        .allMatch(k -> array.slice(k, place.axis()).equals(first));
  }

  // ---- ops ----

  private Summands loss(Node node, LossRule loss, List<Summands> inputs, BatchAxis place) {
    Summands rows = apart(node, inputs);
    if (rows.obstacle() != null || place.kind() == BatchAxis.Kind.UNBATCHED) {
      return rows;
    }
    if (place.coupling() != null) {
      return obstacle(node, Refusal.COUPLED + ": " + place.coupling(), SUM_REMEDY);
    }
    if (place.hasSamples()) {
      return Summands.of(new Summand(Summand.Kind.ROWS, Normaliser.NONE, rows.fixed()));
    }
    Normaliser by = loss.normaliser(new NodeContext(graph, node));
    if (!by.variable().isEmpty() && !of(by.variable()).fixed()) {
      return obstacle(
          node, "parameters act on " + by + ", which it is divided by", "let the loss add up");
    }
    return Summands.of(new Summand(Summand.Kind.TOTAL, by, rows.fixed()));
  }

  /** Inputs of which each sample has its own, or that are the same for all. */
  private Summands apart(Node node, List<Summands> inputs) {
    boolean fixed = true;
    boolean rows = inputs.stream().anyMatch(i -> i.has(Summand.Kind.ROWS));
    for (Summands input : inputs) {
      for (Summand form : input.forms()) {
        if (form.kind() == Summand.Kind.NUMBERS) {
          return obstacle(
              node,
              "it computes with the number of samples in the batch, or with their places in it",
              "feed such numbers by a placeholder");
        }
        if (form.kind() == Summand.Kind.TOTAL || !form.undivided()) {
          return rows
              ? obstacle(
                  node,
                  Refusal.COUPLED + ": it takes a sum or mean over the batch's samples",
                  APART_REMEDY + "; " + SUM_REMEDY)
              : obstacle(
                  node,
                  "it is made of a sum or mean over the batch's samples, and is no multiple of it",
                  SUM_REMEDY);
        }
        fixed &= form.fixed();
      }
    }
    return Summands.of(
        new Summand(rows ? Summand.Kind.ROWS : Summand.Kind.FREE, Normaliser.NONE, fixed));
  }

  private Summands multiple(Node node, Summands input, BatchAxis place) {
    boolean reduced = input.has(Summand.Kind.ROWS) && !place.hasSamples();
    if (!reduced) {
      return input;
    }
    boolean mean = node.op().equals("reduce_mean");
    Summand rows = input.only();
    if (!mean && !node.op().equals("reduce_sum")) {
      return overSamples(node);
    }
    if (mean && !rows.undivided()) {
      return obstacle(
          node, "it is a mean of what is divided by " + rows.by() + " already", SUM_REMEDY);
    }
    Normaliser by = mean ? Normaliser.SAMPLES : rows.by();
    return Summands.of(new Summand(Summand.Kind.TOTAL, by, rows.fixed()));
  }

  private Summands overSamples(Node node) {
    return obstacle(node, "it runs over the samples of a batch, and is no sum", SUM_REMEDY);
  }

  private Summands sum(Node node, List<Summands> inputs, BatchAxis place) {
    Set<Summand> all = new LinkedHashSet<>();
    inputs.forEach(i -> all.addAll(i.forms()));
    boolean numbers = all.stream().anyMatch(f -> f.kind() == Summand.Kind.NUMBERS);
    if (!place.hasSamples() && !numbers) {
      return new Summands(all, null);
    }
    boolean alike =
        all.stream().map(Summand::by).distinct().count() == 1
            && all.stream().noneMatch(f -> f.kind() == Summand.Kind.TOTAL);
    if (!alike || numbers) {
      return apart(node, inputs);
    }
    boolean fixed = all.stream().allMatch(Summand::fixed);
    return Summands.of(new Summand(Summand.Kind.ROWS, all.iterator().next().by(), fixed));
  }

  private Summands product(Node node) {
    String a = node.inputs().get(0);
    String b = node.inputs().get(1);
    String one = of(a).single() ? a : b;
    String many = of(a).single() ? b : a;
    Set<Summand> products = new LinkedHashSet<>();
    for (Summand form : of(many).forms()) {
      Summand product =
          of(one).single() ? product(form, isCount(many), of(one).only(), isCount(one)) : null;
      if (product == null) {
        return apart(node, List.of(of(a), of(b)));
      }
      products.add(product);
    }
    return new Summands(products, null);
  }

  /** A summand's product with another; null if it is of no form that batches have. */
  private static @Nullable Summand product(Summand x, boolean xCounts, Summand y, boolean yCounts) {
    boolean fixed = x.fixed() && y.fixed();
    if (x.kind() == Summand.Kind.NUMBERS || y.kind() == Summand.Kind.NUMBERS) {
      return null;
    }
    if (xCounts && y.by().equals(Normaliser.SAMPLES)) {
      return new Summand(y.kind(), Normaliser.NONE, fixed);
    }
    if (yCounts && x.by().equals(Normaliser.SAMPLES)) {
      return new Summand(x.kind(), Normaliser.NONE, fixed);
    }
    Normaliser by = x.undivided() ? y.by() : y.undivided() ? x.by() : null;
    Summand.Kind kind =
        x.kind() == Summand.Kind.FREE
            ? y.kind()
            : y.kind() == Summand.Kind.FREE
                    || (x.kind() == Summand.Kind.ROWS && y.kind() == Summand.Kind.ROWS)
                ? x.kind()
                : null;
    return by == null || kind == null ? null : new Summand(kind, by, fixed);
  }

  /** Whether a variable is a multiple of the number of samples. */
  private boolean isCount(String variable) {
    Summands state = of(variable);
    return graph.isSettled(variable)
        && state.single()
        && state.only().kind() == Summand.Kind.TOTAL
        && state.only().undivided();
  }

  private Summands quotient(Node node, Summands a, Summands b, String divisor) {
    Summand d = b.single() ? b.only() : null;
    if (d == null
        || !d.undivided()
        || a.has(Summand.Kind.NUMBERS)
        || d.kind() == Summand.Kind.NUMBERS) {
      return apart(node, List.of(a, b));
    }
    if (d.kind() == Summand.Kind.FREE) {
      return new Summands(
          a.forms().stream()
              .map(f -> new Summand(f.kind(), f.by(), f.fixed() && d.fixed()))
              .collect(Collectors.toSet()),
          null);
    }
    boolean whole = a.forms().stream().allMatch(Summand::undivided);
    if (d.kind() == Summand.Kind.ROWS || !d.fixed() || !whole) {
      return apart(node, List.of(a, b));
    }
    if (!graph.dims(divisor).product().isOne()) {
      return obstacle(
          node, "\"" + divisor + "\", which it is divided by, is no single number", SUM_REMEDY);
    }
    Normaliser by = graph.isSettled(divisor) ? Normaliser.SAMPLES : Normaliser.sum(divisor);
    return new Summands(a.forms().stream().map(f -> f.with(by)).collect(Collectors.toSet()), null);
  }

  private Summands other(Node node, List<Summands> inputs, BatchAxis place) {
    List<Summands> read = inputs;
    if (SHAPED.contains(node.op())) {
      read = inputs.stream().filter(i -> !i.has(Summand.Kind.NUMBERS)).toList();
      if (read.isEmpty()) {
        return inputs.get(0);
      }
    }
    Summands rows = apart(node, read);
    if (rows.obstacle() != null) {
      return rows;
    }
    if (place.hasSamples()) {
      return Summands.of(new Summand(Summand.Kind.ROWS, Normaliser.NONE, rows.fixed()));
    }
    if (rows.only().kind() == Summand.Kind.FREE) {
      return rows;
    }
    boolean sum =
        Objects.requireNonNull(rules.get(node)).addsSamplesUp(new NodeContext(graph, node))
            || ABSOLUTE_SUMS.contains(node.op());
    return sum
        ? Summands.of(new Summand(Summand.Kind.TOTAL, Normaliser.NONE, rows.fixed()))
        : overSamples(node);
  }
}
