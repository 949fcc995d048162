package org.backpack4j.samediff.internal.contribution;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.backpack4j.samediff.internal.ir.Precision;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Factors;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The contribution to a table whose rows are looked up: G[n, v, k] = Σ S[n, v, p] over the
 * positions p whose index is k. It is as large as the table, for each sample and column; what is
 * asked for is computed at the positions instead.
 *
 * <p>With E[n, p, q] = 1 where the indices at p and q are the same, (E S)[n, v, p] is G's row at
 * p's index. It stands at each of the c[n, p] = Σ_q E[n, p, q] positions of that index, so Σₙᵥ G²
 * is Σᵥ (E S)²/c, added up by index: N·V·P·D·(P + 1) products for P positions and rows of D
 * entries, no term negative, however large the table is.
 */
public final class EmbeddingProduct implements ParameterVjp {
  private final Emitter emit;
  private final Tensor s;
  private final Tensor indices;
  private final long rows;
  private final @Nullable Tensor signs;

  /**
   * A lookup.
   *
   * @param emit where ops are inserted
   * @param s S [N, V, P, D]
   * @param indices whole numbers from 0 to {@code rows} − 1: [N, P], or [1, P] if all samples look
   *     up the same rows
   * @param rows the number K of the table's rows
   * @param signs the columns' signs
   */
  public EmbeddingProduct(
      Emitter emit, Tensor s, Tensor indices, long rows, @Nullable Tensor signs) {
    this.emit = emit;
    this.s = s;
    this.indices = indices;
    this.rows = rows;
    this.signs = signs;
  }

  @Override
  public Emitter emit() {
    return emit;
  }

  @Override
  public @Nullable Tensor signs() {
    return signs;
  }

  @Override
  public Dim samples() {
    return s.dims().get(0);
  }

  private Dim columns() {
    return s.dims().get(1);
  }

  private Dim positions() {
    return s.dims().get(2);
  }

  private Dim entries() {
    return s.dims().get(3);
  }

  /** Whether all samples look up the same rows. */
  private boolean sameForAll() {
    return !indices.dims().get(0).samples();
  }

  /**
   * M[n] applied to the positions of each sample: [N or 1, A, P] times S as [N, P, V·D].
   *
   * @return [N, A, V, D]
   */
  private Tensor overPositions(Tensor matrices) {
    Dim a = matrices.dims().get(1);
    if (sameForAll()) {
      Tensor first = emit.permute(s, 2, 0, 1, 3);
      Tensor flat =
          emit.reshape(first, Dims.of(positions(), samples().times(columns()).times(entries())));
      Tensor matrix = emit.reshape(matrices, Dims.of(a, positions()));
      Tensor product = emit.matmul(matrix, false, flat, false);
      Tensor apart = emit.reshape(product, Dims.of(a, samples(), columns(), entries()));
      return emit.permute(apart, 1, 0, 2, 3);
    }
    Tensor second = emit.permute(s, 0, 2, 1, 3);
    Tensor flat = emit.reshape(second, Dims.of(samples(), positions(), columns().times(entries())));
    Tensor product = emit.matmul(matrices, false, flat, false);
    return emit.reshape(product, Dims.of(samples(), a, columns(), entries()));
  }

  /**
   * Adds up values at positions by their index, for each sample: [N, P, …] of {@code width} entries
   * to [N, K, width].
   *
   * <p>A row's number k = a·B + b says which of A blocks it is in, and which of B rows there. With
   * one-hot a and b it is a matrix product: Σₚ 1[aₚ = a] (1[bₚ = b] S[p]), whose factors [P, A] and
   * [P, B·width] are as large as the roots of the result, and not like a one-hot [P, K] many times
   * as large. Every op treats samples apart.
   */
  private Tensor rowsOfSamples(Tensor values, Dim width) {
    long inner = inner(width.size());
    long outer = (rows + inner - 1) / inner;
    Tensor number = emit.cast(indices, DataType.DOUBLE); // exact up to 2⁵³
    // (k + ½)/B is never so near to a whole number that rounding could change its floor
    Tensor block = floor(emit.scale(emit.plus(number, 0.5), 1.0 / inner));
    Tensor within = emit.sub(number, emit.scale(block, inner));
    Tensor blocks = emit.oneHot(emit.cast(block, DataType.INT32), outer, s.type()); // [N, P, A]
    Tensor row = emit.oneHot(emit.cast(within, DataType.INT32), inner, s.type()); // [N, P, B]
    Dims each = row.dims().plus(Dim.ONE);
    Dims one = Dims.of(samples(), positions(), Dim.ONE, width);
    Tensor spread = emit.mul(emit.reshape(row, each), emit.reshape(values, one));
    Dim columns = Dim.of(inner).times(width);
    Tensor right = emit.reshape(spread, Dims.of(samples(), positions(), columns));
    Tensor left = emit.broadcast(blocks, blocks.dims().with(0, samples()));
    Tensor product = emit.large(emit.matmul(left, true, right, false)); // [N, A, B·width]
    Tensor all = emit.reshape(product, Dims.of(samples(), Dim.of(outer * inner), width));
    return emit.slice(all, 1, 0, rows);
  }

  private Tensor floor(Tensor a) {
    return emit.map("floor", a, a.nonNegative(), v -> emit.graph().math().floor(v));
  }

  /**
   * The number B of rows in a block: near to √(K/width), where the factors are smallest together; a
   * divisor of K if there is one, since else the result has rows too many, and is copied.
   */
  private long inner(long width) {
    double best = Math.max(1, Math.sqrt((double) rows / width));
    for (long k = 0; k <= best; k++) {
      for (long inner : new long[] {Math.round(best) - k, Math.round(best) + k}) {
        if (inner >= Math.max(1, best / 4) && rows % inner == 0) {
          return inner;
        }
      }
    }
    return Math.round(best);
  }

  @Override
  public Tensor perSample() {
    Tensor apart = emit.permute(s, 0, 2, 1, 3); // [N, P, V, D]
    Tensor sums = rowsOfSamples(apart, columns().times(entries()));
    Tensor rowsFirst = emit.reshape(sums, Dims.of(samples(), Dim.of(rows), columns(), entries()));
    return emit.permute(rowsFirst, 0, 2, 1, 3);
  }

  @Override
  public Tensor sum() {
    // [N·P, V·D] by index
    Tensor apart = emit.permute(s, 0, 2, 1, 3);
    Tensor sums = byIndex(apart, columns().times(entries()));
    Tensor rowsFirst = emit.reshape(sums, Dims.of(Dim.of(rows), columns(), entries()));
    return emit.permute(rowsFirst, 1, 0, 2);
  }

  @Override
  public Tensor weightedSum(Tensor weights) {
    Dims dims = weights.dims().plus(Dim.ONE, Dim.ONE, Dim.ONE);
    Tensor each = emit.reshape(emit.cast(weights, s.type()), dims);
    return new EmbeddingProduct(emit, emit.mul(s, each), indices, rows, signs).sum();
  }

  @Override
  public Optional<Factors> factors() {
    return Optional.of(
        new Factors(emit.permute(s, 0, 1, 3, 2), null, indices, rows, emit::transpose));
  }

  @Override
  public Tensor squaredSum() {
    return byIndex(squaresAtPositions(), entries());
  }

  @Override
  public Tensor squaredPerSample() {
    return rowsOfSamples(squaresAtPositions(), entries());
  }

  @Override
  public Tensor squaredNorm() {
    return emit.sum(squaresAtPositions(), 1, 3);
  }

  /**
   * ‖G[n]‖² with a weight for each entry of the table.
   *
   * @param weights [K, D]
   * @return [N]
   */
  Tensor weightedSquaredNorm(Tensor weights) {
    return emit.sum(emit.mul(squaresAtPositions(), emit.gather(weights, 0, indices)), 1, 3);
  }

  @Override
  public Tensor variance() {
    EmbeddingProduct exact =
        new EmbeddingProduct(emit, emit.cast(s, Precision.CANCELLING), indices, rows, signs);
    Tensor squares = exact.squaredSum();
    return Variances.of(emit, emit.reshape(exact.sum(), squares.dims()), squares, s.type());
  }

  /** Σᵥ s (E S)²/c, [N, P, D]. */
  private Tensor squaresAtPositions() {
    Tensor own = emit.permute(s, 0, 2, 1, 3); // [N, P, V, D]
    if (positions().isOne()) {
      return overColumns(own);
    }
    Dim n = indices.dims().get(0);
    Tensor equal =
        emit.equal(
            emit.reshape(indices, Dims.of(n, positions(), Dim.ONE)),
            emit.reshape(indices, Dims.of(n, Dim.ONE, positions())),
            s.type());
    Tensor count = emit.reshape(emit.sum(equal, 2, 3), Dims.of(n, positions(), Dim.ONE));
    return emit.div(overColumns(overPositions(equal)), count);
  }

  /** Σᵥ s X², [N, P, V, D] to [N, P, D]. */
  private Tensor overColumns(Tensor x) {
    Tensor squares = emit.square(x);
    if (signs != null) {
      Tensor apart = emit.reshape(signs, Dims.of(signs.dims().get(0), Dim.ONE, columns(), Dim.ONE));
      squares = emit.mul(squares, apart);
    }
    return emit.sum(squares, 2, 3);
  }

  /**
   * Adds up values at positions by their index: [N, P, …] of {@code width} entries to [K, width].
   */
  private Tensor byIndex(Tensor values, Dim width) {
    // where all samples have the same positions, they are added up first
    Tensor at = sameForAll() ? emit.sumOverSamples(values) : values;
    Dim all = indices.dims().product();
    Tensor flat = emit.reshape(at, Dims.of(all, width));
    Tensor ids = emit.reshape(indices, Dims.of(all));
    return emit.sumByIndex(flat, ids, Math.toIntExact(rows));
  }

  /**
   * Lookups of several uses as one, their positions beside each other.
   *
   * @param parts the contributions
   * @return the joined lookup; empty if one of them is none, or they do not fit together
   */
  static Optional<ParameterVjp> join(List<ParameterVjp> parts) {
    List<EmbeddingProduct> uses = new ArrayList<>();
    for (ParameterVjp part : parts) {
      if (!(part instanceof EmbeddingProduct use)) {
        return Optional.empty();
      }
      uses.add(use);
    }
    EmbeddingProduct first = uses.get(0);
    boolean fit =
        uses.stream()
            .allMatch(
                u ->
                    u.rows == first.rows
                        && u.samples().equals(first.samples())
                        && u.columns().equals(first.columns())
                        && u.entries().equals(first.entries())
                        && u.indices.type() == first.indices.type()
                        && u.indices.dims().get(0).equals(first.indices.dims().get(0)));
    if (!fit) {
      return Optional.empty();
    }
    Emitter emit = first.emit;
    return Optional.of(
        new EmbeddingProduct(
            emit,
            emit.concat(2, uses.stream().map(u -> u.s).toList()),
            emit.concat(1, uses.stream().map(u -> u.indices).toList()),
            first.rows,
            first.signs));
  }
}
