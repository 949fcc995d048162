package org.backpack4j.samediff.internal.autodiff;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The columns of a matrix for each sample, [N, V, F…], of which any range can be made without the
 * others: V may be so large that all of them never fit into memory.
 */
public interface ColumnSource {
  /**
   * Some of the columns.
   *
   * @param from the first one
   * @param to the one behind the last
   * @return [N, to − from, F…]
   */
  Tensor range(long from, long to);

  /**
   * Weighted sums of all columns.
   *
   * @param weights for each sum the columns' weights, w [N, M, V]
   * @return Σᵥ w[n, m, v] c[n, v], [N, M, F…]
   */
  Tensor mixed(Tensor weights);

  /**
   * Inner products with all columns.
   *
   * @param e where ops are inserted
   * @param u vectors [N or 1, M, F…]
   * @param count the number V of columns
   * @return ⟨c[n, v], u[n, m]⟩, [N or 1, M, V]
   */
  default Tensor products(Emitter e, Tensor u, long count) {
    return inner(e, u, range(0, count));
  }

  /**
   * The same columns in another arrangement.
   *
   * @param map a permutation or reshape of [N, any number, F…] column by column
   * @param back undoes it
   * @return the columns that the map makes of these
   */
  default ColumnSource rearranged(UnaryOperator<Tensor> map, UnaryOperator<Tensor> back) {
    ColumnSource before = this;
    return new ColumnSource() {
      @Override
      public Tensor range(long from, long to) {
        return map.apply(before.range(from, to));
      }

      @Override
      public Tensor mixed(Tensor weights) {
        return map.apply(before.mixed(weights));
      }

      @Override
      public Tensor products(Emitter e, Tensor u, long count) {
        return before.products(e, back.apply(u), count);
      }
    };
  }

  /**
   * The same columns behind a linear map.
   *
   * @param map takes [N, any number, F…] column by column
   * @return the columns that the map makes of these
   */
  default ColumnSource then(UnaryOperator<Tensor> map) {
    ColumnSource before = this;
    return new ColumnSource() {
      @Override
      public Tensor range(long from, long to) {
        return map.apply(before.range(from, to));
      }

      @Override
      public Tensor mixed(Tensor weights) {
        return map.apply(before.mixed(weights));
      }
    };
  }

  /**
   * Columns of one variable among those of several: zero where they belong to another.
   *
   * @param e where ops are inserted
   * @param own the columns of this variable
   * @param before how many columns of others stand before its own
   * @param count how many are its own
   * @param all how many there are together
   * @param part the variable's per-sample shape F
   * @return all of them, [N, all, F…]
   */
  static ColumnSource within(
      Emitter e, ColumnSource own, long before, long count, long all, Dims part) {
    if (count == all) {
      return own;
    }
    return new ColumnSource() {
      @Override
      public Tensor range(long from, long to) {
        long first = Math.max(from, before);
        long end = Math.min(to, before + count);
        if (first >= end) {
          Tensor some = own.range(0, 1);
          Dims dims = Dims.of(some.dims().get(0), Dim.of(to - from)).plus(part);
          return e.broadcast(e.scale(some, 0), dims);
        }
        Tensor some = own.range(first - before, end - before);
        return e.pad(some, 1, first - from, to - end);
      }

      @Override
      public Tensor mixed(Tensor weights) {
        return own.mixed(e.slice(weights, 2, before, before + count));
      }
    };
  }

  /**
   * Columns that are there.
   *
   * @param e where ops are inserted
   * @param columns the columns [N, V, F…]
   * @return the same
   */
  static ColumnSource of(Emitter e, Tensor columns) {
    return new ColumnSource() {
      @Override
      public Tensor range(long from, long to) {
        return e.slice(columns, 1, from, to);
      }

      @Override
      public Tensor mixed(Tensor weights) {
        return product(e, weights, columns);
      }
    };
  }

  /**
   * The columns of several matrices beside each other.
   *
   * @param e where ops are inserted
   * @param parts the matrices
   * @param counts how many columns each has
   * @return all columns
   */
  static ColumnSource beside(Emitter e, List<ColumnSource> parts, List<Long> counts) {
    return new ColumnSource() {
      @Override
      public Tensor range(long from, long to) {
        List<Tensor> ranges = new ArrayList<>();
        long at = 0;
        for (int k = 0; k < parts.size(); k++) {
          long end = at + counts.get(k);
          if (from < end && at < to) {
            ranges.add(parts.get(k).range(Math.max(from, at) - at, Math.min(to, end) - at));
          }
          at = end;
        }
        return e.concat(1, ranges);
      }

      @Override
      public Tensor products(Emitter emit, Tensor u, long count) {
        List<Tensor> all = new ArrayList<>();
        for (int k = 0; k < parts.size(); k++) {
          all.add(parts.get(k).products(emit, u, counts.get(k)));
        }
        return emit.concat(2, all);
      }

      @Override
      public Tensor mixed(Tensor weights) {
        List<Tensor> sums = new ArrayList<>();
        long at = 0;
        for (int k = 0; k < parts.size(); k++) {
          sums.add(parts.get(k).mixed(e.slice(weights, 2, at, at + counts.get(k))));
          at += counts.get(k);
        }
        return sums.stream().reduce(e::add).orElseThrow();
      }
    };
  }

  /**
   * Inner products with columns that are there.
   *
   * @param e where ops are inserted
   * @param u vectors [N or 1, M, F…]
   * @param columns c [N or 1, V, F…]
   * @return ⟨c[n, v], u[n, m]⟩, [N or 1, M, V]
   */
  static Tensor inner(Emitter e, Tensor u, Tensor columns) {
    Dim entries = u.dims().from(2).product();
    Dims left = u.dims().range(0, 2);
    Dims right = columns.dims().range(0, 2);
    if (left.get(0).equals(right.get(0)) && left.get(0).samples()) {
      Tensor a = e.reshape(u, left.plus(entries));
      return e.matmul(a, false, e.reshape(columns, right.plus(entries)), true);
    }
    if (right.get(0).samples()) {
      return e.transpose(inner(e, columns, u));
    }
    Tensor a = e.reshape(u, Dims.of(left.product(), entries));
    Tensor product = e.matmul(a, false, e.reshape(columns, Dims.of(right.get(1), entries)), true);
    return e.reshape(product, left.plus(right.get(1)));
  }

  /**
   * Weighted sums of columns that are there.
   *
   * @param e where ops are inserted
   * @param weights w [N, M, V]
   * @param columns c [N, V, F…]
   * @return Σᵥ w[n, m, v] c[n, v], [N, M, F…]
   */
  static Tensor product(Emitter e, Tensor weights, Tensor columns) {
    Dims part = columns.dims().from(2);
    Dims lead = weights.dims().range(0, 2);
    if (columns.dims().get(1).isOne()) {
      Dims each = lead;
      for (int k = 0; k < part.rank(); k++) {
        each = each.plus(Dim.ONE);
      }
      return e.mul(columns, e.reshape(weights, each));
    }
    Dims matrix = Dims.of(columns.dims().get(1), part.product());
    Tensor product =
        columns.dims().get(0).samples()
            ? e.matmul(
                weights,
                false,
                e.reshape(columns, Dims.of(columns.dims().get(0)).plus(matrix)),
                false)
            : e.matmul(
                e.reshape(weights, Dims.of(lead.product(), weights.dims().get(2))),
                false,
                e.reshape(columns, matrix),
                false);
    return e.reshape(product, lead.plus(part));
  }
}
