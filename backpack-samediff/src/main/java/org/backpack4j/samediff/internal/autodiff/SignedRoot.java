package org.backpack4j.samediff.internal.autodiff;

import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Signed columns of simple matrices.
 *
 * @param columns the columns [N, V, F…]
 * @param signs the columns' signs
 */
public record SignedRoot(ColumnSource columns, ColumnSigns signs) {
  /**
   * diag(d): one column for each entry, √|d| with the sign of d.
   *
   * @param e where ops are inserted
   * @param d [N, 1, F…]
   * @return columns [N, E, F…], E the number of entries of F
   */
  public static SignedRoot diagonal(Emitter e, Tensor d) {
    ColumnSource columns = embed(e, e.sqrt(e.abs(d)));
    Dim entries = d.dims().from(2).product();
    return new SignedRoot(
        columns,
        d.nonNegative()
            ? ColumnSigns.plus(entries.size())
            : ColumnSigns.of(e.reshape(e.sign(d), Dims.of(d.dims().get(0), entries))));
  }

  /**
   * Columns that are there.
   *
   * @param e where ops are inserted
   * @param columns the columns [N, V, F…]
   * @param signs their signs [N, V] or [1, V]; null if all are +1
   * @return the same
   */
  public static SignedRoot of(Emitter e, Tensor columns, @Nullable Tensor signs) {
    return new SignedRoot(
        ColumnSource.of(e, columns),
        signs == null ? ColumnSigns.plus(columns.dims().get(1).size()) : ColumnSigns.of(signs));
  }

  /**
   * A diagonal matrix: what is made of it takes the memory of the columns asked for, no more.
   *
   * @param e where ops are inserted
   * @param d [N, 1, F…]
   * @return [N, E, F…], column k with d's entry k at entry k
   */
  public static ColumnSource embed(Emitter e, Tensor d) {
    Dims f = d.dims().from(2);
    Dim n = d.dims().get(0);
    long size = f.product().size();
    return new ColumnSource() {
      @Override
      public Tensor range(long from, long to) {
        Tensor row = e.reshape(d, Dims.of(n, Dim.ONE, Dim.of(size)));
        Tensor own = e.reshape(e.identity(d.type(), size, from, to), Dims.of(1, to - from, size));
        return e.reshape(e.mul(row, own), Dims.of(n, Dim.of(to - from)).plus(f));
      }

      @Override
      public Tensor mixed(Tensor weights) {
        return e.mul(d, e.reshape(weights, weights.dims().range(0, 2).plus(f)));
      }

      @Override
      public Tensor products(Emitter emit, Tensor u, long count) {
        Tensor product = emit.mul(u, d);
        return emit.reshape(product, product.dims().range(0, 2).plus(Dim.of(size)));
      }
    };
  }
}
