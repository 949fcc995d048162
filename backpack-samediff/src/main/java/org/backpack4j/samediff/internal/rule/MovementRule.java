package org.backpack4j.samediff.internal.rule;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.backpack4j.samediff.spi.View;
import org.jspecify.annotations.Nullable;

/**
 * Ops whose results are entries of their inputs in other places: joining, cutting, padding,
 * repeating, reversing, rearranging. y[j] = x[s(j)], so x̄[i] = Σ over j with s(j) = i of ȳ[j]; the
 * places s are found by running the op on numbered entries.
 */
final class MovementRule implements Rule {
  private final String name;
  private final Function<NodeContext, int[]> data;

  private MovementRule(String name, Function<NodeContext, int[]> data) {
    this.name = name;
    this.data = data;
  }

  /** Moves the entries of some inputs; the others say what is moved where. */
  static MovementRule of(String name, int... data) {
    return new MovementRule(name, context -> data);
  }

  /** Moves the entries of all inputs but those of whole numbers behind the first. */
  static MovementRule ofAll(String name) {
    return new MovementRule(
        name,
        context ->
            IntStream.range(0, context.inputs())
                .filter(k -> k == 0 || context.type(k) == context.type(0))
                .toArray());
  }

  /** Moves the entries of all inputs of a floating point type. */
  static MovementRule ofFloats(String name) {
    return new MovementRule(
        name,
        context ->
            IntStream.range(0, context.inputs()).filter(k -> context.type(k).isFPType()).toArray());
  }

  /** All outputs; one object for all nodes that are alike. */
  private record Followed(List<Trace.Output> outputs) {}

  private Trace.Output followed(NodeContext context, int output) {
    return context
        .onceAlike(Followed.class, () -> new Followed(Trace.of(context, data.apply(context))))
        .outputs()
        .get(output);
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return followed(context, output).batchAxis();
  }

  @Override
  public void check(NodeContext context) {
    for (int k = 0; k < context.node().outputs().size(); k++) {
      followed(context, k);
    }
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return Arrays.stream(data.apply(context)).anyMatch(k -> k == input);
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    return movement(context, input, output)
        .vjp(context.emit(), cotangent, 2, context.perSample(input));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    return movement(context, input, output)
        .jvp(context.emit(), tangent, 2, context.outputPerSample(output));
  }

  /** Tangents at several inputs are laid out one after the other, and moved together. */
  @Override
  public Tensor jvpOfInputs(NodeContext context, int output, SortedMap<Integer, Tensor> tangents) {
    Emitter e = context.emit();
    Dim samples =
        tangents.values().stream().anyMatch(t -> t.dims().get(0).samples()) ? Dim.N : Dim.ONE;
    List<Tensor> flat = new ArrayList<>();
    List<Movement> movements = new ArrayList<>();
    tangents.forEach(
        (input, tangent) -> {
          Dims dims = tangent.dims();
          Tensor rows = e.reshape(tangent, dims.range(0, 2).plus(dims.from(2).product()));
          flat.add(e.broadcast(rows, rows.dims().with(0, samples)));
          movements.add(movement(context, input, output));
        });
    return Movement.from(movements).jvp(e, e.concat(2, flat), 2, context.outputPerSample(output));
  }

  /** Where the only input that moves has samples as well. */
  @Override
  public boolean hasJointVjp(NodeContext context) {
    int[] moved = data.apply(context);
    return moved.length == 1
        && context.batchAxis(moved[0]).kind() == BatchAxis.Kind.BATCHED
        && IntStream.range(0, context.node().outputs().size())
            .noneMatch(k -> followed(context, k).movements().isEmpty());
  }

  @Override
  public Tensor vjpOfOutputs(
      NodeContext context, int input, SortedMap<Integer, Tensor> cotangents) {
    Emitter e = context.emit();
    List<Tensor> flat = new ArrayList<>();
    List<Movement> movements = new ArrayList<>();
    cotangents.forEach(
        (output, cotangent) -> {
          Dims dims = cotangent.dims();
          flat.add(e.reshape(cotangent, dims.range(0, 2).plus(dims.from(2).product())));
          movements.add(movement(context, input, output));
        });
    return Movement.beside(movements).vjp(e, e.concat(2, flat), 2, context.perSample(input));
  }

  private Movement movement(NodeContext context, int input, int output) {
    List<Movement> movements = followed(context, output).movements();
    if (movements.isEmpty()) {
      throw new UnsupportedOpException(
          context.node() + " mixes samples", "ask for the gradient alone");
    }
    return movements.get(input);
  }

  @Override
  public @Nullable View view(NodeContext context, int input, int output) {
    Movement movement = movement(context, input, output);
    return movement.reads() ? movement.view(context.emit(), context.dims(input)) : null;
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return name;
  }
}
