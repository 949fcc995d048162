package org.backpack4j.samediff.backprop;

import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Signed columns of simple matrices.
 *
 * @param value [N, V, F…]
 * @param signs [N, V] or [1, V]; null if all are +1
 */
public record SignedColumns(Tensor value, @Nullable Tensor signs) {
  /**
   * diag(d): one column for each entry, √|d| with the sign of d.
   *
   * @param e where ops are inserted
   * @param d [N, 1, F…]
   * @return columns [N, E, F…], E the number of entries of F
   */
  public static SignedColumns diagonal(Emitter e, Tensor d) {
    Tensor value = embed(e, e.sqrt(e.abs(d)));
    return new SignedColumns(value, d.nonNegative() ? null : flat(e, e.sign(d)));
  }

  /**
   * A diagonal matrix.
   *
   * @param e where ops are inserted
   * @param d [N, 1, F…]
   * @return [N, E, F…], column k with d's entry k at entry k
   */
  public static Tensor embed(Emitter e, Tensor d) {
    Dims f = d.dims().from(2);
    long size = f.product().size();
    Tensor row = e.reshape(d, Dims.of(d.dims().get(0), Dim.ONE, Dim.of(size)));
    Tensor eye = e.reshape(e.eye(d.type(), size), Dims.of(1, size, size));
    return e.reshape(e.mul(row, eye), Dims.of(d.dims().get(0), Dim.of(size)).plus(f));
  }

  /**
   * One number for each column, spread over the columns' entries.
   *
   * @param e where ops are inserted
   * @param d [N, 1, F…]
   * @return [N, E, 1…]
   */
  public static Tensor spread(Emitter e, Tensor d) {
    Dims dims = Dims.of(d.dims().get(0), d.dims().from(2).product());
    for (int k = 2; k < d.rank(); k++) {
      dims = dims.plus(Dim.ONE);
    }
    return e.reshape(d, dims);
  }

  private static Tensor flat(Emitter e, Tensor d) {
    return e.reshape(d, Dims.of(d.dims().get(0), d.dims().from(2).product()));
  }

  /**
   * The same sign for all columns.
   *
   * @param e where ops are inserted
   * @param columns the columns [N, V, F…]
   * @param sign +1 or −1
   * @return [1, V]; null for +1
   */
  public static @Nullable Tensor signs(Emitter e, Tensor columns, int sign) {
    return sign > 0 ? null : e.scale(e.ones(columns.type(), 1, columns.dims().get(1).size()), -1);
  }
}
