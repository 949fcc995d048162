package org.backpack4j.samediff.rule;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Signal;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.contribution.Contribution;
import org.backpack4j.samediff.contribution.Lookup;
import org.backpack4j.samediff.contribution.Rearranged;
import org.backpack4j.samediff.contribution.View;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.GraphShapes;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * {@code gather} from a table without a sample axis, such as an embedding: rows [A…, K, B…] at
 * indices I along an axis are [A…, I…, B…]; what comes back is added up by index. M2.1's own
 * gradient overwrites instead.
 *
 * <p>Where the indices are known beforehand and the table is not large, and for values that have
 * samples, gathering is a movement of entries like others.
 */
final class GatherRule implements Rule {
  /** A table of so many entries is not followed entry by entry. */
  private static final long LARGE = 1 << 14;

  private final Rule movement;

  GatherRule(Rule movement) {
    this.movement = movement;
  }

  private static boolean looksUp(Site site) {
    if (site.placement(0).hasSamples()) {
      return false;
    }
    boolean known = site.inputs() < 2 || site.settled(1, GraphShapes.FEW) != null;
    return !known || site.dims(0).product().size() > LARGE;
  }

  private static int axis(Site site) {
    int axis = (int) site.node().iArg(0, 0);
    return axis < 0 ? axis + site.dims(0).rank() : axis;
  }

  private static long rows(Site site) {
    return site.dims(0).get(axis(site)).size();
  }

  @Override
  public Placement place(Site site, int output) {
    if (!looksUp(site)) {
      return movement.place(site, output);
    }
    Placement place = site.inputs() < 2 ? Placement.SHARED : site.placement(1);
    return place.hasSamples()
        ? Placement.samples(axis(site) + place.axis(), place.outer(), place.inner())
        : Placements.withoutAxis(site);
  }

  @Override
  public void check(Site site) {
    if (!looksUp(site)) {
      movement.check(site);
    }
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return input == 0;
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  private static INDArray given(Site site) {
    long[] arguments = site.node().iArgs();
    return Nd4j.createFromArray(java.util.Arrays.copyOfRange(arguments, 1, arguments.length));
  }

  /** The indices [N or 1, P]. */
  private static Tensor indices(Site site) {
    Emitter e = site.emit();
    if (site.inputs() < 2) {
      INDArray given = given(site);
      return e.reshape(
          e.constant(List.of("indices", site.node().name()), () -> given),
          Dims.of(1, given.length()));
    }
    Tensor rows = site.samplesFirst(1);
    return e.reshape(rows, Dims.of(rows.dims().get(0), rows.dims().from(1).product()));
  }

  /** The axes A… of the output, its index axes I…, its axes B…: each for one sample's part. */
  private static Contribution lookup(Site site, Tensor signal, @Nullable Tensor signs) {
    Emitter e = site.emit();
    Dims table = site.dims(0);
    int before = axis(site);
    int rank = signal.rank();
    int behind = table.rank() - before - 1;
    int[] order =
        IntStream.of(
                concat(
                    range(0, 2),
                    range(2 + before, rank - behind),
                    range(2, 2 + before),
                    range(rank - behind, rank)))
            .toArray();
    Tensor positionsFirst = e.permute(signal, order);
    Dim entries = table.range(0, before).plus(table.from(before + 1)).product();
    Dim positions = signal.dims().range(2 + before, rank - behind).product();
    Tensor s = e.reshape(positionsFirst, signal.dims().range(0, 2).plus(positions, entries));
    Contribution lookup = new Lookup(e, s, indices(site), rows(site), signs);
    return lookup.through(view(e, table, before));
  }

  private static int[] range(int from, int to) {
    return IntStream.range(from, to).toArray();
  }

  private static int[] concat(int[]... parts) {
    return java.util.Arrays.stream(parts).flatMapToInt(IntStream::of).toArray();
  }

  /** From [K, A…·B…] to the table's own [A…, K, B…]. */
  private static View view(Emitter e, Dims table, int axis) {
    List<Integer> order = new ArrayList<>();
    for (int k = 0; k < table.rank(); k++) {
      order.add(k < axis ? k + 1 : k == axis ? 0 : k);
    }
    Dims rowsFirst = Dims.of(table.get(axis)).plus(table.without(axis));
    return new Rearranged(e, rowsFirst, order, table);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    return looksUp(site)
        ? lookup(site, signal, null).perSample()
        : movement.pull(site, input, output, signal);
  }

  @Override
  public Contribution contribution(Site site, int input, int output, Signal signal) {
    return looksUp(site)
        ? lookup(site, signal.value(), signal.signs())
        : movement.contribution(site, input, output, signal);
  }

  @Override
  public @Nullable View view(Site site, int input, int output) {
    return looksUp(site) ? null : movement.view(site, input, output);
  }

  @Override
  public String name() {
    return "gather";
  }
}
