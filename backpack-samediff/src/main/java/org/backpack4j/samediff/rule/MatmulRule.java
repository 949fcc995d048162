package org.backpack4j.samediff.rule;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.backpack4j.samediff.backprop.BlockColumns;
import org.backpack4j.samediff.backprop.ColumnSigns;
import org.backpack4j.samediff.backprop.ColumnSource;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Signal;
import org.backpack4j.samediff.backprop.SignedColumns;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.contribution.Contribution;
import org.backpack4j.samediff.contribution.OuterProduct;
import org.backpack4j.samediff.contribution.Rearranged;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code matmul}: Z = A B for matrices [..., M, K] and [..., K, L], any of them transposed. The
 * samples may be the rows (a dense layer), the columns, or a leading axis (products of activations,
 * as in attention). With a signal S: Sᵀ-free rules dA = S Bᵀ, dB = Aᵀ S, the columns V folded into
 * the rows.
 */
final class MatmulRule implements Rule {
  private static boolean transposed(Site site, int which) {
    return site.node().iArg(which, 0) != 0;
  }

  private static double alpha(Site site) {
    return site.node().tArg(0, 1);
  }

  /** Whether an axis of an input is summed over. */
  private static boolean contracted(Site site, int input, int axis) {
    int rank = site.dims(input).rank();
    boolean last = axis == rank - 1;
    return axis >= rank - 2 && last == ((input == 0) != transposed(site, input));
  }

  @Override
  public Placement place(Site site, int output) {
    Placement found = Placements.withoutAxis(site);
    int rank = site.outputDims(output).rank();
    for (int input = 0; input < 2; input++) {
      Placement place = site.placement(input);
      if (!place.hasSamples()) {
        continue;
      }
      if (contracted(site, input, place.axis())) {
        return Placements.byShape(site, output).mixing("the product sums over the sample axis");
      }
      boolean matrix = place.axis() >= rank - 2;
      // rows come from the first input, columns from the second, unless the result is transposed
      int axis = !matrix ? place.axis() : (input == 0) != transposed(site, 2) ? rank - 2 : rank - 1;
      Placement here = Placement.samples(axis, place.outer(), place.inner());
      if (found.hasSamples() && !found.equals(here)) {
        return Placements.byShape(site, output).mixing("it multiplies samples with each other");
      }
      found = here;
    }
    return found;
  }

  @Override
  public void check(Site site) {
    int rank = site.outputDims(0).rank();
    if (site.dims(0).rank() != rank || site.dims(1).rank() != rank) {
      throw new Refused(
          "its inputs have different ranks", "reshape them to matrices, or to the same rank");
    }
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return input < 2;
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return active.size() == 1 && !site.node().inputs().get(0).equals(site.node().inputs().get(1));
  }

  // ---- operands as [N or 1, batch…, rows, columns], untransposed ----

  /**
   * One sample's part with both axes of the matrix, a sample axis among them left as an axis of its
   * own.
   */
  private static Dims matrix(Dims dims, Placement place) {
    Dims part = place.perSample(dims);
    boolean dropped = place.hasSamples() && !place.folded() && place.axis() >= dims.rank() - 2;
    return dropped ? part.range(0, place.axis()).plus(Dim.ONE).plus(part.from(place.axis())) : part;
  }

  private static Tensor operand(Site site, int input) {
    Tensor rows = site.samplesFirst(input);
    Tensor full =
        site.emit()
            .reshape(
                rows,
                Dims.of(rows.dims().get(0)).plus(matrix(site.dims(input), site.placement(input))));
    return transposed(site, input) ? site.emit().transpose(full) : full;
  }

  private static Tensor signal(Site site, Tensor signal) {
    Dims dims = signal.dims().range(0, 2).plus(matrix(site.outputDims(0), site.outputPlacement(0)));
    Tensor full = site.emit().scale(site.emit().reshape(signal, dims), alpha(site));
    return transposed(site, 2) ? site.emit().transpose(full) : full;
  }

  /**
   * [N, V, batch…, M, L] times [N or 1, batch…, L, K], the second one's transpose where that is
   * said.
   */
  private static Tensor times(Emitter e, Tensor s, Tensor r, boolean transposeR) {
    int rank = s.rank();
    Dim n = s.dims().get(0);
    Dim v = s.dims().get(1);
    Dim m = s.dims().get(rank - 2);
    Dim l = s.dims().get(rank - 1);
    Dims batch = s.dims().range(2, rank - 2);
    Dim k = r.dims().get(transposeR ? -2 : -1);
    Dims rMatrix = r.dims().from(r.rank() - 2);
    boolean shared = !r.dims().get(0).samples();
    if (shared && batch.product().isOne()) {
      Dim rows = n.times(v).times(m);
      Tensor product =
          e.matmul(e.reshape(s, Dims.of(rows, l)), false, e.reshape(r, rMatrix), transposeR);
      return e.reshape(product, Dims.of(n, v).plus(batch).plus(m, k));
    }
    // the batch axes of the product in front: samples too, unless the second operand has none
    int[] order = new int[rank];
    int at = 0;
    if (!shared) {
      order[at++] = 0;
    }
    for (int axis = 2; axis < rank - 2; axis++) {
      order[at++] = axis;
    }
    if (shared) {
      order[at++] = 0;
    }
    order[at++] = 1;
    order[at++] = rank - 2;
    order[at] = rank - 1;
    Tensor front = e.permute(s, order);
    Dim batches = shared ? batch.product() : batch.product().times(r.dims().get(0));
    Dim rows = shared ? n.times(v).times(m) : v.times(m);
    Tensor left =
        e.reshape(
            !shared && !n.samples()
                ? e.broadcast(front, front.dims().with(0, r.dims().get(0)))
                : front,
            Dims.of(batches, rows, l));
    Tensor product =
        e.matmul(left, false, e.reshape(r, Dims.of(batches).plus(rMatrix)), transposeR);
    Dims permuted = front.dims().range(0, rank - 1).plus(k);
    if (!shared) {
      permuted = permuted.with(0, r.dims().get(0));
    }
    int[] back = new int[rank];
    IntStream.range(0, rank).forEach(i -> back[order[i]] = i);
    return e.permute(e.reshape(product, permuted), back);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Tensor s = signal(site, signal);
    Tensor result;
    boolean laidOutTransposed = transposed(site, input);
    if (input == 0) {
      result = times(e, s, operand(site, 1), true); // S Bᵀ
    } else {
      result = times(e, e.transpose(s), operand(site, 0), false); // (Sᵀ A)ᵀ
      laidOutTransposed = !laidOutTransposed;
    }
    Tensor laidOut = laidOutTransposed ? e.transpose(result) : result;
    return e.reshape(laidOut, laidOut.dims().range(0, 2).plus(site.perSample(input)));
  }

  @Override
  public void checkCurvature(Site site, Set<Integer> active) {
    for (int input : active) {
      if (!site.placement(input).hasSamples()) {
        throw new Refused(
            "a factor of the product is the same for all samples and varies as well",
            "let only one factor depend on the predictions");
      }
    }
  }

  /**
   * Z[m, l] = Σₖ A[m, k] B[k, l] has the mixed derivatives δ[m, l] between A[m, k] and B[k, l]: for
   * each m and k the pair of A's entry and of the row δ[m, :] at B[k, :], scaled to one norm; their
   * sum with the sign + and their difference with the sign −.
   */
  @Override
  public List<Curvature> curvature(Site site, int output, Tensor gradient, Set<Integer> active) {
    Emitter e = site.emit();
    Tensor delta = cube(e, signal(site, gradient), 2); // [N, B, M, L]
    Tensor b = cube(e, operand(site, 1), 1); // [N, B, K, L]
    Dim batch = delta.dims().get(1);
    Dim m = delta.dims().get(2);
    Dim k = b.dims().get(2);
    Dim n = delta.dims().get(0);
    long columns = batch.times(m).times(k).size();
    Tensor squares = e.reshape(e.sum(e.square(delta), 3, 4), Dims.of(n, batch, m, Dim.ONE));
    Tensor norm = e.sqrt(squares);
    Tensor positive = e.greater(norm, 0);
    Tensor root = e.sqrt(e.scale(norm, 0.5));
    Tensor row = e.mul(delta, e.mul(root, e.div(positive, e.add(norm, e.minus(1, positive)))));
    Tensor entries = e.broadcast(root, Dims.of(n, batch, m, k));
    ColumnSource left =
        SignedColumns.embed(e, e.reshape(entries, Dims.of(n, Dim.ONE, batch, m, k)));
    ColumnSource right = new RowsOfFactor(e, row, k);
    ColumnSource atA = left.then(c -> laidOut(site, 0, c));
    ColumnSource atB = right.then(c -> laidOut(site, 1, c));
    ColumnSource minusB = atB.then(c -> e.scale(c, -1));
    return List.of(
        new Curvature(Map.of(0, atA, 1, atB), ColumnSigns.plus(columns)),
        new Curvature(Map.of(0, atA, 1, minusB), ColumnSigns.minus(columns)));
  }

  /** For each b, m and k a column [B, K, L]: row [b, m] of [N, B, M, L] at the place [b, k]. */
  private static final class RowsOfFactor extends BlockColumns {
    private final Emitter e;
    private final Tensor rows; // [N, B, M, L]
    private final Dim k;

    RowsOfFactor(Emitter e, Tensor rows, Dim k) {
      super(e, k.size(), rows.dims().get(1).times(k).size());
      this.e = e;
      this.rows = rows;
      this.k = k;
    }

    @Override
    protected long block(long row, long column) {
      return row / rows.dims().get(2).size() * k.size() + column;
    }

    @Override
    protected Tensor entries(long firstRow, long endRow, long first, long end) {
      Dims dims = rows.dims();
      Tensor flat = e.reshape(rows, Dims.of(dims.get(0), dims.range(1, 3).product(), dims.get(3)));
      Tensor some = e.slice(flat, 1, firstRow, endRow);
      Dims each = some.dims().range(0, 2).plus(Dim.ONE, dims.get(3));
      return e.broadcast(e.reshape(some, each), each.with(2, Dim.of(end - first)));
    }

    @Override
    public Tensor mixed(Tensor weights) {
      Dim b = rows.dims().get(1);
      Dim m = rows.dims().get(2);
      Dim l = rows.dims().get(3);
      Dim n = weights.dims().get(0);
      Dim sums = weights.dims().get(1);
      Tensor apart = e.reshape(weights, Dims.of(n, sums, b, m, k));
      Tensor left = e.reshape(e.permute(apart, 0, 2, 1, 4, 3), Dims.of(n, b, sums.times(k), m));
      Tensor all = e.broadcast(rows, rows.dims().with(0, n));
      Tensor product = e.reshape(e.matmul(left, false, all, false), Dims.of(n, b, sums, k, l));
      Tensor sumsFirst = e.permute(product, 0, 2, 1, 3, 4);
      return e.reshape(sumsFirst, Dims.of(n, sums, b.times(k), l));
    }
  }

  /** [N, (1,) batch…, rows, columns] as [N, B, rows, columns]. */
  private static Tensor cube(Emitter e, Tensor matrices, int leading) {
    int rank = matrices.rank();
    Dim batch = matrices.dims().range(leading, rank - 2).product();
    Dims matrix = matrices.dims().from(rank - 2);
    return e.reshape(matrices, Dims.of(matrices.dims().get(0), batch).plus(matrix));
  }

  /** Columns at an untransposed operand as columns at the input. */
  private static Tensor laidOut(Site site, int input, Tensor columns) {
    Emitter e = site.emit();
    Dims operand = matrix(site.dims(input), site.placement(input));
    int rank = operand.rank();
    Dims lead = columns.dims().range(0, 2);
    if (!transposed(site, input)) {
      return e.reshape(columns, lead.plus(site.perSample(input)));
    }
    Dims turned = operand.range(0, rank - 2).plus(operand.get(rank - 1), operand.get(rank - 2));
    Tensor back = e.transpose(e.reshape(columns, lead.plus(turned)));
    return e.reshape(back, lead.plus(site.perSample(input)));
  }

  @Override
  public Contribution contribution(Site site, int input, int output, Signal signal) {
    Emitter e = site.emit();
    int other = 1 - input;
    boolean plainMatrix = site.dims(input).range(0, site.dims(input).rank() - 2).product().isOne();
    if (!plainMatrix
        || !site.placement(other).hasSamples()
        || !signal.value().dims().get(0).samples()) {
      return Rule.super.contribution(site, input, output, signal);
    }
    Tensor s = signal(site, signal.value());
    Tensor x = operand(site, other);
    Dims sDims = s.dims();
    int rank = s.rank();
    Tensor flatS = e.reshape(s, sDims.range(0, 2).plus(sDims.from(rank - 2)));
    Tensor flatX = e.reshape(x, Dims.of(x.dims().get(0)).plus(x.dims().from(x.rank() - 2)));
    // dB = Σ over rows m of A[m, :]ᵀ S[m, :]; dA = Σ over columns l of S[:, l] B[:, l]ᵀ
    Tensor outputs = input == 1 ? e.transpose(flatS) : flatS; // [N, V, O, P]
    Tensor inputs = input == 1 ? e.transpose(flatX) : flatX; // [N, I, P]
    boolean inputsFirst = (input == 1) != transposed(site, input);
    Contribution product =
        new OuterProduct(
            e,
            outputs,
            () -> inputs,
            inputs.dims().from(1),
            inputsFirst,
            signal.signs(),
            whole -> null);
    return product.through(Rearranged.reshaped(e, site.dims(input)));
  }

  @Override
  public String name() {
    return "matmul";
  }
}
