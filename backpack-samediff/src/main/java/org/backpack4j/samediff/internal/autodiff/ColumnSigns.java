package org.backpack4j.samediff.internal.autodiff;

import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The signs of columns.
 *
 * @param count the number V of columns
 * @param all +1 or −1 where all have that sign, else 0
 * @param each [N, V] or [1, V] where each has its own, else null
 */
public record ColumnSigns(long count, int all, @Nullable Tensor each) {
  /**
   * The sign +.
   *
   * @param count the number of columns
   * @return their signs
   */
  public static ColumnSigns plus(long count) {
    return new ColumnSigns(count, 1, null);
  }

  /**
   * The sign −.
   *
   * @param count the number of columns
   * @return their signs
   */
  public static ColumnSigns minus(long count) {
    return new ColumnSigns(count, -1, null);
  }

  /**
   * A sign for each.
   *
   * @param each [N, V] or [1, V]
   * @return the signs
   */
  public static ColumnSigns of(Tensor each) {
    return new ColumnSigns(each.dims().get(1).size(), 0, each);
  }

  /**
   * The signs of some of the columns, as a {@link Cotangent} has them.
   *
   * @param e where ops are inserted
   * @param type their data type
   * @param from the first column
   * @param to the one behind the last
   * @return [N, to − from] or [1, to − from]; null if all are +1
   */
  public @Nullable Tensor range(Emitter e, DataType type, long from, long to) {
    if (each != null) {
      return e.slice(each, 1, from, to);
    }
    return all > 0 ? null : e.scale(e.ones(type, 1, to - from), -1);
  }

  /**
   * Weights of the columns times their signs.
   *
   * @param e where ops are inserted
   * @param weights for each sum the columns' weights [N or 1, M, V]
   * @return s[n, v] w[n, m, v], [N or 1, M, V]
   */
  public Tensor times(Emitter e, Tensor weights) {
    return each == null
        ? e.scale(weights, all)
        : e.mul(weights, e.reshape(each, Dims.of(each.dims().get(0)).plus(Dims.of(1, count))));
  }

  /**
   * Zeros in the place of negative signs.
   *
   * @param e where ops are inserted
   * @return the weights that are left, 0 or 1
   */
  public ColumnSigns clipped(Emitter e) {
    return each == null ? new ColumnSigns(count, Math.max(0, all), null) : of(e.greater(each, 0));
  }

  /**
   * Whether no column is left.
   *
   * @return true if all are zero
   */
  public boolean isZero() {
    return each == null && all == 0;
  }

  /**
   * The sign + for all.
   *
   * @return the signs without a minus
   */
  public ColumnSigns absolute() {
    return plus(count);
  }

  /**
   * Where the columns have a sign.
   *
   * @param e where ops are inserted
   * @param sign +1 or −1
   * @return one for each column that has it, zero for each other, [N or 1, 1, V]; null if all have
   *     it
   */
  public @Nullable Tensor having(Emitter e, int sign) {
    if (each == null) {
      return null;
    }
    Tensor having = sign > 0 ? e.greater(each, 0) : e.less(each, 0);
    return e.reshape(having, Dims.of(each.dims().get(0)).plus(Dims.of(1, count)));
  }
}
