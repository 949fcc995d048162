package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Function;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.internal.autodiff.ReversePass;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.contribution.Dense;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.ir.Normaliser;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/** Pass 5: emits the sweeps and the quantities. */
final class QuantityBuilder {
  private final Annotations graph;
  private final Function<Node, Rule> rules;
  private final Plans plans;
  private final ExtensionPlan plan;
  private final List<String> lossVariables;
  private final Quantities quantities;
  private final LossDivisor divisor;
  private final Emitter emit;
  private final long memoryBudget;

  /** How many columns of a kind all sources have together. */
  private final Map<Columns, Long> counts = new HashMap<>();

  private final DataFlowCheck flow;
  private final Outputs outputs = new Outputs();
  private final QuantityFields fields;

  QuantityBuilder(
      Annotations graph,
      Function<Node, Rule> rules,
      Plans plans,
      List<String> lossVariables,
      Quantities quantities,
      Normaliser normaliser,
      long memoryBudget) {
    this.graph = graph;
    this.rules = rules;
    this.plans = plans;
    this.plan = plans.plan();
    this.lossVariables = lossVariables;
    this.quantities = quantities;
    this.memoryBudget = memoryBudget;
    this.emit = graph.emit();
    this.divisor = new LossDivisor(graph, normaliser);
    this.flow = new DataFlowCheck(graph, rules);
    this.fields = new QuantityFields(emit, quantities, outputs);
  }

  Outputs emit() {
    GradientPass first = new GradientPass(graph, rules, plan, lossVariables, quantities, fields);
    ReversePass gradient = first.sweep();
    gradient.run(parameter -> {});
    first.starts().forEach(outputs::startsAt);
    for (String parameter : quantities.parameters()) {
      add(parameter, Columns.GRADIENT, gradient, List.of());
      first.quantities(parameter); // the sum of samples' gradients that are at hand costs little
    }
    together(Columns.GRADIENT, gradient, List.of());
    first.check(flow);
    Set<Columns> kinds = new LinkedHashSet<>();
    quantities.extensions().stream()
        .map(Extension::columns)
        .filter(Columns::secondOrder)
        .filter(columns -> !parametersWith(columns).isEmpty())
        .forEach(kinds::add);
    ColumnSeeds starts = new ColumnSeeds(graph, rules, plans, gradient);
    Noise noise = starts.noise(kinds);
    if (noise != null) {
      outputs.draws(noise);
      emit.graph()
          .placeHolder(Noise.PLACEHOLDER, graph.type(lossVariables.get(0)), -1, noise.width());
    }
    kinds.forEach(columns -> secondOrder(columns, starts));
    emit.large().forEach(outputs::startsAt);
    for (String parameter : quantities.parameters()) {
      for (Extension extension : quantities.extensions()) {
        if (!extension.ofPredictions()
            && quantities.has(parameter, extension.field())
            && !fields.has(parameter, extension)) {
          emit.in(parameter, () -> zeros(parameter, extension))
              .forEach(r -> fields.put(parameter, extension, r));
        }
      }
      fields.handOn(parameter);
    }
    fields.handOn(Outputs.TOGETHER);
    fields.checkNames();
    outputs.named(emit);
    return outputs;
  }

  /** Adds what a sweep's columns give a parameter to what others have given. */
  private void add(
      String parameter, Columns columns, ReversePass sweep, List<ColumnChunks.Seed> seeds) {
    List<ParameterVjp> rows = arrivals(parameter, sweep);
    if (rows.isEmpty() || !quantities.parameters().contains(parameter)) {
      return;
    }
    for (Extension extension : quantities.extensions()) {
      if (extension.columns().equals(columns)
          && quantities.has(parameter, extension.field())
          && !extension.ofOwnLosses()) {
        List<ParameterVjp> given =
            extension.additive() || seeds.isEmpty() ? rows : ofEachSource(parameter, sweep, seeds);
        for (Extension.Result result :
            emit.in(parameter, () -> extension.results(emit, parameter, given))) {
          fields.noteAxes(parameter, extension, result);
          fields.add(parameter, parameter, extension, result);
        }
      }
    }
  }

  /** The columns of every source in order, zero where they did not arrive. */
  private List<ParameterVjp> ofEachSource(
      String variable, ReversePass sweep, List<ColumnChunks.Seed> seeds) {
    Map<String, Long> sources = new LinkedHashMap<>();
    seeds.forEach(seed -> sources.put(seed.source(), seed.signs().count()));
    boolean shared = graph.batchAxis(variable).kind() == BatchAxis.Kind.UNBATCHED;
    List<ParameterVjp> all = new ArrayList<>();
    sources.forEach(
        (source, count) -> {
          ParameterVjp rows =
              shared ? sweep.rowsAt(variable, source) : dense(sweep.at(variable).get(source));
          all.add(rows != null ? rows : zeros(variable, count));
        });
    return all;
  }

  private @Nullable ParameterVjp dense(@Nullable Cotangent cotangent) {
    return cotangent == null ? null : new Dense(emit, cotangent.value(), cotangent.signs());
  }

  /** Columns that are zero. */
  private ParameterVjp zeros(String variable, long columns) {
    Tensor zero = emit.scale(graph.samplesFirst(variable), 0); // [N or 1, P…]
    Dims one = Dims.of(zero.dims().get(0), Dim.ONE).plus(zero.dims().from(1));
    Dims each = Dims.of(Dim.N, Dim.of(columns)).plus(zero.dims().from(1));
    return new Dense(emit, emit.broadcast(emit.reshape(zero, one), each), null);
  }

  /** Results of all parameters together, where an extension has some. */
  private void together(
      Columns columns, @Nullable ReversePass sweep, List<ColumnChunks.Seed> seeds) {
    for (Extension extension : quantities.extensions()) {
      if (!extension.columns().equals(columns)) {
        continue;
      }
      Map<String, List<ParameterVjp>> all = new LinkedHashMap<>();
      for (String parameter : quantities.parameters()) {
        if (quantities.has(parameter, extension.field())
            && graph.batchAxis(parameter).kind() == BatchAxis.Kind.UNBATCHED) {
          List<ParameterVjp> rows = List.of();
          if (sweep != null) {
            rows =
                extension.additive() || seeds.isEmpty()
                    ? arrivals(parameter, sweep)
                    : ofEachSource(parameter, sweep, seeds);
          }
          all.put(
              parameter, rows.isEmpty() ? List.of(zeros(parameter, columnsOf(extension))) : rows);
        }
      }
      if (extension.ofOwnLosses()) {
        emit.in(extension.field(), () -> extension.ofOwnLosses(emit, all, divisor.emit()))
            .forEach(
                (parameter, results) -> results.forEach(r -> fields.put(parameter, extension, r)));
        continue;
      }
      for (Extension.Result result :
          emit.in(extension.field(), () -> extension.together(emit, all))) {
        fields.add(Outputs.TOGETHER, extension.field(), extension, result);
      }
    }
  }

  /** What arrived at a parameter; at an input or activation, what did at each sample's own. */
  private List<ParameterVjp> arrivals(String variable, ReversePass sweep) {
    if (graph.batchAxis(variable).kind() == BatchAxis.Kind.UNBATCHED) {
      return sweep.rowsAt(variable);
    }
    return sweep.at(variable).values().stream()
        .<ParameterVjp>map(c -> new Dense(emit, c.value(), c.signs()))
        .toList();
  }

  /** How many columns a quantity has that keeps them. */
  private long columnsOf(Extension extension) {
    return extension.additive() ? 1 : Math.max(1, counts.getOrDefault(extension.columns(), 1L));
  }

  /** A quantity of a parameter that no columns reach: what zero columns give. */
  private List<Extension.Result> zeros(String parameter, Extension extension) {
    return extension.results(emit, parameter, List.of(zeros(parameter, columnsOf(extension))));
  }

  /** Sends columns back through the graph, and makes of them what is asked for. */
  private void secondOrder(Columns columns, ColumnSeeds starts) {
    switch (columns.kind()) {
      case AVERAGED -> averaged(columns, starts);
      case VECTORS,
          HESSIAN_VECTORS,
          CLIPPED_VECTORS,
          ABSOLUTE_VECTORS,
          FISHER_VECTORS,
          SAMPLED_VECTORS ->
          products(columns).products(() -> starts.of(columns, outputs.noise()), starts::gradientAt);
      case TANGENTS -> products(columns).tangents();
      default -> columns(columns, starts);
    }
  }

  private VectorProducts products(Columns columns) {
    return new VectorProducts(graph, rules, plans, columns, quantities, outputs, fields::put);
  }

  private void columns(Columns columns, ColumnSeeds starts) {
    ExtensionPlan way = plans.of(columns);
    boolean additive =
        quantities.extensions().stream()
            .filter(extension -> extension.columns().equals(columns))
            .allMatch(Extension::additive);
    Set<String> targets = plan.reaching(parametersWith(columns));
    BiPredicate<Node, Integer> carries =
        (node, k) -> way.carriesColumns(node, k) && targets.contains(node.inputs().get(k));
    List<ColumnChunks.Seed> seeds = starts.of(columns, outputs.noise());
    refuseSigned(columns, seeds);
    Map<String, Long> sources = new HashMap<>();
    seeds.forEach(seed -> sources.put(seed.source(), seed.signs().count()));
    counts.put(
        columns,
        seeds.isEmpty()
            ? Math.max(1, columns.samples())
            : sources.values().stream().mapToLong(Long::longValue).sum());
    long most = additive ? columnsAtOnce(carries) : Long.MAX_VALUE;
    List<ReversePass> sweeps = new ArrayList<>();
    for (ColumnChunks.Group group : ColumnChunks.of(seeds, most)) {
      ReversePass sweep =
          new ReversePass(graph, rules, carries, variable -> true, variable -> false);
      sweeps.add(sweep);
      for (ColumnChunks.Start start : group.starts(emit)) {
        outputs.startsAt(start.cotangent().value());
        sweep.seed(start.variable(), start.cotangent());
      }
      if (group.columns() > 1) {
        // many columns take more memory than what is made of them
        sweep.run(parameter -> add(parameter, columns, sweep, seeds));
        quantities.parameters().stream()
            .filter(p -> graph.producer(p) != null)
            .forEach(activation -> add(activation, columns, sweep, seeds));
      } else {
        sweep.run(parameter -> {});
        quantities.parameters().forEach(parameter -> add(parameter, columns, sweep, seeds));
      }
      together(columns, sweep, seeds);
    }
    if (seeds.isEmpty()) {
      together(columns, null, seeds);
    }
    if (!columns.hessian()) { // the Hessian of a linear way is zero, and nothing arrives
      flow.checkColumns(
          sweeps,
          seeds.stream().map(ColumnChunks.Seed::variable).toList(),
          parametersWith(columns));
    }
  }

  /** Sends a matrix back along the single way that there is. */
  private void averaged(Columns columns, ColumnSeeds starts) {
    List<ColumnChunks.Seed> seeds = starts.of(columns, outputs.noise());
    refuseSigned(columns, seeds);
    AveragedPass pass = new AveragedPass(graph, rules, plans.of(columns));
    Optional<AveragedPass.Branch> branch = pass.run(seeds);
    for (Extension extension : quantities.extensions()) {
      if (!extension.columns().equals(columns)) {
        continue;
      }
      branch.ifPresent(
          b ->
              quantities.refuse(
                  extension,
                  "\"" + b.where() + "\"",
                  "it goes back along a single way, and " + b.reason(),
                  "ask for KFLR, KFACExpand or KFACReduce"));
      for (String parameter : quantities.parameters()) {
        for (Extension.Result result : pass.results().getOrDefault(parameter, List.of())) {
          if (quantities.has(parameter, extension.field())) {
            fields.noteAxes(parameter, extension, result);
            fields.put(parameter, extension, result);
          }
        }
      }
    }
  }

  /** A square root has no columns with the sign −. */
  private void refuseSigned(Columns columns, List<ColumnChunks.Seed> seeds) {
    for (Extension extension : quantities.extensions()) {
      if (extension.columns().equals(columns) && extension.unsigned()) {
        seeds.stream()
            .filter(seed -> seed.signs().all() <= 0)
            .findFirst()
            .ifPresent(
                seed ->
                    quantities.refuse(
                        extension,
                        "\"" + seed.scope() + "\"",
                        "the second derivative of the loss is not known to be positive there, and"
                            + " has no real square root then",
                        "ask for the diagonal, or write the loss with one of SameDiff's loss ops"));
      }
    }
  }

  /**
   * How many columns of a single sample have room: at the variable where they are largest they are
   * to take a third of the budget, since a rule reads one such cotangent and makes another.
   */
  private long columnsAtOnce(BiPredicate<Node, Integer> carries) {
    long widest = 1;
    for (Node node : graph.nodes()) {
      for (int k = 0; k < node.inputs().size(); k++) {
        String variable = node.inputs().get(k);
        BatchAxis place = graph.batchAxis(variable);
        if (place.hasSamples() && carries.test(node, k)) {
          long entries = place.perSample(graph.dims(variable)).product().size();
          widest = Math.max(widest, entries * graph.type(variable).width());
        }
      }
    }
    return Math.max(1, memoryBudget / 3 / widest);
  }

  /** The parameters for which something is to be made of columns. */
  private Set<String> parametersWith(Columns columns) {
    Set<String> possible = new HashSet<>();
    for (Extension extension : quantities.extensions()) {
      if (extension.columns().equals(columns)) {
        quantities.parameters().stream()
            .filter(p -> quantities.has(p, extension.field()))
            .forEach(possible::add);
      }
    }
    return possible;
  }
}
