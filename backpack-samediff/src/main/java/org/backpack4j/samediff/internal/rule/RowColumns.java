package org.backpack4j.samediff.internal.rule;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.autodiff.BlockColumns;
import org.backpack4j.samediff.internal.autodiff.ColumnSigns;
import org.backpack4j.samediff.internal.autodiff.ColumnSource;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Collects the signed columns of symmetric matrices, one matrix [D, D] for each row [N, R, D] of an
 * op that works along axes. All columns of one kind stand beside each other, row by row.
 */
final class RowColumns {
  private final Emitter e;
  private final List<ColumnSource> columns = new ArrayList<>(); // each [N, V, R, D]
  private final List<Tensor> signs = new ArrayList<>(); // each [N, V]

  RowColumns(Emitter e) {
    this.e = e;
  }

  /** [N, 1, R, D] as [N, R, D]. */
  static Tensor row(Emitter e, Tensor rows) {
    return e.reshape(rows, Dims.of(rows.dims().get(0)).plus(rows.dims().from(2)));
  }

  /** Adds diag(d), d [N, R, D]. */
  RowColumns diagonal(Tensor d) {
    return with(embed(e.sqrt(e.abs(d))), e.sign(d));
  }

  /** Adds m (I − 1 1ᵀ/D), m [N, R, 1]; like is any [N, R, D]. */
  RowColumns centring(Tensor m, Tensor like) {
    return with(new Centring(e, e.sqrt(e.abs(m)), like), e.broadcast(e.sign(m), like.dims()));
  }

  /** Adds w (diag p − p pᵀ), the covariance of one draw, p [N, R, D] and w [N, R, 1]. */
  RowColumns covariance(Tensor p, Tensor w) {
    Tensor root = e.sqrt(e.abs(w));
    with(embed(e.mul(e.sqrt(p), root)), e.broadcast(e.sign(w), p.dims()));
    return with(new OneEach(e, e.mul(p, root)), e.scale(e.sign(w), -1));
  }

  /**
   * Adds −(a bᵀ + b aᵀ), a and b [N, R, D]: both scaled to one norm, (a + b)/√2 with the sign − and
   * (a − b)/√2 with the sign +.
   */
  RowColumns minusSymmetric(Tensor a, Tensor b) {
    Tensor normA = norm(a);
    Tensor normB = norm(b);
    Tensor root = e.sqrt(e.scale(e.mul(normA, normB), 0.5));
    Tensor left = e.mul(e.mul(a, inverse(normA)), root);
    Tensor right = e.mul(e.mul(b, inverse(normB)), root);
    Dims each = a.dims().with(2, Dim.ONE);
    with(new OneEach(e, e.add(left, right)), e.broadcast(constant(a.type(), -1), each));
    return with(new OneEach(e, e.sub(left, right)), e.broadcast(constant(a.type(), 1), each));
  }

  private RowColumns with(ColumnSource more, Tensor theirSigns) {
    Dims dims = theirSigns.dims();
    columns.add(more);
    signs.add(e.reshape(theirSigns, Dims.of(dims.get(0), dims.from(1).product())));
    return this;
  }

  /** One column for each entry of d [N, R, D]. */
  private ColumnSource embed(Tensor d) {
    Dims one = Dims.of(d.dims().get(0), Dim.ONE).plus(d.dims().from(1));
    return SignedRoot.embed(e, e.reshape(d, one));
  }

  /** One column for each row: its entries. */
  private static final class OneEach extends BlockColumns {
    private final Emitter e;
    private final Tensor rows; // [N, R, D]

    OneEach(Emitter e, Tensor rows) {
      super(e, 1, rows.dims().get(1).size());
      this.e = e;
      this.rows = rows;
    }

    @Override
    protected Tensor entries(long firstRow, long endRow, long first, long end) {
      Tensor some = e.slice(rows, 1, firstRow, endRow);
      return e.reshape(some, some.dims().range(0, 2).plus(Dim.ONE, some.dims().get(2)));
    }

    @Override
    public Tensor mixed(Tensor weights) {
      Tensor each = e.reshape(weights, weights.dims().plus(Dim.ONE));
      return e.mul(
          e.reshape(rows, Dims.of(rows.dims().get(0), Dim.ONE).plus(rows.dims().from(1))), each);
    }
  }

  /** The columns of I − 1 1ᵀ/D times a number for each row. */
  private static final class Centring extends BlockColumns {
    private final Emitter e;
    private final Tensor factors; // [N, R, 1]
    private final Dims rows; // [N, R, D]

    Centring(Emitter e, Tensor factors, Tensor like) {
      super(e, like.dims().get(2).size(), like.dims().get(1).size());
      this.e = e;
      this.factors = factors;
      this.rows = like.dims();
    }

    private long size() {
      return rows.get(2).size();
    }

    @Override
    protected Tensor entries(long firstRow, long endRow, long first, long end) {
      Tensor own = e.identity(factors.type(), size(), first, end);
      Tensor centred = e.reshape(e.plus(own, -1.0 / size()), Dims.of(1, 1, end - first, size()));
      Tensor some = e.slice(factors, 1, firstRow, endRow);
      return e.mul(e.reshape(some, some.dims().plus(Dim.ONE)), centred);
    }

    @Override
    public Tensor mixed(Tensor weights) {
      Dims each = weights.dims().range(0, 2).plus(rows.from(1));
      Tensor apart = e.reshape(weights, each); // [N, M, R, D]
      Tensor means = e.scale(e.reshape(e.sum(apart, 3, 4), each.with(3, Dim.ONE)), 1.0 / size());
      Dims one = Dims.of(factors.dims().get(0), Dim.ONE).plus(factors.dims().from(1));
      return e.mul(e.sub(apart, means), e.reshape(factors, one));
    }
  }

  private Tensor constant(DataType type, double value) {
    return e.literal(value, type, Dims.of(1, 1, 1));
  }

  private Tensor norm(Tensor a) {
    Tensor squares = e.sum(e.square(a), 2, 3);
    return e.sqrt(e.reshape(squares, a.dims().with(2, Dim.ONE)));
  }

  /** One over a norm; zero where it is zero. */
  private Tensor inverse(Tensor norm) {
    Tensor positive = e.greater(norm, 0);
    return e.div(positive, e.add(norm, e.minus(1, positive)));
  }

  /** All columns, as curvature with respect to the first input. */
  HessianRoot hessianRoot(Along along) {
    List<Long> counts = signs.stream().map(s -> s.dims().get(1).size()).toList();
    ColumnSource all = ColumnSource.beside(e, columns, counts);
    return new HessianRoot(Map.of(0, all.then(along::back)), ColumnSigns.of(e.concat(1, signs)));
  }
}
