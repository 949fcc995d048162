package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.internal.autodiff.ForwardPass;
import org.backpack4j.samediff.internal.autodiff.ReversePass;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Jᵀ H J v: the vectors go forward as tangents to where columns s of the loss's second derivative
 * start, H = Σ s sᵀ makes cotangents of them there, and these go back.
 */
final class ProductPass {
  private static final String SOURCE = "product";

  private final Emitter emit;
  private final ForwardPass forward;
  private final ReversePass reverse;

  ProductPass(
      Annotations graph, Function<Node, Rule> rules, ExtensionPlan plan, Set<String> targets) {
    this.emit = graph.emit();
    this.forward = new ForwardPass(graph, rules, plan::carriesGradient);
    this.reverse =
        new ReversePass(
            graph,
            rules,
            (node, k) -> plan.carriesColumns(node, k) && targets.contains(node.inputs().get(k)),
            variable -> false,
            variable -> true);
  }

  /**
   * Goes forward and back.
   *
   * @param vectors for each parameter its vectors [1, V, P…]
   * @param seeds the columns
   */
  void run(Map<String, Tensor> vectors, List<ColumnChunks.Seed> seeds) {
    vectors.forEach(forward::seed);
    forward.run();
    Map<String, List<ColumnChunks.Seed>> sources = new LinkedHashMap<>();
    seeds.forEach(s -> sources.computeIfAbsent(s.source(), k -> new ArrayList<>()).add(s));
    sources.values().forEach(this::turn);
    reverse.run(parameter -> {});
  }

  /**
   * The tangents at a variable.
   *
   * @return [N, V, F…]; null where none arrived
   */
  @Nullable Tensor tangent(String variable) {
    return forward.at(variable);
  }

  /**
   * The product at a parameter.
   *
   * @return [V, P…]; null where nothing arrived, so that it is zero
   */
  @Nullable Tensor product(String parameter) {
    return Stream.concat(
            reverse.rowsAt(parameter).stream(), reverse.sumsAt(parameter).stream())
        .map(ParameterVjp::sum)
        .reduce(emit::add)
        .orElse(null);
  }

  /** Σₖ s (sᵀ t) of the columns s of one source, which may reach over several variables. */
  private void turn(List<ColumnChunks.Seed> source) {
    emit.in(
        source.get(0).scope(),
        () -> {
          Tensor weights = null;
          List<Tensor> columns = new ArrayList<>();
          for (ColumnChunks.Seed seed : source) {
            Tensor own = seed.columns().range(0, seed.signs().count());
            Tensor all = emit.broadcast(own, own.dims().with(0, Dim.N));
            columns.add(all);
            Tensor tangent = tangent(seed.variable());
            if (tangent != null) {
              Tensor part = emit.matmul(flat(tangent), false, flat(all), true); // [N, V, C]
              weights = weights == null ? part : emit.add(weights, part);
            }
          }
          return weights == null ? source : back(source, columns, weights);
        });
  }

  private List<ColumnChunks.Seed> back(
      List<ColumnChunks.Seed> source, List<Tensor> columns, Tensor weights) {
    for (int k = 0; k < source.size(); k++) {
      ColumnChunks.Seed seed = source.get(k);
      Tensor signs = seed.signs().range(emit, weights.type(), 0, seed.signs().count());
      Tensor signed =
          signs == null
              ? weights
              : emit.mul(
                  weights,
                  emit.reshape(
                      signs, Dims.of(signs.dims().get(0), Dim.ONE, signs.dims().get(1))));
      Tensor all = columns.get(k);
      Tensor product = emit.matmul(signed, false, flat(all), false); // [N, V, F]
      Dims shape = product.dims().range(0, 2).plus(all.dims().from(2));
      reverse.seed(
          seed.variable(), new Cotangent(SOURCE, emit.reshape(product, shape), null));
    }
    return source;
  }

  /** [N, V, F…] as [N, V, F]. */
  private Tensor flat(Tensor value) {
    Dims dims = value.dims();
    return emit.reshape(value, dims.range(0, 2).plus(dims.from(2).product()));
  }
}
