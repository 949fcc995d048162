package org.backpack4j.samediff.internal.rule;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.contribution.EmbeddingProduct;
import org.backpack4j.samediff.internal.contribution.PermutedView;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.View;
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

  private static boolean looksUp(NodeContext context) {
    if (context.batchAxis(0).hasSamples()) {
      return false;
    }
    boolean known = context.inputs() < 2 || context.settled(1, GraphShapes.FEW) != null;
    return !known || context.dims(0).product().size() > LARGE;
  }

  private static int axis(NodeContext context) {
    int axis = (int) context.node().iArg(0, 0);
    return axis < 0 ? axis + context.dims(0).rank() : axis;
  }

  private static long rows(NodeContext context) {
    return context.dims(0).get(axis(context)).size();
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    if (!looksUp(context)) {
      return movement.batchAxis(context, output);
    }
    BatchAxis place = context.inputs() < 2 ? BatchAxis.UNBATCHED : context.batchAxis(1);
    return place.hasSamples()
        ? BatchAxis.samples(axis(context) + place.axis(), place.outer(), place.inner())
        : BatchAxes.withoutAxis(context);
  }

  @Override
  public void check(NodeContext context) {
    if (!looksUp(context)) {
      movement.check(context);
    }
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return input == 0;
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  private static INDArray given(NodeContext context) {
    long[] arguments = context.node().iArgs();
    return Nd4j.createFromArray(java.util.Arrays.copyOfRange(arguments, 1, arguments.length));
  }

  /** The indices [N or 1, P]. */
  private static Tensor indices(NodeContext context) {
    Emitter e = context.emit();
    if (context.inputs() < 2) {
      INDArray given = given(context);
      return e.reshape(
          e.constant(List.of("indices", context.node().name()), () -> given),
          Dims.of(1, given.length()));
    }
    Tensor rows = context.samplesFirst(1);
    return e.reshape(rows, Dims.of(rows.dims().get(0), rows.dims().from(1).product()));
  }

  /** The axes A… of the output, its index axes I…, its axes B…: each for one sample's part. */
  private static ParameterVjp lookup(
      NodeContext context, Tensor cotangent, @Nullable Tensor signs) {
    Emitter e = context.emit();
    Dims table = context.dims(0);
    int before = axis(context);
    int rank = cotangent.rank();
    int behind = table.rank() - before - 1;
    int[] order =
        IntStream.of(
                concat(
                    range(0, 2),
                    range(2 + before, rank - behind),
                    range(2, 2 + before),
                    range(rank - behind, rank)))
            .toArray();
    Tensor positionsFirst = e.permute(cotangent, order);
    Dim entries = table.range(0, before).plus(table.from(before + 1)).product();
    Dim positions = cotangent.dims().range(2 + before, rank - behind).product();
    Tensor s = e.reshape(positionsFirst, cotangent.dims().range(0, 2).plus(positions, entries));
    ParameterVjp lookup = new EmbeddingProduct(e, s, indices(context), rows(context), signs);
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
    return new PermutedView(e, rowsFirst, order, table);
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    return looksUp(context)
        ? lookup(context, cotangent, null).perSample()
        : movement.vjp(context, input, output, cotangent);
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    return looksUp(context)
        ? lookedUp(context, output, tangent)
        : movement.jvp(context, input, output, tangent);
  }

  /** Rows of the table's tangents [1, V, A…, K, B…] by the indices. */
  private static Tensor lookedUp(NodeContext context, int output, Tensor tangent) {
    Emitter e = context.emit();
    int before = axis(context);
    int rank = tangent.rank();
    int at = 2 + before;
    int[] rowsFirst = concat(new int[] {at, 0}, range(1, at), range(at + 1, rank));
    Tensor rows = e.permute(tangent, rowsFirst); // [K, 1, V, A…, B…]
    Tensor indices = indices(context); // [N, P]
    Dim n = indices.dims().get(0);
    Dim positions = indices.dims().get(1);
    Tensor found =
        e.gather(
            e.reshape(rows, Dims.of(rows.dims().get(0), rows.dims().from(1).product())),
            0,
            e.reshape(indices, Dims.of(n.times(positions))));
    Dims apart = Dims.of(n, positions).plus(rows.dims().from(2)); // [N, P, V, A…, B…]
    int[] order =
        concat(new int[] {0, 2}, range(3, 3 + before), new int[] {1}, range(3 + before, rank));
    Tensor laidOut = e.permute(e.reshape(found, apart), order);
    Dims lead = laidOut.dims().range(0, 2);
    return e.reshape(laidOut, lead.plus(context.outputPerSample(output)));
  }

  @Override
  public ParameterVjp contribution(
      NodeContext context, int input, int output, Cotangent cotangent) {
    return looksUp(context)
        ? lookup(context, cotangent.value(), cotangent.signs())
        : movement.contribution(context, input, output, cotangent);
  }

  @Override
  public @Nullable View view(NodeContext context, int input, int output) {
    return looksUp(context) ? null : movement.view(context, input, output);
  }

  @Override
  public String name() {
    return "gather";
  }
}
