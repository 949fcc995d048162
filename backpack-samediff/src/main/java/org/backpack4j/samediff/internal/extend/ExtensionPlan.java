package org.backpack4j.samediff.internal.extend;

import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.interpret.RandomOps;
import org.backpack4j.samediff.internal.ir.AffineOps;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Likelihoods;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.loss.LogLikelihood;
import org.backpack4j.samediff.internal.loss.LossRule;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.jspecify.annotations.Nullable;

/**
 * Pass 4: which cotangents have to travel where, and what stands in their way. Nothing is inserted
 * yet.
 *
 * <p>The gradient travels from the losses to every parameter asked for. The columns of second-order
 * quantities start in the loss region, at the nodes between predictions and losses that are not
 * linear, and travel from the predictions to the parameters.
 */
final class ExtensionPlan {
  private final Annotations graph;
  private final Function<Node, Rule> rules;
  private final List<String> losses;
  private final Set<String> parameters;
  private final Penalties penalties;
  private final ParameterReach reach;
  private final Set<String> leading = new HashSet<>();
  private final RowNumbers rowNumbers;
  private final Map<Node, Obstacle> first = new LinkedHashMap<>();
  private final Map<Node, Obstacle> second = new LinkedHashMap<>();
  private final Map<Node, Obstacle> region = new LinkedHashMap<>();
  private final Set<Node> withoutPredictions = new LinkedHashSet<>();
  private final Set<Node> regionNodes = new LinkedHashSet<>();
  private final Set<String> predictions = new LinkedHashSet<>();
  private final Set<String> fromPredictions = new HashSet<>();
  private final Set<String> coupledInRegion = new HashSet<>();
  private final boolean whole;
  private final boolean pairs;

  /** Nodes whose mixed second derivative is a VJP. */
  private final Set<Node> bilinear = new LinkedHashSet<>();

  /** Inputs by which a parameter meets what depends on it already; what stands in the way there. */
  private final Map<Node, Set<Integer>> meetings = new HashMap<>();

  private final Map<Node, Set<Integer>> activeInputs = new HashMap<>();
  private final Map<Node, Obstacle> atMeetings = new LinkedHashMap<>();
  private final Likelihoods likelihoods;

  /** Functions that are one with the logarithms of their answers, and these logarithms. */
  private final Map<Node, LogLikelihood> joint = new LinkedHashMap<>();

  private final Set<Node> joined = new HashSet<>();
  private final Set<Node> inFront = new HashSet<>();
  private final Set<String> notes = new LinkedHashSet<>();

  /** Why a node stands in the way. */
  record Obstacle(String reason, String remedy) {}

  ExtensionPlan(
      Annotations graph,
      Function<Node, Rule> rules,
      List<String> losses,
      Set<String> parameters,
      List<String> namedPredictions,
      Start start) {
    this.graph = graph;
    this.rules = rules;
    this.losses = losses;
    this.parameters = parameters;
    this.penalties = new Penalties(graph, rules);
    this.reach = new ParameterReach(graph, rules, parameters);
    this.likelihoods = Likelihoods.of(graph.emit().graph(), losses);
    findLeading();
    this.rowNumbers = new RowNumbers(graph, leading::contains);
    for (Node node : graph.nodes()) {
      if (passed(node)) {
        inspect(node);
      }
    }
    this.pairs = start == Start.EVERY_PAIR;
    this.whole = start == Start.EVERYWHERE || pairs;
    switch (start) {
      case NOWHERE -> {}
      case PREDICTIONS -> {
        findRegion(namedPredictions);
        joinLikelihoods();
      }
      case EVERYWHERE, EVERY_PAIR -> {
        findWholeRegion();
        joinLikelihoods();
      }
    }
  }

  /** Where the columns of second-order quantities start. */
  enum Start {
    /** There are none. */
    NOWHERE,
    /** Between predictions and losses: those of the generalised Gauss-Newton matrix. */
    PREDICTIONS,
    /** At every op that is not linear: those of the Hessian's diagonal. */
    EVERYWHERE,
    /** The same, and at every pair of an activation and a weight: those of the whole Hessian. */
    EVERY_PAIR
  }

  private NodeContext context(Node node) {
    return new NodeContext(graph, node);
  }

  /** Whether a loss depends on a parameter asked for by way of a variable, through derivatives. */
  boolean leads(String variable) {
    return leading.contains(variable);
  }

  private void findLeading() {
    leading.addAll(parameters);
    for (Node node : graph.nodes()) {
      Rule rule = rules.apply(node);
      boolean leads =
          IntStream.range(0, node.inputs().size())
              .anyMatch(
                  k ->
                      leading.contains(node.inputs().get(k))
                          && rule.differentiable(context(node), k));
      if (leads) {
        node.outputs().stream().filter(o -> graph.type(o).isFPType()).forEach(leading::add);
      }
    }
    Set<String> differentiable = toLosses();
    notes.addAll(new ZeroDerivatives(graph, rules).notes(parameters, differentiable));
    leading.retainAll(differentiable);
    leading.addAll(parameters);
  }

  /**
   * What the losses depend on through ops that have a derivative: not what only shapes are read
   * off.
   */
  private Set<String> toLosses() {
    Set<String> reaching = new HashSet<>(losses);
    List<Node> nodes = graph.nodes();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node node = nodes.get(i);
      if (node.outputs().stream().anyMatch(reaching::contains)) {
        Rule rule = rules.apply(node);
        for (int k = 0; k < node.inputs().size(); k++) {
          if (rule.differentiable(context(node), k)) {
            reaching.add(node.inputs().get(k));
          }
        }
      }
    }
    return reaching;
  }

  private boolean passed(Node node) {
    return node.outputs().stream().anyMatch(leading::contains);
  }

  private void inspect(Node node) {
    if (RandomOps.draws(node.function())) {
      return; // refused for everything behind it and before it
    }
    Rule rule = rules.apply(node);
    try {
      rule.check(context(node));
    } catch (UnsupportedOpException refused) {
      first.put(node, new Obstacle(refused.reason(), refused.remedy()));
      return;
    }
    Optional<Obstacle> numbers = rowNumbers.obstacle(node);
    if (numbers.isPresent()) {
      first.put(node, numbers.get());
      return;
    }
    String coupling = coupling(node);
    if (coupling != null) {
      String remedy =
          "use an op that treats samples apart (batch normalisation with fixed statistics, say)";
      (rule.vjpHandlesCoupling() ? second : first)
          .put(node, new Obstacle(Refusal.COUPLED + ": " + coupling, remedy));
    }
  }

  private @Nullable String coupling(Node node) {
    return node.outputs().stream()
        .map(o -> graph.batchAxis(o).coupling())
        .filter(m -> m != null)
        .findFirst()
        .orElse(null);
  }

  // ---- the loss region ----

  private void findRegion(List<String> named) {
    if (named.isEmpty()) {
      losses.forEach(this::descend);
      for (Node node : graph.nodes()) {
        if (inFront.contains(node)) {
          fromPredictions.addAll(node.outputs());
          regionNodes.add(node);
          inspectRegion(node, rules.apply(node), active(node));
        }
      }
      return;
    }
    for (String prediction : named) {
      if (graph.producer(prediction) == null && !graph.batchAxis(prediction).hasSamples()) {
        throw new IllegalArgumentException(
            "The prediction \"" + prediction + "\" is not computed by the graph.");
      }
    }
    predictions.addAll(named);
    fromPredictions.addAll(named);
    for (Node node : graph.nodes()) {
      Rule rule = rules.apply(node);
      Set<Integer> active = active(node);
      if (active.stream().anyMatch(k -> rule.differentiable(context(node), k))) {
        node.outputs().stream()
            .filter(predictions::contains)
            .findFirst()
            .ifPresent(
                o -> {
                  throw new IllegalArgumentException(
                      "The prediction \""
                          + o
                          + "\" depends on another prediction: name predictions that do not.");
                });
        fromPredictions.addAll(node.outputs());
        regionNodes.add(node);
        inspectRegion(node, rule, active);
      }
    }
    for (String loss : losses) {
      if (leads(loss)
          && !fromPredictions.contains(loss)
          && graph.batchAxis(loss).kind() != BatchAxis.Kind.UNBATCHED) {
        Node node = graph.producer(loss);
        if (node != null) {
          region.put(
              node,
              new Obstacle(
                  "the loss does not depend on the predictions named", "name all predictions"));
        }
      }
    }
  }

  // ---- the Hessian: columns start everywhere ----

  /**
   * Every node through which a parameter acts on a loss. Of a factor of the second derivative that
   * mixes an activation with a weight only the diagonal matters, and that is zero unless both
   * depend on one parameter: only there is the weight one of the inputs that vary.
   */
  private void findWholeRegion() {
    Set<String> acting = acting();
    for (Node node : graph.nodes()) {
      Set<Integer> varying =
          IntStream.range(0, node.inputs().size())
              .filter(k -> carriesGradient(node, k) && acting.contains(node.inputs().get(k)))
              .boxed()
              .collect(Collectors.toSet());
      if (varying.isEmpty() || node.outputs().stream().noneMatch(acting::contains)) {
        continue;
      }
      regionNodes.add(node);
      node.outputs().stream().filter(acting::contains).forEach(fromPredictions::add);
      if (pairs && isBilinear(node, varying)) {
        bilinear.add(node);
        continue;
      }
      boolean shared = node.outputs().stream().allMatch(this::isUnbatched);
      Set<Integer> active =
          shared
              ? varying
              : varying.stream()
                  .filter(k -> !isUnbatched(node.inputs().get(k)))
                  .collect(Collectors.toSet());
      activeInputs.put(node, active);
      if (!active.isEmpty()) {
        inspectRegion(node, rules.apply(node), active);
      }
      Set<Integer> meeting =
          varying.stream()
              .filter(k -> !active.contains(k) && (pairs || meets(node, k, varying)))
              .collect(Collectors.toSet());
      if (!meeting.isEmpty()) {
        meetings.put(node, meeting);
        Set<Integer> all = new HashSet<>(active);
        all.addAll(meeting);
        inspectMeeting(node, rules.apply(node), all);
      }
    }
  }

  /** Whether all that varies of a node are two inputs in which it is linear, and what it adds. */
  private boolean isBilinear(Node node, Set<Integer> varying) {
    Rule rule = rules.apply(node);
    List<Integer> pair = rule.bilinear(context(node));
    if (pair.isEmpty() || couples(node, varying)) {
      return false;
    }
    Set<Integer> others = new HashSet<>(varying);
    pair.forEach(others::remove);
    return pair.stream().allMatch(k -> alone(node, rule, others, k))
        && (others.isEmpty() || rule.hasZeroHessian(context(node), others));
  }

  private boolean alone(Node node, Rule rule, Set<Integer> others, int input) {
    Set<Integer> with = new HashSet<>(others);
    with.add(input);
    return rule.hasZeroHessian(context(node), with);
  }

  /** Variables through which parameters act on the losses otherwise than as penalties. */
  private Set<String> acting() {
    Set<String> acting = new HashSet<>();
    losses.stream().filter(l -> leads(l) && !isUnbatched(l)).forEach(acting::add);
    List<Node> nodes = graph.nodes();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node node = nodes.get(i);
      if (node.outputs().stream().anyMatch(acting::contains)) {
        for (int k = 0; k < node.inputs().size(); k++) {
          if (carriesGradient(node, k) && !penalties.isPenalty(node, k)) {
            acting.add(node.inputs().get(k));
          }
        }
      }
    }
    return acting;
  }

  private boolean isUnbatched(String variable) {
    return graph.batchAxis(variable).kind() == BatchAxis.Kind.UNBATCHED;
  }

  /** Whether a parameter comes to a node by an input and by another. */
  private boolean meets(Node node, int input, Set<Integer> varying) {
    Set<String> here = Set.copyOf(reach.into(node, input));
    return varying.stream()
        .filter(k -> k != input)
        .anyMatch(k -> reach.into(node, k).stream().anyMatch(here::contains));
  }

  private void inspectMeeting(Node node, Rule rule, Set<Integer> all) {
    if (rule.hasZeroHessian(context(node), all)) {
      meetings.remove(node);
      return;
    }
    try {
      rule.checkHessianRoot(context(node), all);
    } catch (UnsupportedOpException refused) {
      meetings.remove(node);
      atMeetings.put(node, notCurved(refused));
    }
  }

  /** Nodes of which an activation and a weight vary, and whose mixed derivative is a VJP. */
  Set<Node> bilinear() {
    return Collections.unmodifiableSet(bilinear);
  }

  /** The parameters that come to a node by more than one input. */
  private Set<String> meetingAt(Node node) {
    Set<String> once = new HashSet<>();
    Set<String> twice = new LinkedHashSet<>();
    for (int k = 0; k < node.inputs().size(); k++) {
      for (String parameter : reach.into(node, k)) {
        if (!once.add(parameter)) {
          twice.add(parameter);
        }
      }
    }
    return twice;
  }

  /** Starts in front of the function whose answer a node takes the logarithm of, if it has one. */
  private boolean startInFront(Node logarithm) {
    Likelihoods.@Nullable Likelihood found =
        likelihoods.behind(logarithm.name(), logarithm.inputs().get(0));
    if (found == null || !leads(found.argument())) {
      return false;
    }
    if (!found.sole() && !(rules.apply(logarithm) instanceof LossRule)) {
      return false; // a loss that is written out has to have its predictions named
    }
    if (!found.sole()) {
      notes.add(
          logarithm
              + ": second-order quantities start behind the "
              + found.function().getOp().opName()
              + " that it takes the logarithm of, at the probabilities, since other ops read them"
              + " as well. The curvature is another there; predictions(…) chooses where it"
              + " starts.");
      return false;
    }
    predictions.add(found.argument());
    fromPredictions.add(found.argument());
    Set<String> names = found.nodes();
    graph.nodes().stream().filter(n -> names.contains(n.name())).forEach(inFront::add);
    return true;
  }

  /** What is to be told, not to be refused. */
  List<String> notes() {
    return List.copyOf(notes);
  }

  /** Softmax and sigmoid nodes of the region whose Hessian is known together with the loss's. */
  private void joinLikelihoods() {
    Map<String, Node> byName = new HashMap<>();
    regionNodes.forEach(n -> byName.put(n.name(), n));
    for (Node node : region()) {
      Likelihoods.@Nullable Likelihood found =
          node.inputs().isEmpty() ? null : likelihoods.behind(node.name(), node.inputs().get(0));
      Node function = found == null ? null : byName.get(found.function().getName());
      if (found == null || function == null || joint.containsKey(function)) {
        continue;
      }
      boolean known =
          found.logarithms().stream().allMatch(op -> byName.containsKey(op.getName()))
              && region.keySet().stream().noneMatch(n -> belongs(n, found));
      LogLikelihood likelihood =
          known
              ? LogLikelihood.of(found, name -> context(Objects.requireNonNull(byName.get(name))))
              : null;
      if (likelihood != null) {
        joint.put(function, likelihood);
        found.logarithms().forEach(op -> joined.add(byName.get(op.getName())));
      }
    }
  }

  private static boolean belongs(Node node, Likelihoods.Likelihood likelihood) {
    return likelihood.nodes().contains(node.name())
        || likelihood.logarithms().stream().anyMatch(op -> op.getName().equals(node.name()));
  }

  /** The function of a node together with the loss's logarithms; null if it stands for itself. */
  @Nullable LogLikelihood likelihood(Node node) {
    return joint.get(node);
  }

  /** Whether what a node adds to the curvature is part of a {@link #likelihood}. */
  boolean joined(Node node) {
    return joined.contains(node);
  }

  private void inspectRegion(Node node, Rule rule, Set<Integer> active) {
    boolean reduced =
        node.outputs().stream().anyMatch(o -> graph.batchAxis(o).kind() == BatchAxis.Kind.REDUCED);
    boolean couples = couples(node, active);
    if (couples) {
      coupledInRegion.addAll(node.outputs());
    }
    if (rule.hasZeroHessian(context(node), active)) {
      return;
    }
    boolean sum = rule instanceof LossRule || rule.addsSamplesUp(context(node));
    if (couples || (reduced && !sum)) {
      region.put(
          node,
          new Obstacle(
              "the loss is not a sum over samples",
              "write it as a sum or mean of each sample's loss"));
      return;
    }
    try {
      rule.checkHessianRoot(context(node), active);
    } catch (UnsupportedOpException refused) {
      region.put(node, notCurved(refused));
    }
  }

  /** Where the loss is not what is to be written otherwise, the remedy is another quantity. */
  private Obstacle notCurved(UnsupportedOpException refused) {
    return new Obstacle(
        refused.reason(),
        whole
            ? "ask for the generalised Gauss-Newton matrix in place of the Hessian, or leave the"
                + " parameters out that act on the op"
            : refused.remedy());
  }

  /** Whether a sample's part of what a node computes depends on other samples' predictions. */
  private boolean couples(Node node, Set<Integer> active) {
    boolean samples = node.outputs().stream().anyMatch(o -> graph.batchAxis(o).hasSamples());
    return samples
        && (coupling(node) != null
            || active.stream()
                .map(k -> node.inputs().get(k))
                .anyMatch(
                    i ->
                        coupledInRegion.contains(i)
                            || graph.batchAxis(i).kind() == BatchAxis.Kind.REDUCED));
  }

  /** What the losses are functions of; empty where no second-order quantity is asked for. */
  Set<String> predictions() {
    return Collections.unmodifiableSet(predictions);
  }

  /** Whether a variable is computed from the predictions. */
  boolean isBehindPredictions(String variable) {
    return fromPredictions.contains(variable) && !predictions.contains(variable);
  }

  /** From a loss through factors and sums to the loss ops, whose predictions are known. */
  private void descend(String variable) {
    Node node = graph.producer(variable);
    if (!leads(variable) || graph.batchAxis(variable).kind() == BatchAxis.Kind.UNBATCHED) {
      return; // a penalty, or no term of the parameters at all
    }
    if (node == null) {
      return;
    }
    Rule rule = rules.apply(node);
    Set<Integer> leadingInputs =
        IntStream.range(0, node.inputs().size())
            .filter(k -> leads(node.inputs().get(k)) && rule.differentiable(context(node), k))
            .boxed()
            .collect(Collectors.toSet());
    if (!regionNodes.add(node)) {
      return;
    }
    if (rule instanceof LossRule loss) {
      boolean before = node.op().equals("log_loss") && startInFront(node);
      for (int k : before ? Set.<Integer>of() : loss.predictions()) {
        String prediction = node.inputs().get(k);
        if (leads(prediction)) {
          predictions.add(prediction);
          fromPredictions.add(prediction);
        }
      }
      fromPredictions.addAll(node.outputs());
      try {
        loss.checkHessianRoot(context(node), leadingInputs);
      } catch (UnsupportedOpException refused) {
        region.put(node, new Obstacle(refused.reason(), refused.remedy()));
      }
    } else if (node.op().equals("log") && startInFront(node)) {
      fromPredictions.addAll(node.outputs());
    } else if (AffineOps.contains(node.op())
        && rule.hasZeroHessian(context(node), sampled(node, leadingInputs))) {
      leadingInputs.forEach(k -> descend(node.inputs().get(k)));
      fromPredictions.addAll(node.outputs());
    } else {
      regionNodes.remove(node);
      withoutPredictions.add(node);
      region.put(
          node,
          new Obstacle(
              "the loss is not one of SameDiff's loss ops",
              "name its predictions: BackPack.on(sd).predictions(…)"));
    }
  }

  /** The inputs that depend on samples: in those the loss must be linear. */
  private Set<Integer> sampled(Node node, Set<Integer> inputs) {
    return inputs.stream()
        .filter(k -> graph.batchAxis(node.inputs().get(k)).kind() != BatchAxis.Kind.UNBATCHED)
        .collect(Collectors.toSet());
  }

  /** The inputs of a node that depend on the predictions; of the Hessian, all that vary. */
  Set<Integer> active(Node node) {
    if (whole) {
      Set<Integer> active = new HashSet<>(activeInputs.getOrDefault(node, Set.of()));
      active.addAll(meetings.getOrDefault(node, Set.of()));
      return active;
    }
    return IntStream.range(0, node.inputs().size())
        .filter(k -> fromPredictions.contains(node.inputs().get(k)))
        .boxed()
        .collect(Collectors.toSet());
  }

  /** The nodes between predictions and losses, in order. */
  List<Node> region() {
    return graph.nodes().stream().filter(regionNodes::contains).toList();
  }

  /** Whether the gradient travels to an input. */
  boolean carriesGradient(Node node, int input) {
    return leads(node.inputs().get(input))
        && rules.apply(node).differentiable(context(node), input);
  }

  /** Variables through which given parameters are reached, these themselves included. */
  Set<String> reaching(Set<String> targets) {
    Set<String> reached = new HashSet<>(targets);
    for (Node node : graph.nodes()) {
      for (int k = 0; k < node.inputs().size(); k++) {
        if (reached.contains(node.inputs().get(k)) && carriesGradient(node, k)) {
          reached.addAll(node.outputs());
        }
      }
    }
    return reached;
  }

  /** Whether columns travel to an input: inside the loss region only towards the predictions. */
  boolean carriesColumns(Node node, int input) {
    if (!carriesGradient(node, input)) {
      return false;
    }
    return whole
        || !regionNodes.contains(node)
        || fromPredictions.contains(node.inputs().get(input));
  }

  // ---- what stands in the way of a parameter's quantities ----

  /**
   * The obstacles for a kind of quantity: for each parameter that has some, the nodes in the order
   * of the graph. A node is looked at once, for all parameters that reach it.
   */
  Map<String, Map<Node, Obstacle>> obstacles(Kind kind) {
    Map<String, Map<Node, Obstacle>> found = new LinkedHashMap<>();
    Set<String> lost = through(kind == Kind.COLUMNS ? region.keySet() : withoutPredictions);
    Set<String> nameless = kind.secondOrder() ? through(withoutPredictions) : Set.of();
    for (Node node : graph.nodes()) {
      if (!passed(node)) {
        continue;
      }
      for (int k = 0; k < node.inputs().size(); k++) {
        if (reach.arrivesAt(node, k)) {
          Function<String, Obstacle> onTheWay = onTheWay(node, k, kind);
          boolean beside = kind == Kind.COLUMNS && beside(node, k);
          if (beside || onTheWay != null) {
            for (String p : reach.into(node, k)) {
              put(found, p, node, onTheWay == null ? null : onTheWay.apply(p));
              put(found, p, node, beside && !nameless.contains(p) ? besidePredictions(p) : null);
            }
          }
        }
      }
      Obstacle meeting = kind.secondOrder() ? atMeetings.get(node) : null;
      if (meeting != null) {
        (pairs ? reach.through(node) : meetingAt(node)).forEach(p -> put(found, p, node, meeting));
      }
      Obstacle any = inTheWay(node, kind);
      Obstacle coupling = kind.secondOrder() ? mixingOutsideRegion(node) : null;
      if (any != null || coupling != null) {
        for (String parameter : reach.through(node)) {
          put(found, parameter, node, any);
          if (!lost.contains(parameter) && !in(found, parameter, node)) {
            put(found, parameter, node, coupling);
          }
        }
      }
    }
    return found;
  }

  private static void put(
      Map<String, Map<Node, Obstacle>> found,
      String parameter,
      Node node,
      @Nullable Obstacle obstacle) {
    if (obstacle != null) {
      found.computeIfAbsent(parameter, p -> new LinkedHashMap<>()).put(node, obstacle);
    }
  }

  private static boolean in(Map<String, Map<Node, Obstacle>> found, String parameter, Node node) {
    return found.getOrDefault(parameter, Map.of()).containsKey(node);
  }

  /**
   * The parameters that reach one of some nodes. Those that reach an obstacle in the loss region
   * are not told that samples influence each other there: where the region is not known, what
   * belongs to the loss would be blamed. Nor are those whose predictions are not named told that
   * they enter the loss beside the predictions.
   */
  private Set<String> through(Set<Node> nodes) {
    Set<String> parameters = new HashSet<>();
    nodes.forEach(node -> parameters.addAll(reach.through(node)));
    return parameters;
  }

  private static Obstacle besidePredictions(String parameter) {
    return new Obstacle(
        "the loss depends on \"" + parameter + "\" otherwise than through the predictions",
        "name all predictions, or leave the parameter out");
  }

  /** What keeps a parameter that arrives at an input from going on; null if nothing does. */
  private @Nullable Function<String, Obstacle> onTheWay(Node node, int input, Kind kind) {
    if (kind == Kind.GRADIENT) {
      return null;
    }
    Rule rule = rules.apply(node);
    if (coupled(node, rule, input, kind)) {
      return parameter ->
          new Obstacle(
              "\""
                  + parameter
                  + "\" acts on all samples at once, by a value that was computed from all of them:"
                  + " what belongs to each sample is not defined",
              "compute that value from each sample alone, feed it by a placeholder of a fixed"
                  + " shape, or leave the parameter out");
    }
    if (sumAlone(node, rule, input)) {
      Obstacle sum =
          new Obstacle(
              "its gradient with respect to \""
                  + node.inputs().get(input)
                  + "\" is known as a sum over the samples alone",
              "leave the parameter out, or write the op with simpler ones");
      return parameter -> sum;
    }
    return null;
  }

  /** Whether an input enters the loss beside the predictions, and not as a penalty. */
  private boolean beside(Node node, int input) {
    return !whole
        && regionNodes.contains(node)
        && !fromPredictions.contains(node.inputs().get(input))
        && !penalties.isPenalty(node, input);
  }

  /** Reductions over the samples inside the region are what makes a loss of their losses. */
  private @Nullable Obstacle mixingOutsideRegion(Node node) {
    return regionNodes.contains(node) ? null : second.get(node);
  }

  /** What keeps every parameter that arrives at a node from going on. */
  private @Nullable Obstacle inTheWay(Node node, Kind kind) {
    Obstacle any = first.get(node);
    if (any != null || !kind.secondOrder()) {
      return any;
    }
    return kind == Kind.COLUMNS || withoutPredictions.contains(node) ? region.get(node) : null;
  }

  private boolean sumAlone(Node node, Rule rule, int input) {
    return graph.batchAxis(node.inputs().get(input)).kind() == BatchAxis.Kind.UNBATCHED
        && !rule.keepsSamplesSeparate(context(node), input);
  }

  /**
   * Whether a parameter enters a value that was computed from all samples, other than as a penalty:
   * what comes back is then a sum over the samples, whatever is made of it.
   */
  private boolean coupled(Node node, Rule rule, int input, Kind kind) {
    if (rule instanceof LossRule loss) {
      return kind == Kind.ROWS && loss.couples(context(node), input);
    }
    return graph.batchAxis(node.inputs().get(input)).kind() == BatchAxis.Kind.UNBATCHED
        && node.outputs().stream()
            .anyMatch(o -> graph.batchAxis(o).kind() == BatchAxis.Kind.REDUCED)
        && !(kind.secondOrder() && rule.addsSamplesUp(context(node)))
        && !penalties.isPenalty(node, input);
  }

  /** Nodes that let samples influence each other on the gradient's way, with what they do. */
  Map<Node, Obstacle> mixingNodes() {
    Map<Node, Obstacle> found = new LinkedHashMap<>();
    second.forEach(
        (node, obstacle) -> {
          if (!lossReduction(node)) {
            found.put(node, obstacle);
          }
        });
    return found;
  }

  /** Whether a reduction only adds up the samples' losses. */
  private boolean lossReduction(Node node) {
    return node.outputs().stream().allMatch(this::affineToLoss);
  }

  private boolean affineToLoss(String variable) {
    if (losses.contains(variable)) {
      return true;
    }
    List<Node> readers = graph.readers(variable).stream().filter(this::passed).toList();
    return !readers.isEmpty()
        && readers.stream()
            .allMatch(
                n ->
                    AffineOps.contains(n.op())
                        && n.outputs().stream().allMatch(this::affineToLoss));
  }

  /** The kinds of quantities, by what they need. */
  enum Kind {
    /** The gradient alone. */
    GRADIENT,
    /** The gradient, samples apart. */
    ROWS,
    /** Columns of a second-order quantity. */
    COLUMNS,
    /** Columns that start at the predictions, whatever the loss makes of these. */
    JACOBIAN;

    boolean secondOrder() {
      return this == COLUMNS || this == JACOBIAN;
    }
  }
}
