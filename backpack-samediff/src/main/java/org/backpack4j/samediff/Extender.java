package org.backpack4j.samediff;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.backpack4j.samediff.backprop.Annotations;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Refusal;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Signal;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.backprop.Sweep;
import org.backpack4j.samediff.contribution.Contribution;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.EntranceReshapes;
import org.backpack4j.samediff.graph.GraphCopy;
import org.backpack4j.samediff.graph.GraphShapes;
import org.backpack4j.samediff.graph.Node;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.backpack4j.samediff.loss.LossRule;
import org.backpack4j.samediff.loss.Losses;
import org.backpack4j.samediff.rule.Rules;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The passes that extend a graph, one after the other. */
final class Extender {
  private static final Logger log = LoggerFactory.getLogger(Extender.class);
  private static final String GRADIENT = "gradient";

  private final Request request;
  private final SameDiff source;
  private final Map<String, LossRule> losses = Losses.table();

  Extender(Request request) {
    this.request = request;
    this.source = request.sd();
  }

  ExtendedGraph extend() {
    List<String> lossVariables = lossVariables();
    checkExtensions();
    checkNamedParameters();
    SameDiff copy = GraphCopy.of(source);
    EntranceReshapes.apply(copy);
    GraphShapes shapes = GraphShapes.of(copy, lossVariables, request.sampleAxes());
    Map.Entry<String, Integer> sampled = shapes.sampleAxes().entrySet().iterator().next();
    Emitter emit = new Emitter(copy, sampled.getKey(), sampled.getValue(), 1);
    Annotations graph = new Annotations(shapes, emit);
    Map<Node, Rule> rules = place(graph);
    Set<String> parameters = parameters(shapes);
    Plan plan =
        new Plan(
            graph,
            rules::get,
            lossVariables,
            parameters,
            request.predictions(),
            request.extensions().stream().anyMatch(e -> e.columns().secondOrder()));
    Quantities quantities = quantities(plan, parameters);
    checkNames(quantities);
    Outputs outputs = new Emission(graph, rules::get, plan, lossVariables, quantities).emit();
    return new ExtendedGraph(source, copy, emit, graph, rules, outputs, quantities.refusals());
  }

  // ---- what was asked for ----

  private List<String> lossVariables() {
    List<String> losses = source.getLossVariables();
    if (losses == null || losses.isEmpty()) {
      throw new IllegalArgumentException(
          "The graph has no loss: name it by sd.setLossVariables(…), or use one of sd.loss()'s ops, which mark"
              + " themselves.");
    }
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
    for (SDVariable v : source.variables()) {
      if (v.getVariableType() != VariableType.VARIABLE
          || !v.dataType().isFPType()
          || !request.chosen().test(v.name())) {
        continue;
      }
      if (shapes.reaches(v.name())) {
        parameters.add(v.name());
      } else if (request.named().contains(v.name())) {
        throw new IllegalArgumentException(
            "The losses do not depend on the parameter \"" + v.name() + "\".");
      }
    }
    if (parameters.isEmpty()) {
      throw new IllegalArgumentException("No parameter that the losses depend on is chosen.");
    }
    return parameters;
  }

  // ---- pass 3: where the sample axis is ----

  private Map<Node, Rule> place(Annotations graph) {
    Map<Node, Rule> rules = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      Rule loss = losses.get(node.op());
      Rule rule = loss != null ? loss : Rules.of(node.op());
      Site site = new Site(graph, node);
      try {
        for (int k = 0; k < node.outputs().size(); k++) {
          graph.place(node.outputs().get(k), rule.place(site, k));
        }
      } catch (Refused refused) {
        rule = new Refusing(refused);
        for (int k = 0; k < node.outputs().size(); k++) {
          graph.place(node.outputs().get(k), rule.place(site, k));
        }
      }
      rules.put(node, rule);
    }
    return rules;
  }

  // ---- pass 4: what can be had ----

  private Quantities quantities(Plan plan, Set<String> parameters) {
    List<Refusal> refusals = new ArrayList<>();
    Map<String, Set<String>> refused = new LinkedHashMap<>();
    Set<Refusal> told = new HashSet<>();
    for (String parameter : parameters) {
      for (Map.Entry<String, Plan.Kind> quantity : kinds().entrySet()) {
        List<Refusal> found =
            Plan.refusals(quantity.getKey(), plan.obstacles(parameter, quantity.getValue()));
        if (!found.isEmpty()) {
          refused.computeIfAbsent(parameter, p -> new LinkedHashSet<>()).add(quantity.getKey());
          found.stream().filter(told::add).forEach(refusals::add);
        }
      }
    }
    if (!refusals.isEmpty() && !request.lenient()) {
      throw new UnsupportedGraphException(refusals);
    }
    plan.mixingNodes()
        .forEach(
            (node, obstacle) ->
                log.warn(
                    "{}: {}. Gradients of single samples follow BackPACK's convention there: rows of the true, coupled"
                        + " gradient.",
                    node,
                    obstacle.reason()));
    return new Quantities(parameters, request.extensions(), refused, refusals);
  }

  private Map<String, Plan.Kind> kinds() {
    Map<String, Plan.Kind> kinds = new LinkedHashMap<>();
    kinds.put("grad", Plan.Kind.GRADIENT);
    for (Extension extension : request.extensions()) {
      kinds.put(
          extension.field(),
          extension.columns().secondOrder() ? Plan.Kind.COLUMNS : Plan.Kind.ROWS);
    }
    return kinds;
  }

  private void checkNames(Quantities quantities) {
    for (String parameter : quantities.parameters()) {
      List<String> fields = new ArrayList<>(List.of("grad", "grad_penalty"));
      request.extensions().forEach(e -> fields.add(e.field()));
      for (String field : fields) {
        String name = Outputs.name(parameter, field);
        if (source.hasVariable(name)) {
          throw new IllegalArgumentException(
              "The graph has a variable \""
                  + name
                  + "\" already: rename it, since the extended graph needs the name.");
        }
      }
    }
  }

  /** A node whose sample axis could not be told. */
  private record Refusing(Refused why) implements Rule {
    @Override
    public Placement place(Site site, int output) {
      return org.backpack4j.samediff.backprop.Placements.byShape(site, output);
    }

    @Override
    public void check(Site site) {
      throw why;
    }

    @Override
    public Tensor pull(Site site, int input, int output, Tensor signal) {
      throw why;
    }

    @Override
    public String name() {
      return "-";
    }
  }

  /** Pass 5: emits the sweeps and the quantities. */
  private static final class Emission {
    private final Annotations graph;
    private final Function<Node, Rule> rules;
    private final Plan plan;
    private final List<String> lossVariables;
    private final Quantities quantities;
    private final Emitter emit;
    private final Map<Columns, Sweep> sweeps = new HashMap<>();

    Emission(
        Annotations graph,
        Function<Node, Rule> rules,
        Plan plan,
        List<String> lossVariables,
        Quantities quantities) {
      this.graph = graph;
      this.rules = rules;
      this.plan = plan;
      this.lossVariables = lossVariables;
      this.quantities = quantities;
      this.emit = graph.emit();
    }

    Outputs emit() {
      Outputs outputs = new Outputs();
      Sweep gradient = gradient();
      sweeps.put(Columns.GRADIENT, gradient);
      for (String parameter : quantities.parameters()) {
        emit.in(
            parameter,
            () -> {
              if (quantities.has(parameter, "grad")) {
                gradientOf(parameter, gradient, outputs);
              }
              for (Extension extension : quantities.extensions()) {
                if (quantities.has(parameter, extension.field())) {
                  quantity(parameter, extension, outputs);
                }
              }
              return parameter;
            });
      }
      outputs.named(emit);
      return outputs;
    }

    private void gradientOf(String parameter, Sweep gradient, Outputs outputs) {
      List<Tensor> all = new ArrayList<>();
      List<Tensor> penalties = new ArrayList<>();
      gradient.rowsAt(parameter).forEach(c -> all.add(withoutColumn(c.sum())));
      for (Contribution sum : gradient.sumsAt(parameter)) {
        Tensor total = withoutColumn(sum.sum());
        all.add(total);
        if (!total.fromSamples()) {
          penalties.add(total);
        }
      }
      outputs.put(parameter, "grad", all.isEmpty() ? zeros(parameter) : sum(all));
      if (!penalties.isEmpty()) {
        outputs.put(parameter, "grad_penalty", sum(penalties));
      }
    }

    private void quantity(String parameter, Extension extension, Outputs outputs) {
      Sweep sweep = sweeps.computeIfAbsent(extension.columns(), this::columns);
      List<Contribution> rows = sweep.rowsAt(parameter);
      outputs.put(
          parameter,
          extension.field(),
          rows.isEmpty() ? zeros(parameter, extension) : extension.compute(emit, rows));
    }

    private Tensor zeros(String parameter) {
      return emit.scale(graph.forward(parameter), 0);
    }

    /** A quantity of a parameter that no columns reach: what zero columns give. */
    private Tensor zeros(String parameter, Extension extension) {
      Tensor zero = zeros(parameter);
      Tensor rows = emit.reshape(zero, Dims.of(1, 1).plus(zero.dims()));
      Tensor samples = emit.broadcast(rows, rows.dims().with(0, Dim.N));
      return extension.compute(
          emit, List.of(new org.backpack4j.samediff.contribution.Given(emit, samples, null)));
    }

    private Tensor sum(List<Tensor> parts) {
      return parts.stream().reduce(emit::add).orElseThrow();
    }

    private Tensor withoutColumn(Tensor sum) {
      return emit.reshape(sum, sum.dims().from(1));
    }

    private Sweep gradient() {
      Set<String> rows = new HashSet<>();
      for (String parameter : quantities.parameters()) {
        boolean wanted =
            quantities.extensions().stream()
                .anyMatch(e -> !e.columns().secondOrder() && quantities.has(parameter, e.field()));
        if (wanted) {
          rows.add(parameter);
        }
      }
      for (Node node : graph.nodes()) {
        if (node.inputs().stream().anyMatch(rows::contains)) {
          rows.addAll(node.outputs());
        }
      }
      Set<String> possible = new HashSet<>();
      quantities.parameters().stream()
          .filter(p -> quantities.has(p, "grad"))
          .forEach(possible::add);
      Set<String> targets = reaching(possible);
      Sweep sweep =
          new Sweep(
              graph,
              rules,
              (node, k) -> plan.carriesGradient(node, k) && targets.contains(node.inputs().get(k)),
              rows::contains);
      for (String loss : lossVariables) {
        if (plan.leads(loss) && targets.contains(loss)) {
          Placement place = graph.placement(loss);
          Dims part = place.perSample(graph.dims(loss));
          Tensor one = emit.literal(1, graph.type(loss), Dims.of(1, 1));
          Tensor seed = one;
          if (!part.product().isOne() || place.hasSamples()) {
            Dims full = Dims.of(place.hasSamples() ? Dim.N : Dim.ONE, Dim.ONE).plus(part);
            long[] ones = new long[full.rank()];
            java.util.Arrays.fill(ones, 1);
            seed = emit.broadcast(emit.literal(1, graph.type(loss), Dims.of(ones)), full);
          } else {
            seed = emit.reshape(one, Dims.of(1, 1).plus(part));
          }
          sweep.seed(loss, new Signal(GRADIENT, seed, null));
        }
      }
      sweep.run();
      return sweep;
    }

    /** Variables through which given parameters are reached. */
    private Set<String> reaching(Set<String> parameters) {
      Set<String> reached = new HashSet<>(parameters);
      for (Node node : graph.nodes()) {
        for (int k = 0; k < node.inputs().size(); k++) {
          if (reached.contains(node.inputs().get(k)) && plan.carriesGradient(node, k)) {
            reached.addAll(node.outputs());
          }
        }
      }
      return reached;
    }

    private Sweep columns(Columns columns) {
      Sweep gradient = java.util.Objects.requireNonNull(sweeps.get(Columns.GRADIENT));
      Set<String> possible = new HashSet<>();
      for (String parameter : quantities.parameters()) {
        if (quantities.extensions().stream()
            .anyMatch(e -> e.columns().equals(columns) && quantities.has(parameter, e.field()))) {
          possible.add(parameter);
        }
      }
      Set<String> targets = reaching(possible);
      Sweep sweep =
          new Sweep(
              graph,
              rules,
              (node, k) -> plan.carriesColumns(node, k) && targets.contains(node.inputs().get(k)),
              variable -> true);
      for (Node node : plan.region()) {
        emit.in(node.name(), () -> seed(node, columns, gradient, sweep));
      }
      sweep.run();
      return sweep;
    }

    private int seed(Node node, Columns columns, Sweep gradient, Sweep sweep) {
      Site site = new Site(graph, node);
      Rule rule = rules.apply(node);
      Set<Integer> active = plan.active(node);
      if (rule.linear(site, active)) {
        return 0;
      }
      int started = 0;
      for (int output = 0; output < node.outputs().size(); output++) {
        Tensor above = gradient.gradientAt(node.outputs().get(output), GRADIENT);
        if (above == null) {
          continue;
        }
        List<Curvature> groups = rule.curvature(site, output, above, active);
        for (Curvature group : groups) {
          String source = node.name() + "/" + output + "/" + started++;
          group
              .columns()
              .forEach(
                  (input, value) ->
                      sweep.seed(
                          node.inputs().get(input), new Signal(source, value, group.signs())));
        }
      }
      return started;
    }
  }
}
