package org.backpack4j.samediff.internal.autodiff;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Columns that are zero outside of one block each: rows r of K columns, of which each stands in one
 * of the blocks of D entries. Only the blocks are computed by formulas.
 *
 * <p>Columns [N, R·K, B, D], B the number of blocks; column r·K + k is in block {@link #block}.
 */
public abstract class BlockColumns implements ColumnSource {
  private final Emitter e;
  private final long perRow;
  private final long blocks;

  /**
   * Columns in blocks.
   *
   * @param e where ops are inserted
   * @param perRow the number K of columns in a row
   * @param blocks the number B of blocks
   */
  protected BlockColumns(Emitter e, long perRow, long blocks) {
    this.e = e;
    this.perRow = perRow;
    this.blocks = blocks;
  }

  /**
   * The blocks of some rows' columns.
   *
   * @param firstRow the first row
   * @param endRow the row behind the last
   * @param first the first of their columns
   * @param end the column behind the last
   * @return [N, endRow − firstRow, end − first, D]
   */
  protected abstract Tensor entries(long firstRow, long endRow, long first, long end);

  /**
   * The block in which a column stands: that of its row, unless this is overridden.
   *
   * @param row the row
   * @param column which of the row's columns
   * @return the block's number
   */
  protected long block(long row, long column) {
    return row;
  }

  @Override
  public Tensor range(long from, long to) {
    List<Tensor> parts = new ArrayList<>();
    long[] place = new long[Math.toIntExact(to - from)];
    for (long at = from; at < to; ) {
      long row = at / perRow;
      long first = at % perRow;
      long rows = first == 0 ? Math.max(1, (to - at) / perRow) : 1;
      long end = Math.min(perRow, first + to - at);
      parts.add(flat(entries(row, row + rows, first, end)));
      for (long r = row; r < row + rows; r++) {
        for (long k = first; k < end; k++) {
          place[Math.toIntExact(at++ - from)] = block(r, k);
        }
      }
    }
    Tensor compact = e.concat(1, parts); // [N, V, D]
    Dim n = compact.dims().get(0);
    Dim d = compact.dims().get(2);
    Tensor apart = e.reshape(compact, Dims.of(n, Dim.of(to - from), Dim.ONE, d));
    if (blocks == 1) {
      return apart;
    }
    Tensor own = e.oneHot(place, blocks, compact.type());
    return e.mul(apart, e.reshape(own, Dims.of(1, to - from, blocks, 1)));
  }

  @Override
  public Tensor mixed(Tensor weights) {
    return ColumnSource.product(e, weights, range(0, weights.dims().get(2).size()));
  }

  @Override
  public Tensor products(Emitter emit, Tensor u, long count) {
    if (blocks == 1 || count != blocks * perRow || !eachRowItsBlock()) {
      return ColumnSource.super.products(emit, u, count);
    }
    Tensor all = entries(0, blocks, 0, perRow); // [N, B, K, D]
    Dims lead = Dims.of(all.dims().get(0), u.dims().get(1));
    Dims apart = Dims.of(Dim.of(blocks), all.dims().get(3));
    Tensor vectors = emit.broadcast(u, u.dims().with(0, lead.get(0)));
    Tensor byBlock = emit.permute(emit.reshape(vectors, lead.plus(apart)), 0, 2, 1, 3);
    Dim batch = lead.get(0).times(Dim.of(blocks));
    Tensor product =
        emit.matmul(
            emit.reshape(byBlock, Dims.of(batch).plus(byBlock.dims().from(2))),
            false,
            emit.reshape(all, Dims.of(batch).plus(all.dims().from(2))),
            true);
    Dims byRow = byBlock.dims().range(0, 3).plus(Dim.of(perRow));
    Tensor rows = emit.permute(emit.reshape(product, byRow), 0, 2, 1, 3); // [N, M, B, K]
    return emit.reshape(rows, lead.plus(Dim.of(count)));
  }

  private boolean eachRowItsBlock() {
    for (long row = 0; row < blocks; row++) {
      for (long column = 0; column < perRow; column++) {
        if (block(row, column) != row) {
          return false;
        }
      }
    }
    return true;
  }

  private static Dims joined(Dims entries) {
    return Dims.of(entries.get(0), entries.range(1, 3).product(), entries.get(3));
  }

  private Tensor flat(Tensor entries) {
    return e.reshape(entries, joined(entries.dims()));
  }
}
