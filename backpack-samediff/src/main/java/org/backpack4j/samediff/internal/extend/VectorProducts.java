package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.ColumnSigns;
import org.backpack4j.samediff.internal.autodiff.ForwardPass;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.jspecify.annotations.Nullable;

/** Emits products with vectors that are fed, and the predictions' tangents along them. */
final class VectorProducts {
  private final Annotations graph;
  private final Function<Node, Rule> rules;
  private final Plans plans;
  private final Columns columns;
  private final List<Extension> extensions = new ArrayList<>();
  private final Quantities quantities;
  private final Outputs outputs;
  private final Sink sink;
  private final Emitter emit;

  /** Takes what a parameter has. */
  interface Sink {
    void put(String parameter, String field, Tensor value);
  }

  /**
   * Products of one kind.
   *
   * @param columns the kind
   * @param sink takes the products
   */
  VectorProducts(
      Annotations graph,
      Function<Node, Rule> rules,
      Plans plans,
      Columns columns,
      Quantities quantities,
      Outputs outputs,
      Sink sink) {
    this.graph = graph;
    this.rules = rules;
    this.plans = plans;
    this.columns = columns;
    this.quantities = quantities;
    this.outputs = outputs;
    this.sink = sink;
    this.emit = graph.emit();
    quantities.extensions().stream()
        .filter(extension -> extension.columns().equals(columns))
        .forEach(extensions::add);
  }

  /**
   * Sends vectors forward and their products with the second derivative back.
   *
   * @param seeds makes the columns of the second derivative
   * @param gradient the gradient at a variable; null where it is zero
   */
  void products(
      Supplier<List<ColumnChunks.Seed>> seeds, Function<String, @Nullable Tensor> gradient) {
    Map<String, Tensor> vectors = vectors();
    if (vectors.isEmpty()) {
      return;
    }
    ProductPass pass =
        new ProductPass(graph, rules, plans.of(columns), plans.plan().reaching(vectors.keySet()));
    pass.run(vectors, seeds.get(), signs(), gradient);
    predictions(pass::tangent);
    vectors.forEach(
        (parameter, vector) ->
            extensions.stream()
                .filter(extension -> quantities.has(parameter, extension.field()))
                .forEach(
                    extension ->
                        sink.put(
                            parameter,
                            extension.field(),
                            emit.in(parameter, () -> product(pass, parameter, vector)))));
  }

  /** Sends vectors forward to the predictions. */
  void tangents() {
    Map<String, Tensor> vectors = vectors();
    if (vectors.isEmpty()) {
      return;
    }
    ForwardPass forward = new ForwardPass(graph, rules, plans.plan()::carriesGradient);
    vectors.forEach(forward::seed);
    forward.run();
    predictions(forward::at);
  }

  /** The vectors [1, V, P…] of each parameter that has a product, unless it is refused. */
  private Map<String, Tensor> vectors() {
    refuseTangents();
    Map<String, Tensor> vectors = new LinkedHashMap<>();
    for (String parameter : quantities.parameters()) {
      if (extensions.stream().anyMatch(e -> quantities.has(parameter, e.field()))) {
        vectors.put(parameter, emit.in(parameter, () -> vector(parameter)));
      }
    }
    return vectors;
  }

  /** Products need what tangents do at every node that parameters act on. */
  private void refuseTangents() {
    ExtensionPlan plan = plans.plan();
    for (Node node : graph.nodes()) {
      boolean passed =
          IntStream.range(0, node.inputs().size()).anyMatch(k -> plan.carriesGradient(node, k));
      if (!passed) {
        continue;
      }
      try {
        rules.apply(node).checkJvp(new NodeContext(graph, node));
      } catch (UnsupportedOpException refused) {
        extensions.forEach(
            e -> quantities.refuse(e, node.toString(), refused.reason(), refused.remedy()));
        return;
      }
    }
  }

  /** What becomes of signs: products with a matrix that is made positive change them. */
  private UnaryOperator<ColumnSigns> signs() {
    return switch (columns.kind()) {
      case CLIPPED_VECTORS -> signs -> signs.clipped(emit);
      case ABSOLUTE_VECTORS -> ColumnSigns::absolute;
      default -> signs -> signs;
    };
  }

  private Dim count() {
    return Dim.of(Math.max(1, columns.vectorCount()));
  }

  private boolean isSingle() {
    return columns.vectorCount() == 0;
  }

  /** The placeholder of a parameter's vectors, as [1, V, P…]. */
  private Tensor vector(String parameter) {
    Dims part = graph.dims(parameter);
    Dims fed = isSingle() ? part : Dims.of(count()).plus(part);
    Tensor vector = emit.placeholder(Outputs.name(parameter, "vector"), fed, graph.type(parameter));
    return emit.reshape(vector, Dims.of(Dim.ONE, count()).plus(part));
  }

  private Tensor product(ProductPass pass, String parameter, Tensor vectors) {
    Tensor product = pass.product(parameter);
    Tensor all = product != null ? product : emit.scale(vectors, 0);
    Dims part = graph.dims(parameter);
    return emit.reshape(all, isSingle() ? part : Dims.of(count()).plus(part));
  }

  /** The predictions' tangents, zero where none arrived; a single one in their own layout. */
  private void predictions(Function<String, @Nullable Tensor> arrived) {
    for (String prediction : plans.of(columns).predictions()) {
      outputs.put(prediction, "jvp", emit.in(prediction, () -> tangent(prediction, arrived)));
    }
  }

  private Tensor tangent(String prediction, Function<String, @Nullable Tensor> arrived) {
    Tensor there = arrived.apply(prediction);
    Tensor all = there != null ? there : none(prediction);
    return isSingle() ? graph.asLaidOut(prediction, emit.reshape(all, all.dims().without(1))) : all;
  }

  private Tensor none(String prediction) {
    Tensor zero = emit.scale(graph.samplesFirst(prediction), 0); // [N, F…]
    Dims part = zero.dims().from(1);
    Tensor one = emit.reshape(zero, Dims.of(zero.dims().get(0), Dim.ONE).plus(part));
    return emit.broadcast(one, Dims.of(zero.dims().get(0), count()).plus(part));
  }
}
