package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.internal.autodiff.ColumnSigns;
import org.backpack4j.samediff.internal.autodiff.ColumnSource;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Few columns for many: sums of columns of one sign with random signs ε, Σᵥ εᵥ cᵥ. Since the εᵥ are
 * independent and of mean zero, the mean of the sum's outer product is Σᵥ cᵥ cᵥᵀ. The columns are
 * dealt out to M sums, every M-th to the same one, so that with as many sums as columns nothing is
 * random any more. Columns with the sign − are summed apart from those with the sign +, so that the
 * mean of the difference is the exact matrix, whatever its signs are.
 *
 * <p>Martens, Sutskever and Swersky, 2012, "Estimating the Hessian by back-propagating curvature",
 * for M = 1.
 */
final class RandomSigns {
  private final Emitter emit;
  private final Tensor noise;
  private final int samples;

  /**
   * Random signs for the columns of one node.
   *
   * @param emit where ops are inserted
   * @param noise uniform numbers in [0, 1), [N, E], with E of {@link #count}
   * @param samples the number M of sums of each group and sign, at most
   */
  RandomSigns(Emitter emit, Tensor noise, int samples) {
    this.emit = emit;
    this.noise = noise;
    this.samples = samples;
  }

  /** How many random numbers the sums take: one for each column. */
  static long count(List<HessianRoot> groups) {
    return groups.stream().mapToLong(group -> group.signs().count()).sum();
  }

  /** The sums, at most M columns for each group and sign. */
  List<HessianRoot> mixed(List<HessianRoot> groups) {
    Tensor signs = emit.plus(emit.scale(emit.greater(emit.plus(noise, -0.5), 0), 2), -1);
    List<HessianRoot> mixed = new ArrayList<>();
    long from = 0;
    for (HessianRoot group : groups) {
      long count = group.signs().count();
      Tensor own = emit.slice(signs, 1, from, from + count); // [N, V]
      from += count;
      for (int sign :
          group.signs().all() == 0 ? new int[] {1, -1} : new int[] {group.signs().all()}) {
        Tensor having = group.signs().having(emit, sign);
        mixed.add(sums(group, dealt(having == null ? own : times(own, having)), sign));
      }
    }
    return mixed;
  }

  /** [N, V] signs times [N or 1, (1,) V]. */
  private Tensor times(Tensor own, Tensor having) {
    return emit.mul(own, emit.reshape(having, Dims.of(having.dims().get(0), own.dims().get(1))));
  }

  /** Each column's sign in its own sum, zero in the others: [N, M, V]. */
  private Tensor dealt(Tensor own) {
    Dim columns = own.dims().get(1);
    long sums = Math.min(samples, columns.size());
    Tensor rows = emit.reshape(own, Dims.of(own.dims().get(0), Dim.ONE, columns));
    return sums == 1 ? rows : emit.mul(rows, deal(sums, columns.size(), own.type()));
  }

  /** 1 where column v belongs to sum v mod M, else 0: [1, M, V]. */
  private Tensor deal(long sums, long columns, DataType type) {
    return emit.constant(
        List.of("deal", sums, columns, type),
        () -> {
          INDArray deal = Nd4j.zeros(type, 1, sums, columns);
          for (long v = 0; v < columns; v++) {
            deal.putScalar(new long[] {0, v % sums, v}, 1);
          }
          return deal;
        });
  }

  private HessianRoot sums(HessianRoot group, Tensor weights, int sign) {
    Map<Integer, ColumnSource> sums = new TreeMap<>();
    long count = weights.dims().get(1).size();
    group
        .columns()
        .forEach(
            (input, columns) -> sums.put(input, ColumnSource.of(emit, columns.mixed(weights))));
    return new HessianRoot(sums, sign > 0 ? ColumnSigns.plus(count) : ColumnSigns.minus(count));
  }
}
