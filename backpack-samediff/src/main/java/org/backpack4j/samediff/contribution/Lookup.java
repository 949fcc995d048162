package org.backpack4j.samediff.contribution;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.factory.Nd4j;

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
public final class Lookup implements Contribution {
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
  public Lookup(Emitter emit, Tensor s, Tensor indices, long rows, @Nullable Tensor signs) {
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

  /** One where an index is a row's number: [N or 1, K, P]. */
  private Tensor oneHot() {
    Tensor numbers =
        emit.constant(
            List.of("row numbers", rows, indices.type()),
            () ->
                Nd4j.createFromArray(LongStream.range(0, rows).toArray())
                    .castTo(indices.type())
                    .reshape(1, rows, 1));
    Dims dims = Dims.of(indices.dims().get(0), Dim.ONE, positions());
    return emit.equal(numbers, emit.reshape(indices, dims), s.type());
  }

  @Override
  public Tensor perSample() {
    return emit.permute(overPositions(oneHot()), 0, 2, 1, 3);
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
  public Tensor squaredSum() {
    return byIndex(squaresAtPositions(), entries());
  }

  @Override
  public Tensor squaredPerSample() {
    Tensor squares = squaresAtPositions();
    if (sameForAll()) {
      Tensor first = emit.permute(squares, 1, 0, 2);
      Tensor flat = emit.reshape(first, Dims.of(positions(), samples().times(entries())));
      Tensor hot = emit.reshape(oneHot(), Dims.of(Dim.of(rows), positions()));
      Tensor product = emit.matmul(hot, false, flat, false);
      return emit.permute(
          emit.reshape(product, Dims.of(Dim.of(rows), samples(), entries())), 1, 0, 2);
    }
    return emit.matmul(oneHot(), false, squares, false);
  }

  @Override
  public Tensor squaredNorm() {
    return emit.sum(squaresAtPositions(), 1, 3);
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
  static Optional<Contribution> join(List<Contribution> parts) {
    List<Lookup> uses = new ArrayList<>();
    for (Contribution part : parts) {
      if (!(part instanceof Lookup use)) {
        return Optional.empty();
      }
      uses.add(use);
    }
    Lookup first = uses.get(0);
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
        new Lookup(
            emit,
            emit.concat(2, uses.stream().map(u -> u.s).toList()),
            emit.concat(1, uses.stream().map(u -> u.indices).toList()),
            first.rows,
            first.signs));
  }
}
