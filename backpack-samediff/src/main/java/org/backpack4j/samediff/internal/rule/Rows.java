package org.backpack4j.samediff.internal.rule;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Values [N, 1, F…] with chosen axes of F brought together as the last one: [N, K, R]. What runs
 * along several axes at once becomes what runs along one.
 */
final class Rows {
  private final Emitter e;
  private final Dims dims;
  private final int[] order;
  private final Tensor value;

  private Rows(Emitter e, Tensor full, int[] axes) {
    this.e = e;
    this.dims = full.dims();
    int rank = full.rank();
    this.order =
        IntStream.concat(
                IntStream.range(0, rank).filter(k -> Arrays.stream(axes).noneMatch(a -> a == k)),
                Arrays.stream(axes))
            .toArray();
    Dims moved = dims.permuted(order);
    int kept = rank - axes.length;
    this.value =
        e.reshape(
            e.permute(full, order),
            Dims.of(dims.get(0), moved.range(1, kept).product(), moved.from(kept).product()));
  }

  /** A reduction's input, what belongs to one result as a row. */
  static Rows of(Group g) {
    Dims ones = Reductions.reduced(g.context());
    Dims part = g.context().perSample(0);
    int[] axes =
        IntStream.range(0, part.rank())
            .filter(k -> ones.get(k).isOne() && !part.get(k).isOne())
            .map(k -> k + 2)
            .toArray();
    return of(g.e(), g.x(), axes);
  }

  /** Any value [N, V, …], chosen axes of it as a row, in the order given. */
  static Rows of(Emitter e, Tensor full, int... axes) {
    return new Rows(e, full, axes);
  }

  /** [N, K, R]. */
  Tensor value() {
    return value;
  }

  /** Values [N, K, R] as they were. */
  Tensor back(Tensor rows) {
    int[] inverse = new int[order.length];
    for (int k = 0; k < order.length; k++) {
      inverse[order[k]] = k;
    }
    return e.permute(e.reshape(rows, dims.permuted(order)), inverse);
  }

  /** The length of a row. */
  Dim length() {
    return value.dims().get(2);
  }
}
