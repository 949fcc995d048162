package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.ColumnSigns;
import org.backpack4j.samediff.internal.autodiff.ColumnSource;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.ReversePass;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.loss.LogLikelihood;
import org.backpack4j.samediff.internal.loss.LossRule;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/** Where the columns of second-order quantities start: at nodes that are not linear. */
final class ColumnSeeds {
  private static final String UNIT = "predictions";

  private final Annotations graph;
  private final Function<Node, Rule> rules;
  private final Plans plans;
  private final ReversePass gradient;
  private final Emitter emit;

  /**
   * Where columns start.
   *
   * @param graph the graph
   * @param rules the rule of each node
   * @param plans which nodes columns start at
   * @param gradient the gradient's pass, which has run
   */
  ColumnSeeds(Annotations graph, Function<Node, Rule> rules, Plans plans, ReversePass gradient) {
    this.graph = graph;
    this.rules = rules;
    this.plans = plans;
    this.gradient = gradient;
    this.emit = graph.emit();
  }

  /** The seeds of all columns of a kind. */
  List<ColumnChunks.Seed> of(Columns columns, @Nullable Noise noise) {
    return switch (columns.kind()) {
      case UNIT -> units(plans.of(columns));
      case COTANGENTS -> fed(plans.of(columns), columns.samples());
      case WEIGHTED -> weighted(roots(Columns.EXACT, null), columns.samples());
      case TANGENTS -> List.of();
      case FISHER_VECTORS -> gradients(plans.of(columns));
      default -> roots(columns, noise);
    };
  }

  private List<ColumnChunks.Seed> roots(Columns columns, @Nullable Noise noise) {
    List<ColumnChunks.Seed> seeds = new ArrayList<>();
    ExtensionPlan plan = plans.of(columns);
    for (Node node : plan.region()) {
      emit.in(node.label(), () -> seed(node, plan, columns, noise, seeds));
    }
    return seeds;
  }

  /** A one at each entry of each prediction: of several predictions one behind the other. */
  private List<ColumnChunks.Seed> units(ExtensionPlan plan) {
    List<ColumnChunks.Seed> seeds = new ArrayList<>();
    long all = plan.predictions().stream().mapToLong(p -> part(p).product().size()).sum();
    long before = 0;
    for (String prediction : plan.predictions()) {
      Dims part = part(prediction);
      Tensor ones = emit.ones(graph.type(prediction), Dims.ones(part.rank() + 2).toLongs());
      Tensor each = emit.broadcast(ones, Dims.of(Dim.ONE, Dim.ONE).plus(part));
      long entries = part.product().size();
      ColumnSource columns =
          ColumnSource.within(emit, SignedRoot.embed(emit, each), before, entries, all, part);
      seeds.add(
          new ColumnChunks.Seed(prediction, prediction, UNIT, columns, ColumnSigns.plus(all)));
      before += entries;
    }
    return seeds;
  }

  /** Vectors at the predictions, from placeholders. */
  private List<ColumnChunks.Seed> fed(ExtensionPlan plan, int count) {
    List<ColumnChunks.Seed> seeds = new ArrayList<>();
    for (String prediction : plan.predictions()) {
      Dims columns = Dims.of(Dim.N, Dim.of(Math.max(1, count))).plus(part(prediction));
      String name = Outputs.name(prediction, "vector");
      DataType type = graph.type(prediction);
      Tensor rows;
      if (count == 0) {
        Tensor own = emit.placeholder(name, graph.dims(prediction), type);
        rows = emit.reshape(graph.samplesFirst(prediction, own), columns);
      } else {
        rows = emit.placeholder(name, columns, type);
      }
      seeds.add(
          new ColumnChunks.Seed(
              prediction,
              prediction,
              UNIT,
              ColumnSource.of(emit, rows),
              ColumnSigns.plus(Math.max(1, count))));
    }
    return seeds;
  }

  /**
   * Sums of columns with weights from a placeholder, in which all sources are beside each other.
   */
  private List<ColumnChunks.Seed> weighted(List<ColumnChunks.Seed> roots, int sums) {
    Map<String, Long> counts = new LinkedHashMap<>();
    roots.forEach(seed -> counts.put(seed.source(), seed.signs().count()));
    if (roots.isEmpty()) {
      return List.of();
    }
    long all = counts.values().stream().mapToLong(Long::longValue).sum();
    Tensor weights =
        emit.placeholder(
            Columns.WEIGHTS,
            Dims.of(Dim.N, Dim.of(sums), Dim.of(all)),
            graph.type(roots.get(0).variable()));
    Map<String, Tensor> own = new LinkedHashMap<>();
    long at = 0;
    for (Map.Entry<String, Long> source : counts.entrySet()) {
      own.put(source.getKey(), emit.slice(weights, 2, at, at + source.getValue()));
      at += source.getValue();
    }
    return roots.stream()
        .map(
            seed -> {
              Tensor mine = Objects.requireNonNull(own.get(seed.source()));
              Tensor sum =
                  emit.in(
                      seed.scope(),
                      () -> seed.columns().mixed(emit.cast(mine, graph.type(seed.variable()))));
              return new ColumnChunks.Seed(
                  seed.scope(),
                  seed.variable(),
                  UNIT,
                  ColumnSource.of(emit, sum),
                  seed.signs().all() > 0 ? ColumnSigns.plus(sums) : ColumnSigns.minus(sums));
            })
        .toList();
  }

  /** The gradients of the samples at the predictions, a single column over all of them. */
  private List<ColumnChunks.Seed> gradients(ExtensionPlan plan) {
    List<ColumnChunks.Seed> seeds = new ArrayList<>();
    for (String prediction : plan.predictions()) {
      Tensor gradient = gradientAt(prediction);
      if (gradient != null) {
        ColumnSource column = ColumnSource.of(emit, gradient);
        seeds.add(new ColumnChunks.Seed(prediction, prediction, UNIT, column, ColumnSigns.plus(1)));
      }
    }
    return seeds;
  }

  private Dims part(String variable) {
    return graph.batchAxis(variable).perSample(graph.dims(variable));
  }

  private int seed(
      Node node,
      ExtensionPlan plan,
      Columns columns,
      @Nullable Noise noise,
      List<ColumnChunks.Seed> seeds) {
    int started = 0;
    for (HessianRoot group : roots(node, plan, columns, noise)) {
      String source = node.name() + "/" + started++;
      group
          .columns()
          .forEach(
              (input, value) ->
                  seeds.add(
                      new ColumnChunks.Seed(
                          node.label(), node.inputs().get(input), source, value, group.signs())));
    }
    return started;
  }

  private List<HessianRoot> roots(
      Node node, ExtensionPlan plan, Columns columns, @Nullable Noise noise) {
    if (isSampled(columns) && drawsLabels(node, plan)) {
      return labels(node, plan, columns, Objects.requireNonNull(noise));
    }
    List<HessianRoot> groups = hessianRoot(node, plan);
    return !columns.random() || groups.isEmpty()
        ? groups
        : new RandomSigns(
                emit,
                typed(numbers(Objects.requireNonNull(noise), columns, node), node),
                columns.samples())
            .mixed(groups);
  }

  /** A node's own second derivative, weighted by what arrives at its outputs. */
  private List<HessianRoot> hessianRoot(Node node, ExtensionPlan plan) {
    if (plan.joined(node)) {
      return List.of();
    }
    LogLikelihood likelihood = plan.likelihood(node);
    if (likelihood != null) {
      return likelihood.hessianRoot(this::gradientAt);
    }
    NodeContext context = new NodeContext(graph, node);
    Rule rule = rules.apply(node);
    Set<Integer> active = plan.active(node);
    List<HessianRoot> groups = new ArrayList<>();
    if (!active.isEmpty() && !rule.hasZeroHessian(context, active)) {
      for (int output = 0; output < node.outputs().size(); output++) {
        Tensor above = gradientAt(node.outputs().get(output));
        if (above != null) {
          groups.addAll(rule.hessianRoot(context, output, above, active));
        }
      }
    }
    return groups;
  }

  /** Gradients at labels that are drawn from the model. */
  private List<HessianRoot> labels(Node node, ExtensionPlan plan, Columns columns, Noise noise) {
    Tensor numbers = numbers(noise, columns, node);
    LogLikelihood likelihood = plan.likelihood(node);
    if (likelihood != null) {
      return likelihood.sampled(this::gradientAt, numbers, columns.samples());
    }
    Tensor above = gradientAt(node.outputs().get(0));
    return above == null
        ? List.of()
        : ((LossRule) rules.apply(node))
            .sampled(new NodeContext(graph, node), above, numbers, columns.samples());
  }

  /** The gradient [N, 1, F…] at a variable; where it is the same for all samples, each one's. */
  @Nullable Tensor gradientAt(String variable) {
    if (graph.batchAxis(variable).kind() != BatchAxis.Kind.UNBATCHED) {
      return gradient.gradientAt(variable, GradientPass.GRADIENT);
    }
    if (gradient.sumsAt(variable).stream().anyMatch(sum -> sum.sum().fromSamples())) {
      throw new UnsupportedGraphException(
          List.of(
              new Refusal(
                  Refusal.EVERYTHING,
                  "\"" + variable + "\"",
                  "the gradient with respect to it is known as a sum over the samples alone",
                  "leave out the Hessian of the parameters that it is computed from")));
    }
    return gradient.rowsAt(variable).stream()
        .map(ParameterVjp::perSample)
        .reduce(emit::add)
        .orElse(null);
  }

  private Tensor typed(Tensor numbers, Node node) {
    return emit.cast(numbers, graph.type(node.outputs().get(0)));
  }

  private static boolean isSampled(Columns columns) {
    return columns.kind() == Columns.Kind.SAMPLED || columns.kind() == Columns.Kind.SAMPLED_VECTORS;
  }

  private boolean drawsLabels(Node node, ExtensionPlan plan) {
    return labelDraws(node, plan) > 0;
  }

  /** How many random numbers a node's labels take for each sample; 0 if it draws none. */
  private long labelDraws(Node node, ExtensionPlan plan) {
    if (plan.joined(node)) {
      return 0;
    }
    LogLikelihood likelihood = plan.likelihood(node);
    return likelihood != null
        ? likelihood.draws()
        : rules.apply(node) instanceof LossRule loss ? loss.draws(new NodeContext(graph, node)) : 0;
  }

  // ---- random numbers ----

  /** A node's random numbers. */
  private Tensor numbers(Noise noise, Columns columns, Node node) {
    Tensor all =
        emit.wrap(
            emit.graph().getVariable(Noise.PLACEHOLDER),
            Dims.of(Dim.N, Dim.of(noise.width())),
            true);
    return emit.slice(all, 1, noise.from(columns, node), noise.to(columns, node));
  }

  /** The random numbers that some kinds of columns take; null if they take none. */
  @Nullable Noise noise(Set<Columns> kinds) {
    Map<Columns, Map<Node, Long>> draws = new LinkedHashMap<>();
    for (Columns columns : kinds) {
      if (columns.random()) {
        Map<Node, Long> byNode = draws(columns, plans.of(columns));
        if (!byNode.isEmpty()) {
          draws.put(columns, byNode);
        }
      }
    }
    return draws.isEmpty() ? null : new Noise(draws);
  }

  private Map<Node, Long> draws(Columns columns, ExtensionPlan plan) {
    Map<Node, Long> draws = new LinkedHashMap<>();
    for (Node node : plan.region()) {
      long numbers =
          isSampled(columns) && drawsLabels(node, plan)
              ? labelDraws(node, plan) * columns.samples()
              : emit.in(node.label(), () -> RandomSigns.count(hessianRoot(node, plan)));
      if (numbers > 0) {
        draws.put(node, numbers);
      }
    }
    return draws;
  }
}
