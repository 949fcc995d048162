package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.internal.autodiff.ReversePass;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.loss.LossRule;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/** The gradient's way back from the losses, and what is made of it alone. */
final class GradientPass {
  static final String GRADIENT = "gradient";
  private static final String GRAD = QuantityFields.GRAD;
  private static final String PENALTY = QuantityFields.PENALTY;

  private final Annotations graph;
  private final Function<Node, Rule> rules;
  private final ExtensionPlan plan;
  private final List<String> lossVariables;
  private final Quantities quantities;
  private final QuantityFields fields;
  private final Emitter emit;
  private final ReversePass sweep;

  /** Parameters to which something came as a sum over samples that is no penalty. */
  private final Set<String> summed = new HashSet<>();

  /** Emits where it starts. */
  GradientPass(
      Annotations graph,
      Function<Node, Rule> rules,
      ExtensionPlan plan,
      List<String> lossVariables,
      Quantities quantities,
      QuantityFields fields) {
    this.graph = graph;
    this.rules = rules;
    this.plan = plan;
    this.lossVariables = lossVariables;
    this.quantities = quantities;
    this.fields = fields;
    this.emit = graph.emit();
    this.sweep = seeded();
  }

  ReversePass sweep() {
    return sweep;
  }

  private ReversePass seeded() {
    Set<String> rows = new HashSet<>();
    for (String parameter : quantities.parameters()) {
      boolean wanted =
          quantities.extensions().stream()
              .anyMatch(e -> ofEachSample(e.columns()) && quantities.has(parameter, e.field()));
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
    quantities.parameters().stream().filter(p -> quantities.has(p, GRAD)).forEach(possible::add);
    Set<String> targets = plan.reaching(possible);
    ReversePass made =
        new ReversePass(
            graph,
            rules,
            (node, k) -> plan.carriesGradient(node, k) && targets.contains(node.inputs().get(k)),
            rows::contains,
            targets::contains);
    for (String loss : lossVariables) {
      if (plan.leads(loss) && targets.contains(loss)) {
        BatchAxis place = graph.batchAxis(loss);
        Dims part = place.perSample(graph.dims(loss));
        Tensor one = emit.literal(1, graph.type(loss), Dims.of(1, 1));
        Tensor seed = one;
        if (!part.product().isOne() || place.hasSamples()) {
          Dims full = Dims.of(place.hasSamples() ? Dim.N : Dim.ONE, Dim.ONE).plus(part);
          long[] ones = new long[full.rank()];
          Arrays.fill(ones, 1);
          seed = emit.broadcast(emit.literal(1, graph.type(loss), Dims.of(ones)), full);
        } else {
          seed = emit.reshape(one, Dims.of(1, 1).plus(part));
        }
        made.seed(loss, new Cotangent(GRADIENT, seed, null));
      }
    }
    return made;
  }

  /** Whether the gradient of each sample is needed: of a function of weights, for its Hessian. */
  private static boolean ofEachSample(Columns columns) {
    return !columns.secondOrder() || columns.hessian();
  }

  /** Checks that what is asked for has arrived, and of everything that has a way. */
  void check(DataFlowCheck flow) {
    Set<String> asked = asked(field -> field.equals(GRAD));
    Set<String> apart = asked(this::isOfSampleGradients);
    apart.retainAll(summed);
    flow.checkGradient(sweep, lossVariables, asked, apart);
    Set<String> curved = asked(this::isOfPredictions);
    curved.retainAll(asked);
    flow.checkPredictions(sweep, lossVariables, plan.predictions(), curved);
  }

  private boolean isOfSampleGradients(String field) {
    return quantities.extensions().stream()
        .anyMatch(e -> e.field().equals(field) && !e.columns().secondOrder());
  }

  private boolean isOfPredictions(String field) {
    return quantities.extensions().stream()
        .anyMatch(e -> e.field().equals(field) && e.columns().curved() && !e.columns().hessian());
  }

  /** The parameters of which some of the fields is to be had. */
  private Set<String> asked(Predicate<String> chosen) {
    List<String> all = new ArrayList<>(List.of(GRAD));
    quantities.extensions().forEach(e -> all.add(e.field()));
    Set<String> asked = new LinkedHashSet<>();
    for (String parameter : quantities.parameters()) {
      if (all.stream().anyMatch(f -> chosen.test(f) && quantities.has(parameter, f))) {
        asked.add(parameter);
      }
    }
    return asked;
  }

  /** What the gradient is at the losses' inputs is where its way through the network starts. */
  List<Tensor> starts() {
    List<Tensor> starts = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (rules.apply(node) instanceof LossRule) {
        for (String input : node.inputs()) {
          Tensor start = sweep.gradientAt(input, GRADIENT);
          if (start != null) {
            starts.add(start);
          }
        }
      }
    }
    return starts;
  }

  /** Emits a parameter's gradient, if it is to be had, and the penalties' part of it. */
  void quantities(String parameter) {
    if (quantities.has(parameter, GRAD)) {
      emit.in(
          parameter,
          () -> {
            gradientOf(parameter);
            return parameter;
          });
    }
  }

  private void gradientOf(String parameter) {
    List<Tensor> all = new ArrayList<>();
    List<Tensor> penalties = new ArrayList<>();
    if (graph.batchAxis(parameter).kind() != BatchAxis.Kind.UNBATCHED) {
      Tensor arrived = sweep.gradientAt(parameter, GRADIENT);
      fields.put(parameter, GRAD, arrived == null ? zeros(parameter) : own(parameter, arrived));
      return;
    }
    sweep.rowsAt(parameter).forEach(c -> all.add(withoutColumn(c.sum())));
    for (ParameterVjp sum : sweep.sumsAt(parameter)) {
      Tensor total = withoutColumn(sum.sum());
      all.add(total);
      if (total.fromSamples()) {
        summed.add(parameter);
      } else {
        penalties.add(total);
      }
    }
    fields.put(parameter, GRAD, all.isEmpty() ? zeros(parameter) : sum(all));
    if (!penalties.isEmpty()) {
      fields.put(parameter, PENALTY, sum(penalties));
    }
  }

  /** The gradient [N, 1, F…] at a variable with samples, in the variable's own layout. */
  private Tensor own(String variable, Tensor gradient) {
    return graph.asLaidOut(variable, emit.reshape(gradient, gradient.dims().without(1)));
  }

  private Tensor zeros(String parameter) {
    return emit.scale(graph.forward(parameter), 0);
  }

  private Tensor sum(List<Tensor> parts) {
    return parts.stream().reduce(emit::add).orElseThrow();
  }

  private Tensor withoutColumn(Tensor sum) {
    return emit.reshape(sum, sum.dims().from(1));
  }
}
