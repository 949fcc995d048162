package org.backpack4j.samediff.rule;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.contribution.View;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Ops whose results are entries of their inputs in other places: joining, cutting, padding,
 * repeating, reversing, rearranging. y[j] = x[s(j)], so x̄[i] = Σ over j with s(j) = i of ȳ[j]; the
 * places s are found by running the op on numbered entries.
 */
final class MovementRule implements Rule {
  private final String name;
  private final Function<Site, int[]> data;

  private MovementRule(String name, Function<Site, int[]> data) {
    this.name = name;
    this.data = data;
  }

  /** Moves the entries of some inputs; the others say what is moved where. */
  static MovementRule of(String name, int... data) {
    return new MovementRule(name, site -> data);
  }

  /** Moves the entries of all inputs but those of whole numbers behind the first. */
  static MovementRule ofAll(String name) {
    return new MovementRule(
        name,
        site ->
            IntStream.range(0, site.inputs())
                .filter(k -> k == 0 || site.type(k) == site.type(0))
                .toArray());
  }

  /** Moves the entries of all inputs of a floating point type. */
  static MovementRule ofFloats(String name) {
    return new MovementRule(
        name,
        site -> IntStream.range(0, site.inputs()).filter(k -> site.type(k).isFPType()).toArray());
  }

  /** All outputs; one object for a node. */
  private record Followed(List<Trace.Output> outputs) {}

  private Trace.Output followed(Site site, int output) {
    return site.once(Followed.class, () -> new Followed(Trace.of(site, data.apply(site))))
        .outputs()
        .get(output);
  }

  @Override
  public Placement place(Site site, int output) {
    return followed(site, output).placement();
  }

  @Override
  public void check(Site site) {
    for (int k = 0; k < site.node().outputs().size(); k++) {
      followed(site, k);
    }
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return Arrays.stream(data.apply(site)).anyMatch(k -> k == input);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    return movement(site, input, output).pull(site.emit(), signal, 2, site.perSample(input));
  }

  /** Where the only input that moves has samples as well. */
  @Override
  public boolean pullsTogether(Site site) {
    int[] moved = data.apply(site);
    return moved.length == 1
        && site.placement(moved[0]).kind() == Placement.Kind.SAMPLES
        && IntStream.range(0, site.node().outputs().size())
            .noneMatch(k -> followed(site, k).movements().isEmpty());
  }

  @Override
  public Tensor pullTogether(Site site, int input, SortedMap<Integer, Tensor> signals) {
    Emitter e = site.emit();
    List<Tensor> flat = new ArrayList<>();
    List<Movement> movements = new ArrayList<>();
    signals.forEach(
        (output, signal) -> {
          Dims dims = signal.dims();
          flat.add(e.reshape(signal, dims.range(0, 2).plus(dims.from(2).product())));
          movements.add(movement(site, input, output));
        });
    return Movement.beside(movements).pull(e, e.concat(2, flat), 2, site.perSample(input));
  }

  private Movement movement(Site site, int input, int output) {
    List<Movement> movements = followed(site, output).movements();
    if (movements.isEmpty()) {
      throw new Refused(site.node() + " mixes samples", "ask for the gradient alone");
    }
    return movements.get(input);
  }

  @Override
  public @Nullable View view(Site site, int input, int output) {
    Movement movement = movement(site, input, output);
    return movement.reads() ? movement.view(site.emit(), site.dims(input)) : null;
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return name;
  }
}
