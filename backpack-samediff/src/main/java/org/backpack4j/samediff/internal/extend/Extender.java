package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.evaluate.LongWork;
import org.backpack4j.samediff.internal.evaluate.LossParts;
import org.backpack4j.samediff.internal.interpret.RandomOps;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.GraphProblemException;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.ir.Normaliser;
import org.backpack4j.samediff.internal.loss.LossRule;
import org.backpack4j.samediff.internal.loss.Losses;
import org.backpack4j.samediff.internal.nd4j.EmptyFeeds;
import org.backpack4j.samediff.internal.nd4j.GraphCopy;
import org.backpack4j.samediff.internal.nd4j.SaveRepair;
import org.backpack4j.samediff.internal.rewrite.Canonicalise;
import org.backpack4j.samediff.internal.rewrite.DeadOps;
import org.backpack4j.samediff.internal.rewrite.InferenceDropoutToIdentity;
import org.backpack4j.samediff.internal.rewrite.InputReshapes;
import org.backpack4j.samediff.internal.rule.Rules;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.internal.shape.SampleAxes;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The passes that extend a graph, one after the other. */
public final class Extender {
  private static final Logger log = LoggerFactory.getLogger(Extender.class);

  private static final OnceLog WARNINGS = new OnceLog(log);
  private static final int PASSES = 6;

  private final Request request;
  private final SameDiff source;
  private final Map<String, LossRule> losses = Losses.table();
  private final Map<String, Rule> registered;
  private static final String GRAD = "grad";

  private final LongWork work;
  private int passes;

  public Extender(Request request) {
    this.request = request;
    this.source = request.sd();
    this.registered = Rules.registered(request.rules());
    registered.keySet().stream()
        .filter(losses::containsKey)
        .findFirst()
        .ifPresent(
            op -> {
              throw new IllegalArgumentException(
                  "A rule is registered for "
                      + op
                      + ", a loss, whose own rule knows its curvature and what it divides by: leave"
                      + " it out.");
            });
    this.work = new LongWork(log, "Extending a graph of " + source.getOps().size() + " ops");
  }

  public ExtensionResult extend() {
    List<String> lossVariables = lossVariables();
    checkExtensions();
    checkNamedParameters();
    refuse(PreflightCheck.of(source, lossVariables, request.sampleAxes()));
    pass("copy");
    SameDiff copy = GraphCopy.of(source, request.held());
    copy.setLossVariables(lossVariables.toArray(new String[0]));
    SampleAxes.open(copy, request.sampleAxes());
    InferenceDropoutToIdentity.apply(copy);
    pass("rewrite");
    InputReshapes.apply(copy);
    GraphShapes shapes = shapes(copy, lossVariables);
    Map.Entry<String, Integer> sampled = shapes.sampleAxes().entrySet().iterator().next();
    Emitter emit = new Emitter(copy, sampled.getKey(), sampled.getValue(), 1);
    Annotations graph = new Annotations(shapes, emit);
    Map<Node, Rule> rules = place(graph);
    Set<String> parameters = parameters(shapes);
    request.variables().stream().filter(v -> isAskable(v, shapes)).forEach(parameters::add);
    pass("plan");
    Plans plans = plans(graph, rules, lossVariables, parameters);
    Quantities quantities = quantities(plans, new RandomDrawCheck(graph), graph, parameters);
    checkNames(quantities);
    Normaliser normaliser = normaliser(graph, rules, lossVariables, quantities);
    pass("insert");
    Outputs outputs =
        new QuantityBuilder(
                graph,
                rules::get,
                plans,
                lossVariables,
                quantities,
                normaliser,
                request.memoryBudget())
            .emit();
    List<String> names = new ArrayList<>(outputs.names());
    names.addAll(lossVariables);
    names.addAll(kernelInputs(copy, emit, names));
    pass("clean up");
    DeadOps.remove(copy, names);
    SaveRepair.apply(copy);
    EmptyFeeds.refuse(copy);
    List<String> faults = faults(shapes);
    pass("done");
    return new ExtensionResult(copy, emit, graph, rules, outputs, quantities, faults);
  }

  private Plans plans(
      Annotations graph, Map<Node, Rule> rules, List<String> losses, Set<String> parameters) {
    Set<Columns> columns =
        request.extensions().stream().map(Extension::columns).collect(Collectors.toSet());
    boolean ggn = columns.stream().anyMatch(c -> c.secondOrder() && !c.hessian());
    boolean products = columns.stream().anyMatch(c -> c.kind() == Columns.Kind.HESSIAN_VECTORS);
    boolean diagonals =
        columns.stream().anyMatch(c -> c.hessian() && c.kind() != Columns.Kind.HESSIAN_VECTORS);
    Function<ExtensionPlan.Start, ExtensionPlan> from =
        start ->
            new ExtensionPlan(graph, rules::get, losses, parameters, request.predictions(), start);
    ExtensionPlan plan =
        from.apply(ggn ? ExtensionPlan.Start.PREDICTIONS : ExtensionPlan.Start.NOWHERE);
    return new Plans(
        plan,
        diagonals ? from.apply(ExtensionPlan.Start.EVERYWHERE) : plan,
        products ? from.apply(ExtensionPlan.Start.EVERY_PAIR) : plan);
  }

  private static void refuse(List<Refusal> refusals) {
    if (!refusals.isEmpty()) {
      throw new UnsupportedGraphException(refusals);
    }
  }

  /** Numbers that are drawn may be the reason why a dry run fails: their shape may be a batch's. */
  private GraphShapes shapes(SameDiff copy, List<String> lossVariables) {
    try {
      Canonicalise.apply(copy, lossVariables, request.sampleAxes());
      pass("infer shapes");
      return GraphShapes.of(copy, lossVariables, request.sampleAxes());
    } catch (GraphProblemException e) {
      List<Refusal> found =
          new ArrayList<>(RandomDrawCheck.refusals(RandomOps.in(copy, lossVariables)));
      e.hindrances().forEach(h -> found.add(PreflightCheck.refusal(h)));
      UnsupportedGraphException refused = new UnsupportedGraphException(found);
      refused.initCause(e);
      throw refused;
    }
  }

  /** Nobody evaluates a converted graph but this library. */
  private List<String> faults(GraphShapes shapes) {
    if (request.conversion()) {
      return List.of();
    }
    FaultReport report = FaultReport.of(source, shapes);
    report.log(log, WARNINGS);
    return report.lines();
  }

  /** Reports that a pass begins; the last report is that all are done. */
  private void pass(String name) {
    if (passes < PASSES) {
      work.step(name);
    } else {
      work.done();
    }
    request.progress().step("extend: " + name, passes++, PASSES);
  }

  /** What kernels read for values that are needed: variables that no op may need any more. */
  private static Set<String> kernelInputs(SameDiff copy, Emitter emit, Collection<String> outputs) {
    Set<String> needed = new HashSet<>();
    ReferenceInterpreter.order(copy, outputs).forEach(op -> needed.addAll(op.getOutputsOfOp()));
    Set<String> inputs = new LinkedHashSet<>();
    emit.fusions().stream()
        .filter(f -> needed.contains(f.output().name()))
        .flatMap(f -> f.inputs().stream())
        .map(Tensor::name)
        .forEach(inputs::add);
    return inputs;
  }

  // ---- what was asked for ----

  private List<String> lossVariables() {
    List<String> losses = source.getLossVariables();
    if (losses == null || losses.isEmpty()) {
      throw new IllegalArgumentException(
          "The graph has no loss: name it by sd.setLossVariables(…), or use one of sd.loss()'s ops,"
              + " which mark themselves.");
    }
    for (String chosen : request.losses()) {
      if (!losses.contains(chosen)) {
        throw new IllegalArgumentException(
            "\"" + chosen + "\" is no loss variable of the graph; they are " + losses + ".");
      }
    }
    losses = request.losses().isEmpty() ? losses : request.losses();
    for (String loss : losses) {
      SDVariable v = source.getVariable(loss);
      if (v == null || !v.dataType().isFPType()) {
        throw new IllegalArgumentException(
            "The loss variable \"" + loss + "\" is not of a floating point type.");
      }
    }
    return List.copyOf(losses);
  }

  private void checkExtensions() {
    Map<String, Extension> byField = new HashMap<>();
    for (Extension extension : request.extensions()) {
      Extension other = byField.put(extension.field(), extension);
      if (other != null) {
        throw new IllegalArgumentException(
            "Two extensions compute \""
                + extension.field()
                + "\": extend the graph once for each.");
      }
    }
  }

  private void checkNamedParameters() {
    Set<String> named = new LinkedHashSet<>(request.named());
    named.addAll(request.without());
    for (String name : named) {
      SDVariable v = source.getVariable(name);
      if (v == null || v.getVariableType() != VariableType.VARIABLE) {
        throw new IllegalArgumentException(
            "\""
                + name
                + "\" is not a parameter of the graph; its parameters are "
                + source.variables().stream()
                    .filter(x -> x.getVariableType() == VariableType.VARIABLE)
                    .map(SDVariable::name)
                    .toList()
                + ".");
      }
      if (!v.dataType().isFPType()) {
        throw new IllegalArgumentException(
            "The parameter \""
                + name
                + "\" is of type "
                + v.dataType()
                + ": only floating point parameters have a gradient.");
      }
    }
  }

  private Set<String> parameters(GraphShapes shapes) {
    Set<String> parameters = new LinkedHashSet<>();
    // in the order of their first use: SameDiff's own order is not that of their creation
    ReferenceInterpreter.order(source, lossVariables()).stream()
        .filter(op -> op.getInputsToOp() != null)
        .flatMap(op -> op.getInputsToOp().stream())
        .map(source::getVariable)
        .filter(v -> v.getVariableType() == VariableType.VARIABLE && v.dataType().isFPType())
        .map(SDVariable::name)
        .filter(request.chosen())
        .filter(shapes::reaches) // not what an op takes and ignores, such as unused peepholes
        .forEach(parameters::add);
    for (String name : request.named()) {
      if (!shapes.reaches(name)) {
        throw new IllegalArgumentException(
            "The losses do not depend on the parameter \"" + name + "\".");
      }
    }
    if (parameters.isEmpty() && request.variables().isEmpty()) {
      throw new IllegalArgumentException("No parameter that the losses depend on is chosen.");
    }
    return parameters;
  }

  /** Whether a variable asked for beside the parameters is one that has a derivative. */
  private boolean isAskable(String name, GraphShapes shapes) {
    SDVariable v = source.getVariable(name);
    String reason = null;
    if (v == null) {
      reason = "the graph has no variable of that name";
    } else if (v.getVariableType() == VariableType.VARIABLE) {
      reason = "it is a parameter: choose it by parameters(…)";
    } else if (v.getVariableType() == VariableType.CONSTANT) {
      reason = "it is a constant: make a placeholder or a parameter of it";
    } else if (!v.dataType().isFPType()) {
      reason = "it is of type " + v.dataType() + ", and only floating point has a derivative";
    } else if (!shapes.reaches(name)) {
      reason =
          "the losses do not depend on it, or the op that computes it was replaced by simpler"
              + " ones: name a variable in front of that op or behind it";
    }
    if (reason != null) {
      throw new IllegalArgumentException(
          "Quantities of the variable \"" + name + "\" cannot be had: " + reason + ".");
    }
    return true;
  }

  // ---- pass 3: where the sample axis is ----

  private Map<Node, Rule> place(Annotations graph) {
    Map<Node, Rule> rules = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      Rule rule = rule(node.op());
      NodeContext context = new NodeContext(graph, node);
      try {
        for (int k = 0; k < node.outputs().size(); k++) {
          graph.place(node.outputs().get(k), rule.batchAxis(context, k));
        }
      } catch (UnsupportedOpException refused) {
        rule = new Refusing(refused);
        for (int k = 0; k < node.outputs().size(); k++) {
          graph.place(node.outputs().get(k), rule.batchAxis(context, k));
        }
      }
      rules.put(node, mixes(graph, node) ? Rules.acrossSamples(rule, context) : rule);
    }
    return rules;
  }

  /** A person's own rule comes first. */
  private Rule rule(String op) {
    Rule loss = losses.get(op);
    return loss != null ? loss : registered.getOrDefault(op, Rules.of(op));
  }

  private static boolean mixes(Annotations graph, Node node) {
    return node.outputs().stream().anyMatch(o -> graph.batchAxis(o).coupling() != null);
  }

  // ---- pass 4: what can be had ----

  private Quantities quantities(
      Plans plans, RandomDrawCheck draws, Annotations graph, Set<String> parameters) {
    ExtensionPlan plan = plans.plan();
    Set<Refusal> refusals = new LinkedHashSet<>();
    Map<String, Set<String>> refused = new LinkedHashMap<>();
    for (String parameter : parameters) {
      List<Refusal> drawn = draws.refusals(parameter, plan);
      if (!drawn.isEmpty()) {
        refused.put(parameter, new LinkedHashSet<>(kinds().keySet()));
        refusals.addAll(drawn);
      }
    }
    Map<Node, Set<Refusal>> byNode = new HashMap<>();
    kinds()
        .forEach(
            (quantity, columns) ->
                plans
                    .of(columns)
                    .obstacles(kind(quantity, columns))
                    .forEach(
                        (parameter, found) -> {
                          refused
                              .computeIfAbsent(parameter, p -> new LinkedHashSet<>())
                              .add(quantity);
                          found.forEach(
                              (node, o) ->
                                  byNode
                                      .computeIfAbsent(node, n -> new LinkedHashSet<>())
                                      .add(
                                          new Refusal(
                                              quantity, place(node), o.reason(), o.remedy())));
                        }));
    graph.nodes().forEach(node -> refusals.addAll(byNode.getOrDefault(node, Set.of())));
    for (String variable : request.variables()) {
      kinds()
          .forEach(
              (quantity, columns) ->
                  ofVariable(variable, quantity, columns, ownLosses(quantity), plans, graph)
                      .ifPresent(
                          r -> {
                            refused
                                .computeIfAbsent(variable, v -> new LinkedHashSet<>())
                                .add(quantity);
                            if (columns.kind().ofVariables() && !ownLosses(quantity)) {
                              refusals.add(r); // what is of parameters alone is no loss
                            }
                          }));
    }
    if (!request.lenient()) {
      refuse(List.copyOf(refusals));
    }
    if (request.extensions().stream().anyMatch(x -> !x.columns().secondOrder())) {
      warnOfMixing(plan.mixingNodes());
    }
    List<String> notes = new ArrayList<>(idle(parameters));
    notes.addAll(plan.notes());
    notes.forEach(WARNINGS::warn);
    return new Quantities(
        parameters,
        request.extensions(),
        List.copyOf(plan.predictions()),
        refused,
        new ArrayList<>(refusals),
        notes,
        request.lenient());
  }

  /** What the losses divide by, for quantities in the scale of each sample's own loss. */
  private Normaliser normaliser(
      Annotations graph, Map<Node, Rule> rules, List<String> losses, Quantities quantities) {
    List<Extension> own = request.extensions().stream().filter(Extension::ofOwnLosses).toList();
    if (own.isEmpty()) {
      return Normaliser.NONE;
    }
    try {
      return new LossParts(graph, rules, request.places(), losses).normaliser();
    } catch (UnsupportedGraphException e) {
      List<Refusal> refusals =
          own.stream().flatMap(x -> e.refusals().stream().map(r -> of(x, r))).toList();
      if (!request.lenient()) {
        UnsupportedGraphException refused = new UnsupportedGraphException(refusals);
        refused.initCause(e);
        throw refused;
      }
      quantities.refuse(own, refusals);
      return Normaliser.NONE;
    }
  }

  private static Refusal of(Extension extension, Refusal r) {
    return new Refusal(extension.field(), r.node(), r.reason(), r.remedy());
  }

  /** Parameters without quantities; one that was asked for by its name would have been refused. */
  private List<String> idle(Set<String> parameters) {
    if (request.conversion()) {
      return List.of(); // a layer has parameters that serve other ends, such as pretraining
    }
    List<String> idle =
        source.variables().stream()
            .filter(v -> v.getVariableType() == VariableType.VARIABLE && v.dataType().isFPType())
            .map(SDVariable::name)
            .filter(name -> request.chosen().test(name) && !parameters.contains(name))
            .map(name -> "\"" + name + "\"")
            .toList();
    return idle.isEmpty()
        ? List.of()
        : List.of(
            "There are no quantities of what the losses do not depend on: "
                + String.join(", ", idle)
                + ".");
  }

  private boolean ownLosses(String quantity) {
    return request.extensions().stream()
        .anyMatch(x -> x.field().equals(quantity) && x.ofOwnLosses());
  }

  /**
   * What of an input or an activation is not defined, other than what an op stands in the way of.
   */
  private static Optional<Refusal> ofVariable(
      String variable,
      String quantity,
      Columns columns,
      boolean ownLosses,
      Plans plans,
      Annotations graph) {
    ExtensionPlan plan = plans.of(columns);
    BatchAxis axis = graph.batchAxis(variable);
    String reason = null;
    if (quantity.equals(GRAD)) {
      return Optional.empty();
    } else if (axis.kind() == BatchAxis.Kind.REDUCED) {
      reason = "it was computed from all samples together: no sample has a part of it";
    } else if (ownLosses || !columns.kind().ofVariables()) {
      reason = "the quantity is one of parameters alone";
    } else if (columns.secondOrder() && !columns.hessian() && plan.isBehindPredictions(variable)) {
      reason = "it lies between the predictions and the loss";
    }
    return Optional.ofNullable(reason)
        .map(r -> new Refusal(quantity, "\"" + variable + "\"", r, "leave the variable out"));
  }

  /** What a person knows a node by: the layer that it belongs to, if the graph was converted. */
  private String place(Node node) {
    String place = request.places().apply(node.label());
    return place.equals(node.label()) ? node.toString() : place;
  }

  private static void warnOfMixing(Map<Node, Obstacle> nodes) {
    nodes.entrySet().stream()
        .findFirst()
        .ifPresent(
            first ->
                WARNINGS.warn(
                    ("%s: %s%s. Gradients of single samples follow BackPACK's convention there:"
                            + " rows of the true, coupled gradient.")
                        .formatted(
                            first.getKey(),
                            first.getValue().reason(),
                            nodes.size() == 1
                                ? ""
                                : ", and " + (nodes.size() - 1) + " nodes more")));
  }

  /** The fields, and which columns they are made of. */
  private Map<String, Columns> kinds() {
    Map<String, Columns> kinds = new LinkedHashMap<>();
    kinds.put(GRAD, Columns.GRADIENT);
    request.extensions().forEach(extension -> kinds.put(extension.field(), extension.columns()));
    return kinds;
  }

  private static Obstacles.Kind kind(String quantity, Columns columns) {
    if (columns.secondOrder()) {
      return columns.curved() ? Obstacles.Kind.COLUMNS : Obstacles.Kind.JACOBIAN;
    }
    return quantity.equals(GRAD) ? Obstacles.Kind.GRADIENT : Obstacles.Kind.ROWS;
  }

  private void checkNames(Quantities quantities) {
    for (String parameter : quantities.parameters()) {
      List<String> fields = new ArrayList<>(List.of("grad", "grad_penalty", "vector"));
      request.extensions().forEach(e -> fields.add(e.field()));
      for (String field : fields) {
        String name = Outputs.name(parameter, field);
        if (source.hasVariable(name)) {
          throw Emitter.taken(name);
        }
      }
    }
  }

  /** A node whose sample axis could not be told. */
  private record Refusing(UnsupportedOpException why) implements Rule {
    @Override
    public BatchAxis batchAxis(NodeContext context, int output) {
      return org.backpack4j.samediff.internal.autodiff.BatchAxes.byShape(context, output);
    }

    @Override
    public void check(NodeContext context) {
      throw why;
    }

    @Override
    public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
      throw why;
    }

    @Override
    public String name() {
      return "-";
    }
  }
}
