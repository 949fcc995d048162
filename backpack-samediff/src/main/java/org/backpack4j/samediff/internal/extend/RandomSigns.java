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

/**
 * Few columns for many: sums of all columns of one sign with random signs ε, Σᵥ εᵥ cᵥ. Since the εᵥ
 * are independent and of mean zero, the mean of the sum's outer product is Σᵥ cᵥ cᵥᵀ. Columns with
 * the sign − are summed apart from those with the sign +, so that the mean of the difference is the
 * exact matrix, whatever its signs are.
 *
 * <p>Martens, Sutskever and Swersky, 2012, "Estimating the Hessian by back-propagating curvature".
 */
final class RandomSigns {
  private final Emitter emit;
  private final Tensor noise;
  private final int samples;

  /**
   * Random signs for the columns of one node.
   *
   * @param emit where ops are inserted
   * @param noise uniform numbers in [0, 1), [N, M·E], with E of {@link #count}
   * @param samples the number M of sums
   */
  RandomSigns(Emitter emit, Tensor noise, int samples) {
    this.emit = emit;
    this.noise = noise;
    this.samples = samples;
  }

  /** How many random numbers a sum of all columns takes: one for each. */
  static long count(List<HessianRoot> groups) {
    return groups.stream().mapToLong(group -> group.signs().count()).sum();
  }

  /** The sums, M columns for each group and sign. */
  List<HessianRoot> mixed(List<HessianRoot> groups) {
    long all = count(groups);
    Tensor numbers = emit.reshape(noise, Dims.of(Dim.N, Dim.of(samples), Dim.of(all)));
    Tensor signs = emit.plus(emit.scale(emit.greater(emit.plus(numbers, -0.5), 0), 2), -1);
    Tensor scaled = emit.scale(signs, 1 / Math.sqrt(samples));
    List<HessianRoot> mixed = new ArrayList<>();
    long from = 0;
    for (HessianRoot group : groups) {
      long to = from + group.signs().count();
      Tensor own = emit.slice(scaled, 2, from, to); // [N, M, V]
      from = to;
      for (int sign :
          group.signs().all() == 0 ? new int[] {1, -1} : new int[] {group.signs().all()}) {
        Tensor having = group.signs().having(emit, sign);
        mixed.add(sums(group, having == null ? own : emit.mul(own, having), sign));
      }
    }
    return mixed;
  }

  private HessianRoot sums(HessianRoot group, Tensor weights, int sign) {
    Map<Integer, ColumnSource> sums = new TreeMap<>();
    group
        .columns()
        .forEach(
            (input, columns) -> sums.put(input, ColumnSource.of(emit, columns.mixed(weights))));
    return new HessianRoot(sums, sign > 0 ? ColumnSigns.plus(samples) : ColumnSigns.minus(samples));
  }
}
