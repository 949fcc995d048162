package org.backpack4j.samediff.internal.extend;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.ReversePass;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.contribution.KroneckerFactors;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The recursion of KFRA: a matrix H [F, F] that goes back along a single way, and after each op is
 * the mean over the samples of Jₙᵀ H Jₙ: the op's VJP of H's rows, and of the rows of what comes
 * out.
 */
final class AveragedPass {
  private static final String SOURCE = "averaged";

  private final Annotations graph;
  private final Function<Node, Rule> rules;
  private final ExtensionPlan plan;
  private final Emitter emit;
  private final Map<String, List<Extension.Result>> results = new LinkedHashMap<>();

  AveragedPass(Annotations graph, Function<Node, Rule> rules, ExtensionPlan plan) {
    this.graph = graph;
    this.rules = rules;
    this.plan = plan;
    this.emit = graph.emit();
  }

  /** What keeps the pass from going on. */
  record Branch(String where, String reason) {}

  /** The results of the parameters on the way, for which there are some. */
  Map<String, List<Extension.Result>> results() {
    return results;
  }

  /**
   * Goes from the predictions to the parameters.
   *
   * @param seeds the columns of the loss's second derivative
   * @return where the way branches; empty if it does not
   */
  Optional<Branch> run(List<ColumnChunks.Seed> seeds) {
    if (seeds.isEmpty()) {
      return Optional.empty();
    }
    String variable = seeds.get(0).variable();
    for (ColumnChunks.Seed seed : seeds) {
      if (!seed.variable().equals(variable)) {
        return Optional.of(new Branch(seed.scope(), "the loss has several predictions"));
      }
    }
    Tensor h = seeds.stream().map(this::hessian).reduce(emit::add).orElseThrow();
    for (Node node = graph.producer(variable); node != null; node = graph.producer(variable)) {
      Optional<Branch> branch = branch(node, variable);
      if (branch.isPresent()) {
        return branch;
      }
      Node here = node;
      Tensor above = h;
      Optional<String> twice = emit.in(here.label(), () -> parameters(here, above));
      if (twice.isPresent()) {
        return Optional.of(
            new Branch(node.label(), "\"" + twice.get() + "\" is used more than once"));
      }
      List<Integer> way = way(node);
      if (way.isEmpty()) {
        return Optional.empty();
      }
      h = emit.in(here.label(), () -> step(here, way.get(0), above));
      variable = node.inputs().get(way.get(0));
      if (readers(variable) > 1) {
        return Optional.of(
            new Branch(node.label(), "\"" + variable + "\" goes on along more than one way"));
      }
    }
    return Optional.empty();
  }

  private Optional<Branch> branch(Node node, String variable) {
    if (node.outputs().size() > 1) {
      return Optional.of(new Branch(node.label(), "the op has several results"));
    }
    if (way(node).size() > 1) {
      return Optional.of(
          new Branch(node.label(), "\"" + variable + "\" is made of more than one activation"));
    }
    return Optional.empty();
  }

  /** The inputs with samples by which parameters act on a node. */
  private List<Integer> way(Node node) {
    return IntStream.range(0, node.inputs().size())
        .filter(k -> plan.carriesGradient(node, k) && !isUnbatched(node.inputs().get(k)))
        .boxed()
        .toList();
  }

  private long readers(String variable) {
    return graph.nodes().stream()
        .filter(node -> node.outputs().stream().anyMatch(plan::leads))
        .flatMap(node -> node.inputs().stream())
        .filter(variable::equals)
        .count();
  }

  private boolean isUnbatched(String variable) {
    return graph.batchAxis(variable).kind() == BatchAxis.Kind.UNBATCHED;
  }

  /** Σₙᵥ c cᵀ of columns [N, V, F…]. */
  private Tensor hessian(ColumnChunks.Seed seed) {
    return emit.in(
        seed.scope(),
        () -> {
          Tensor own = seed.columns().range(0, seed.signs().count());
          Tensor columns = emit.broadcast(own, own.dims().with(0, Dim.N)); // maybe alike for all
          Dim entries = columns.dims().from(2).product();
          Dims rows = Dims.of(columns.dims().range(0, 2).product(), entries);
          Tensor flat = emit.reshape(columns, rows);
          return emit.matmul(flat, true, flat, false);
        });
  }

  /** Rows [N or 1, V, F] as cotangents at a variable. */
  private Tensor cotangents(Tensor rows, String variable) {
    Dims part = graph.batchAxis(variable).perSample(graph.dims(variable));
    Tensor shaped = emit.reshape(rows, rows.dims().range(0, 2).plus(part));
    return emit.broadcast(shaped, shaped.dims().with(0, Dim.N));
  }

  /** The matrix as rows that are the same for all samples. */
  private Tensor shared(Tensor h) {
    return emit.reshape(h, Dims.of(Dim.ONE).plus(h.dims()));
  }

  private Tensor step(Node node, int input, Tensor h) {
    NodeContext context = new NodeContext(graph, node);
    Rule rule = rules.apply(node);
    String output = node.outputs().get(0);
    Tensor once = flat(rule.vjp(context, input, 0, cotangents(shared(h), output)));
    Tensor twice = flat(rule.vjp(context, input, 0, cotangents(emit.transpose(once), output)));
    return mean(twice);
  }

  /** [N, V, F…] as [N, V, F]. */
  private Tensor flat(Tensor rows) {
    return emit.reshape(rows, rows.dims().range(0, 2).plus(rows.dims().from(2).product()));
  }

  /** The mean over the samples, [N, …] to […]. */
  private Tensor mean(Tensor a) {
    Tensor sum = emit.sumOverSamples(a);
    Tensor samples = emit.sum(emit.onesOverSamples(a.type()), 0, 1);
    return emit.div(sum, emit.reshape(samples, Dims.ones(sum.rank())));
  }

  // ---- parameters ----

  /** The results at a node; a parameter that has some already, for which they would not add up. */
  private Optional<String> parameters(Node node, Tensor h) {
    Map<String, ParameterVjp> arriving =
        arriving(node, cotangents(shared(h), node.outputs().get(0)));
    Optional<String> twice = arriving.keySet().stream().filter(results::containsKey).findFirst();
    if (twice.isEmpty()) {
      arriving.forEach(
          (parameter, first) ->
              KroneckerFactors.of(emit, KroneckerFactors.Positions.BACKPACK, first)
                  .ifPresentOrElse(
                      factors -> factored(node, parameter, factors),
                      () -> block(node, parameter, flat(first.perSample()))));
    }
    return twice;
  }

  /** B with both sides summed over positions. */
  private void factored(Node node, String parameter, KroneckerFactors factors) {
    ParameterVjp second = second(node, parameter, factors.overPositions());
    KroneckerFactors again =
        KroneckerFactors.of(emit, KroneckerFactors.Positions.BACKPACK, second).orElseThrow();
    Tensor outputs = again.ordered(mean(again.overPositions()));
    results.put(
        parameter,
        List.of(
            new Extension.Result("B", outputs, true, again.outputAxes()),
            new Extension.Result(factors.inputsName(), factors.inputs(), false)));
  }

  private void block(Node node, String parameter, Tensor once) {
    Tensor block = mean(flat(second(node, parameter, once).perSample()));
    results.put(parameter, List.of(new Extension.Result("B", block, true)));
  }

  private ParameterVjp second(Node node, String parameter, Tensor once) {
    Tensor turned = cotangents(emit.transpose(once), node.outputs().get(0));
    return Objects.requireNonNull(arriving(node, turned).get(parameter));
  }

  /**
   * What cotangents at a node's output give the parameters that it reads, through views as well.
   */
  private Map<String, ParameterVjp> arriving(Node node, Tensor cotangents) {
    ReversePass pass =
        new ReversePass(
            graph,
            rules,
            (n, k) -> plan.carriesGradient(n, k) && isUnbatched(n.inputs().get(k)),
            variable -> true,
            variable -> false);
    pass.seed(node.outputs().get(0), new Cotangent(SOURCE, cotangents, null));
    Map<String, ParameterVjp> arriving = new LinkedHashMap<>();
    pass.run(parameter -> pass.rowsAt(parameter).forEach(vjp -> arriving.put(parameter, vjp)));
    return arriving;
  }
}
