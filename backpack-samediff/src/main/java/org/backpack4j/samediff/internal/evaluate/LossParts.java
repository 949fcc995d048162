package org.backpack4j.samediff.internal.evaluate;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.dataset.BatchWeights;
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
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * How the losses are made of sums over samples: each is Σ Sₖ/Dₖ + r/D, the Sₖ sums of what each
 * sample gives by itself, the D sums over samples that no parameter acts on, r of parameters alone.
 * What is not of this form cannot be had from batches; then the node is known that stands in the
 * way.
 */
public final class LossParts implements BatchWeights {
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

  private static final String SUM_REMEDY =
      "let the loss add up what each sample gives by itself (LossReduce.SUM, sum()), or divide it"
          + " by the number of samples or the sum of their weights";

  private static final String APART_REMEDY =
      "keep samples apart; batch normalisation does with its running statistics";

  private enum Kind {
    /** Of parameters and constants alone. */
    FREE,
    /** A part for each sample, of that sample alone. */
    ROWS,
    /** A sum of such parts over the samples. */
    TOTAL,
    /** A function of the number of samples, or of the samples' places, of another kind. */
    NUMBERS
  }

  /**
   * A summand of a variable.
   *
   * @param kind how it depends on samples
   * @param by what it is divided by
   * @param fixed whether no parameter acts on it
   */
  private record Form(Kind kind, Normaliser by, boolean fixed) {
    Form with(Normaliser other) {
      return new Form(kind, other, fixed);
    }

    boolean undivided() {
      return by.equals(Normaliser.NONE);
    }
  }

  /** What a variable is made of; or why it is nothing that batches have parts of. */
  private record State(Set<Form> forms, @Nullable Refusal obstacle) {
    static State of(Form form) {
      return new State(Set.of(form), null);
    }

    Form only() {
      return forms.iterator().next();
    }

    boolean single() {
      return forms.size() == 1;
    }

    boolean fixed() {
      return forms.stream().allMatch(Form::fixed);
    }

    boolean has(Kind kind) {
      return forms.stream().anyMatch(f -> f.kind() == kind);
    }
  }

  private final Annotations graph;
  private final Map<Node, Rule> rules;
  private final UnaryOperator<String> places;
  private final Map<String, State> states = new HashMap<>();
  private final Map<String, Set<Form>> losses = new LinkedHashMap<>();
  private final Normaliser data;
  private final Normaliser penalty;

  /**
   * Finds the parts.
   *
   * @param graph the graph that was extended
   * @param rules the rules of its nodes
   * @param places what a person knows a node by, by the name of its first result
   * @param lossVariables the losses
   * @throws UnsupportedGraphException if the losses are not of that form, or divide by several
   *     normalisers
   */
  public LossParts(
      Annotations graph,
      Map<Node, Rule> rules,
      UnaryOperator<String> places,
      List<String> lossVariables) {
    this.graph = graph;
    this.rules = rules;
    this.places = places;
    for (Node node : graph.nodes()) {
      for (int k = 0; k < node.outputs().size(); k++) {
        states.put(node.outputs().get(k), checked(node, state(node, k)));
      }
    }
    List<Refusal> refusals = new ArrayList<>();
    for (String loss : lossVariables) {
      State state = of(loss);
      Refusal obstacle = state.obstacle();
      if (obstacle != null) {
        refusals.add(obstacle);
      } else if (state.has(Kind.NUMBERS)) {
        refusals.add(
            refusal("\"" + loss + "\"", "it is made of the number of samples", SUM_REMEDY));
      }
      losses.put(loss, state.forms());
    }
    if (!refusals.isEmpty()) {
      throw new UnsupportedGraphException(refusals);
    }
    data = normaliser(f -> f.kind() != Kind.FREE, "sums over samples");
    penalty = normaliser(f -> f.kind() == Kind.FREE, "penalties");
  }

  /** What all forms of a kind, on which parameters act, are divided by. */
  private Normaliser normaliser(java.util.function.Predicate<Form> of, String what) {
    Map<Normaliser, Set<String>> found = new LinkedHashMap<>();
    losses.forEach(
        (loss, forms) ->
            forms.stream()
                .filter(f -> !f.fixed() && of.test(f))
                .forEach(f -> found.computeIfAbsent(f.by(), n -> new TreeSet<>()).add(loss)));
    if (found.size() > 1) {
      String all =
          found.entrySet().stream()
              .map(e -> String.join(", ", e.getValue()) + " by " + e.getKey())
              .collect(Collectors.joining("; "));
      throw new UnsupportedGraphException(
          List.of(
              refusal(
                  "the losses",
                  "their " + what + " are divided by different things: " + all,
                  "give all losses the same reduction, such as LossReduce.SUM, or gather over one"
                      + " at a time (BackPack.on(…).losses(…)) and add linear quantities up")));
    }
    return found.isEmpty() ? Normaliser.NONE : found.keySet().iterator().next();
  }

  private static Refusal refusal(String node, String reason, String remedy) {
    return new Refusal(Refusal.EVERYTHING, node, reason, remedy);
  }

  private State obstacle(Node node, String reason, String remedy) {
    String place = places.apply(node.label());
    String named = place.equals(node.label()) ? node.toString() : place;
    return new State(Set.of(), refusal(named, reason, remedy));
  }

  // ---- variables ----

  private State of(String variable) {
    State known = states.get(variable);
    if (known == null) {
      known = entrance(variable);
      states.put(variable, known);
    }
    return known;
  }

  private State entrance(String variable) {
    boolean rows = graph.batchAxis(variable).hasSamples();
    boolean fixed =
        graph.emit().graph().getVariable(variable).getVariableType() != VariableType.VARIABLE;
    return State.of(new Form(rows ? Kind.ROWS : Kind.FREE, Normaliser.NONE, fixed));
  }

  /**
   * Refuses what would count a penalty once for each batch: one that comes back with the samples'
   * sums, and is not told from them.
   */
  private State checked(Node node, State state) {
    boolean penalty = state.forms().stream().anyMatch(f -> f.kind() == Kind.FREE && !f.fixed());
    boolean weighted =
        state.forms().stream().anyMatch(f -> f.kind() == Kind.FREE && !f.by().variable().isEmpty());
    boolean told =
        AffineOps.contains(node.op())
            && (AffineOps.SUMS.contains(node.op())
                || node.inputs().stream().filter(i -> !of(i).fixed()).count() <= 1);
    return penalty && (weighted || (state.has(Kind.TOTAL) && !told))
        ? obstacle(
            node,
            "a penalty has been added to a sum over samples before, and would count once for each"
                + " batch",
            "add the penalty behind it, or make it a loss variable of its own")
        : state;
  }

  private State state(Node node, int output) {
    String name = node.outputs().get(output);
    BatchAxis place = graph.batchAxis(name);
    if (place.hasSamples() && place.coupling() != null) {
      return obstacle(node, Refusal.COUPLED + ": " + place.coupling(), APART_REMEDY);
    }
    State counted = counted(name, place);
    if (counted != null) {
      return counted;
    }
    List<State> inputs = node.inputs().stream().map(this::of).toList();
    for (State input : inputs) {
      if (input.obstacle() != null) {
        return input;
      }
    }
    if (inputs.isEmpty()) {
      return State.of(new Form(Kind.FREE, Normaliser.NONE, true));
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
          List.of(inputs.get(0), State.of(new Form(Kind.FREE, Normaliser.NONE, true))),
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
      State number = State.of(new Form(Kind.FREE, Normaliser.NONE, true));
      return quotient(node, number, inputs.get(0), node.inputs().get(0));
    }
    return other(node, inputs, place);
  }

  /** What depends on nothing but the number of samples, where its value is known. */
  private @Nullable State counted(String name, BatchAxis place) {
    INDArray few = graph.isSettled(name) ? graph.settled(name, GraphShapes.FEW) : null;
    INDArray more = few == null ? null : graph.settled(name, GraphShapes.MORE);
    if (few == null || more == null) {
      return null;
    }
    boolean alike =
        place.hasSamples() ? sameRows(few, place) && sameRows(more, place) : few.equals(more);
    if (place.hasSamples()) {
      return State.of(new Form(alike ? Kind.ROWS : Kind.NUMBERS, Normaliser.NONE, true));
    }
    if (alike) {
      return State.of(new Form(Kind.FREE, Normaliser.NONE, true));
    }
    boolean grows =
        few.length() == 1
            && more.length() == 1
            && few.getLong(0) * GraphShapes.MORE == more.getLong(0) * GraphShapes.FEW;
    return State.of(new Form(grows ? Kind.TOTAL : Kind.NUMBERS, Normaliser.NONE, true));
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

  private State loss(Node node, LossRule loss, List<State> inputs, BatchAxis place) {
    State rows = apart(node, inputs);
    if (rows.obstacle() != null || place.kind() == BatchAxis.Kind.UNBATCHED) {
      return rows;
    }
    if (place.coupling() != null) {
      return obstacle(node, Refusal.COUPLED + ": " + place.coupling(), SUM_REMEDY);
    }
    if (place.hasSamples()) {
      return State.of(new Form(Kind.ROWS, Normaliser.NONE, rows.fixed()));
    }
    Normaliser by = loss.normaliser(new NodeContext(graph, node));
    if (!by.variable().isEmpty() && !of(by.variable()).fixed()) {
      return obstacle(
          node, "parameters act on " + by + ", which it is divided by", "let the loss add up");
    }
    return State.of(new Form(Kind.TOTAL, by, rows.fixed()));
  }

  /** Inputs of which each sample has its own, or that are the same for all. */
  private State apart(Node node, List<State> inputs) {
    boolean fixed = true;
    boolean rows = inputs.stream().anyMatch(i -> i.has(Kind.ROWS));
    for (State input : inputs) {
      for (Form form : input.forms()) {
        if (form.kind() == Kind.NUMBERS) {
          return obstacle(
              node,
              "it computes with the number of samples in the batch, or with their places in it",
              "feed such numbers by a placeholder");
        }
        if (form.kind() == Kind.TOTAL || !form.undivided()) {
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
    return State.of(new Form(rows ? Kind.ROWS : Kind.FREE, Normaliser.NONE, fixed));
  }

  private State multiple(Node node, State input, BatchAxis place) {
    boolean reduced = input.has(Kind.ROWS) && !place.hasSamples();
    if (!reduced) {
      return input;
    }
    boolean mean = node.op().equals("reduce_mean");
    Form rows = input.only();
    if (!mean && !node.op().equals("reduce_sum")) {
      return overSamples(node);
    }
    if (mean && !rows.undivided()) {
      return obstacle(
          node, "it is a mean of what is divided by " + rows.by() + " already", SUM_REMEDY);
    }
    Normaliser by = mean ? Normaliser.SAMPLES : rows.by();
    return State.of(new Form(Kind.TOTAL, by, rows.fixed()));
  }

  private State overSamples(Node node) {
    return obstacle(node, "it runs over the samples of a batch, and is no sum", SUM_REMEDY);
  }

  private State sum(Node node, List<State> inputs, BatchAxis place) {
    Set<Form> all = new LinkedHashSet<>();
    inputs.forEach(i -> all.addAll(i.forms()));
    boolean numbers = all.stream().anyMatch(f -> f.kind() == Kind.NUMBERS);
    if (!place.hasSamples() && !numbers) {
      return new State(all, null);
    }
    boolean alike =
        all.stream().map(Form::by).distinct().count() == 1
            && all.stream().noneMatch(f -> f.kind() == Kind.TOTAL);
    if (!alike || numbers) {
      return apart(node, inputs);
    }
    boolean fixed = all.stream().allMatch(Form::fixed);
    return State.of(new Form(Kind.ROWS, all.iterator().next().by(), fixed));
  }

  private State product(Node node) {
    String a = node.inputs().get(0);
    String b = node.inputs().get(1);
    String one = of(a).single() ? a : b;
    String many = of(a).single() ? b : a;
    Set<Form> products = new LinkedHashSet<>();
    for (Form form : of(many).forms()) {
      Form product =
          of(one).single() ? product(form, isCount(many), of(one).only(), isCount(one)) : null;
      if (product == null) {
        return apart(node, List.of(of(a), of(b)));
      }
      products.add(product);
    }
    return new State(products, null);
  }

  /** A summand's product with another; null if it is of no form that batches have. */
  private static @Nullable Form product(Form x, boolean xCounts, Form y, boolean yCounts) {
    boolean fixed = x.fixed() && y.fixed();
    if (x.kind() == Kind.NUMBERS || y.kind() == Kind.NUMBERS) {
      return null;
    }
    if (xCounts && y.by().equals(Normaliser.SAMPLES)) {
      return new Form(y.kind(), Normaliser.NONE, fixed);
    }
    if (yCounts && x.by().equals(Normaliser.SAMPLES)) {
      return new Form(x.kind(), Normaliser.NONE, fixed);
    }
    Normaliser by = x.undivided() ? y.by() : y.undivided() ? x.by() : null;
    Kind kind =
        x.kind() == Kind.FREE
            ? y.kind()
            : y.kind() == Kind.FREE || (x.kind() == Kind.ROWS && y.kind() == Kind.ROWS)
                ? x.kind()
                : null;
    return by == null || kind == null ? null : new Form(kind, by, fixed);
  }

  /** Whether a variable is a multiple of the number of samples. */
  private boolean isCount(String variable) {
    State state = of(variable);
    return graph.isSettled(variable)
        && state.single()
        && state.only().kind() == Kind.TOTAL
        && state.only().undivided();
  }

  private State quotient(Node node, State a, State b, String divisor) {
    Form d = b.single() ? b.only() : null;
    if (d == null || !d.undivided() || a.has(Kind.NUMBERS) || d.kind() == Kind.NUMBERS) {
      return apart(node, List.of(a, b));
    }
    if (d.kind() == Kind.FREE) {
      return new State(
          a.forms().stream()
              .map(f -> new Form(f.kind(), f.by(), f.fixed() && d.fixed()))
              .collect(Collectors.toSet()),
          null);
    }
    boolean whole = a.forms().stream().allMatch(Form::undivided);
    if (d.kind() == Kind.ROWS || !d.fixed() || !whole) {
      return apart(node, List.of(a, b));
    }
    if (!graph.dims(divisor).product().isOne()) {
      return obstacle(
          node, "\"" + divisor + "\", which it is divided by, is no single number", SUM_REMEDY);
    }
    Normaliser by = graph.isSettled(divisor) ? Normaliser.SAMPLES : Normaliser.sum(divisor);
    return new State(a.forms().stream().map(f -> f.with(by)).collect(Collectors.toSet()), null);
  }

  private State other(Node node, List<State> inputs, BatchAxis place) {
    List<State> read = inputs;
    if (SHAPED.contains(node.op())) {
      read = inputs.stream().filter(i -> !i.has(Kind.NUMBERS)).toList();
      if (read.isEmpty()) {
        return inputs.get(0);
      }
    }
    State rows = apart(node, read);
    if (rows.obstacle() != null) {
      return rows;
    }
    if (place.hasSamples()) {
      return State.of(new Form(Kind.ROWS, Normaliser.NONE, rows.fixed()));
    }
    if (rows.only().kind() == Kind.FREE) {
      return rows;
    }
    boolean sum =
        Objects.requireNonNull(rules.get(node)).addsSamplesUp(new NodeContext(graph, node))
            || ABSOLUTE_SUMS.contains(node.op());
    return sum ? State.of(new Form(Kind.TOTAL, Normaliser.NONE, rows.fixed())) : overSamples(node);
  }

  // ---- what batches weigh ----

  /**
   * What the losses' sums over samples are divided by.
   *
   * @return the normaliser
   */
  public Normaliser normaliser() {
    return data;
  }

  @Override
  public Set<String> variables() {
    Set<String> variables = new TreeSet<>();
    for (Normaliser by : List.of(data, penalty)) {
      variables.add(by.variable());
    }
    losses.forEach((loss, forms) -> variables.add(weight(forms).variable()));
    variables.remove("");
    return variables;
  }

  @Override
  public double data(long samples, Map<String, INDArray> values) {
    return value(data, samples, values);
  }

  @Override
  public double penalty(long samples, Map<String, INDArray> values) {
    return value(penalty, samples, values);
  }

  @Override
  public double loss(String loss, long samples, Map<String, INDArray> values) {
    Set<Form> forms = forms(loss);
    Normaliser by = weight(forms);
    boolean free = forms.stream().anyMatch(f -> f.kind() == Kind.FREE);
    boolean averaged =
        forms.stream().allMatch(f -> f.kind() == Kind.FREE ? f.undivided() : f.by().equals(by));
    return averaged && !(free && by.equals(Normaliser.NONE))
        ? value(by, samples, values)
        : Double.NaN;
  }

  @Override
  public boolean sums() {
    return data.equals(Normaliser.NONE);
  }

  @Override
  public boolean sumsPenalties() {
    return penalty.equals(Normaliser.NONE);
  }

  @Override
  public boolean counted() {
    return data.variable().isEmpty();
  }

  @Override
  public boolean sums(String loss) {
    return weight(forms(loss)).equals(Normaliser.NONE);
  }

  private Set<Form> forms(String loss) {
    return Objects.requireNonNull(losses.get(loss), loss);
  }

  /** What a loss is divided by; of one that is the same for every batch any weight will do. */
  private static Normaliser weight(Set<Form> forms) {
    return forms.stream()
        .filter(f -> f.kind() != Kind.FREE)
        .map(Form::by)
        .findFirst()
        .orElse(Normaliser.SAMPLES);
  }

  private static double value(Normaliser by, long samples, Map<String, INDArray> values) {
    return switch (by.kind()) {
      case NONE -> 1;
      case SAMPLES -> samples;
      case SUM -> array(by, values).sumNumber().doubleValue();
      case NONZERO -> array(by, values).neq(0).castTo(DataType.DOUBLE).sumNumber().doubleValue();
    };
  }

  private static INDArray array(Normaliser by, Map<String, INDArray> values) {
    INDArray value = values.get(by.variable());
    if (value == null) {
      throw new IllegalArgumentException("\"" + by.variable() + "\" was not evaluated.");
    }
    return value.castTo(DataType.DOUBLE);
  }
}
