package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.BlockColumns;
import org.backpack4j.samediff.internal.autodiff.ColumnSigns;
import org.backpack4j.samediff.internal.autodiff.ColumnSource;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.internal.contribution.OuterProduct;
import org.backpack4j.samediff.internal.contribution.PermutedView;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * {@code matmul}: Z = A B for matrices [..., M, K] and [..., K, L], any of them transposed. The
 * samples may be the rows (a dense layer), the columns, or a leading axis (products of activations,
 * as in attention). With a cotangent S: Sᵀ-free rules dA = S Bᵀ, dB = Aᵀ S, the columns V folded
 * into the rows.
 */
final class MatmulRule implements Rule {
  private static boolean transposed(NodeContext context, int which) {
    return context.node().iArg(which, 0) != 0;
  }

  private static double alpha(NodeContext context) {
    return context.node().tArg(0, 1);
  }

  /** Whether an axis of an input is summed over. */
  private static boolean contracted(NodeContext context, int input, int axis) {
    int rank = context.dims(input).rank();
    boolean last = axis == rank - 1;
    return axis >= rank - 2 && last == ((input == 0) != transposed(context, input));
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    BatchAxis found = BatchAxes.withoutAxis(context);
    int rank = context.outputDims(output).rank();
    for (int input = 0; input < 2; input++) {
      BatchAxis place = context.batchAxis(input);
      if (!place.hasSamples()) {
        continue;
      }
      if (contracted(context, input, place.axis())) {
        return BatchAxes.byShape(context, output).coupling("the product sums over the sample axis");
      }
      boolean matrix = place.axis() >= rank - 2;
      // rows come from the first input, columns from the second, unless the result is transposed
      int axis =
          !matrix ? place.axis() : (input == 0) != transposed(context, 2) ? rank - 2 : rank - 1;
      BatchAxis here = BatchAxis.samples(axis, place.outer(), place.inner());
      if (found.hasSamples() && !found.equals(here)) {
        return BatchAxes.byShape(context, output).coupling("it multiplies samples with each other");
      }
      found = here;
    }
    return found;
  }

  @Override
  public void check(NodeContext context) {
    int rank = context.outputDims(0).rank();
    if (context.dims(0).rank() != rank || context.dims(1).rank() != rank) {
      throw new UnsupportedOpException(
          "its inputs have different ranks", "reshape them to matrices, or to the same rank");
    }
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return input < 2;
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return active.size() == 1
        && !context.node().inputs().get(0).equals(context.node().inputs().get(1));
  }

  @Override
  public List<Integer> bilinear(NodeContext context) {
    return List.of(0, 1);
  }

  // ---- operands as [N or 1, batch…, rows, columns], untransposed ----

  /**
   * One sample's part with both axes of the matrix, a sample axis among them left as an axis of its
   * own.
   */
  private static Dims matrix(Dims dims, BatchAxis place) {
    Dims part = place.perSample(dims);
    boolean dropped = place.hasSamples() && !place.folded() && place.axis() >= dims.rank() - 2;
    return dropped ? part.range(0, place.axis()).plus(Dim.ONE).plus(part.from(place.axis())) : part;
  }

  private static Tensor operand(NodeContext context, int input) {
    Tensor rows = context.samplesFirst(input);
    return matrices(context, input, rows, Dims.of(rows.dims().get(0)));
  }

  /** What stands for an input, behind leading axes. */
  private static Tensor matrices(NodeContext context, int input, Tensor value, Dims lead) {
    Dims dims = lead.plus(matrix(context.dims(input), context.batchAxis(input)));
    Tensor full = context.emit().reshape(value, dims);
    return transposed(context, input) ? context.emit().transpose(full) : full;
  }

  private static Tensor cotangent(NodeContext context, Tensor cotangent) {
    Dims dims =
        cotangent
            .dims()
            .range(0, 2)
            .plus(matrix(context.outputDims(0), context.outputPlacement(0)));
    Tensor full = context.emit().scale(context.emit().reshape(cotangent, dims), alpha(context));
    return transposed(context, 2) ? context.emit().transpose(full) : full;
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
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor s = cotangent(context, cotangent);
    Tensor result;
    boolean laidOutTransposed = transposed(context, input);
    if (input == 0) {
      result = times(e, s, operand(context, 1), true); // S Bᵀ
    } else {
      result = times(e, e.transpose(s), operand(context, 0), false); // (Sᵀ A)ᵀ
      laidOutTransposed = !laidOutTransposed;
    }
    Tensor laidOut = laidOutTransposed ? e.transpose(result) : result;
    return e.reshape(laidOut, laidOut.dims().range(0, 2).plus(context.perSample(input)));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Tensor t = matrices(context, input, tangent, tangent.dims().range(0, 2));
    Tensor other = operand(context, 1 - input);
    Tensor product =
        input == 0
            ? e.transpose(byFactor(e, e.transpose(other), e.transpose(t))) // (Bᵀ dAᵀ)ᵀ
            : byFactor(e, other, t); // A dB
    Tensor scaled = e.scale(product, alpha(context));
    Tensor laidOut = transposed(context, 2) ? e.transpose(scaled) : scaled;
    return e.reshape(laidOut, laidOut.dims().range(0, 2).plus(context.outputPerSample(output)));
  }

  /**
   * [N or 1, batch…, M, K] times [N or 1, V, batch…, K, L]. Where the columns are the same for all
   * samples of the factor they stand beside each other in one matrix.
   */
  private static Tensor byFactor(Emitter e, Tensor factor, Tensor t) {
    if (!factor.dims().get(0).samples() || t.dims().get(0).samples()) {
      return e.transpose(times(e, e.transpose(t), factor, true));
    }
    int rank = t.rank();
    Dim v = t.dims().get(1);
    Dim l = t.dims().get(rank - 1);
    int[] columnsLast =
        IntStream.range(0, rank)
            .map(k -> k == 0 || k == rank - 1 ? k : k == rank - 2 ? 1 : k + 1)
            .toArray();
    Tensor beside = e.permute(t, columnsLast); // [1, batch…, K, V, L]
    Tensor matrix = e.reshape(beside, beside.dims().range(0, rank - 2).plus(v.times(l)));
    Dims rows = Dims.of(factor.dims().get(0), Dim.ONE).plus(factor.dims().from(1));
    Tensor product = times(e, e.reshape(factor, rows), matrix, false); // [N, 1, batch…, M, V L]
    Dims apart = Dims.of(product.dims().get(0)).plus(product.dims().range(2, rank - 1)).plus(v, l);
    int[] columnsFirst =
        IntStream.range(0, rank)
            .map(k -> k == 0 || k == rank - 1 ? k : k == 1 ? rank - 2 : k - 1)
            .toArray();
    return e.permute(e.reshape(product, apart), columnsFirst);
  }

  @Override
  public void checkHessianRoot(NodeContext context, Set<Integer> active) {
    for (int input : active) {
      if (context.batchAxis(input).kind() == BatchAxis.Kind.REDUCED) {
        throw new UnsupportedOpException(
            "a factor of the product was computed from all samples, and varies as well",
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
  public List<HessianRoot> hessianRoot(
      NodeContext context, int output, Tensor gradient, Set<Integer> active) {
    Emitter e = context.emit();
    Tensor delta = cube(e, cotangent(context, gradient), 2); // [N, B, M, L]
    Tensor b = cube(e, operand(context, 1), 1); // [N, B, K, L]
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
    ColumnSource left = SignedRoot.embed(e, e.reshape(entries, Dims.of(n, Dim.ONE, batch, m, k)));
    ColumnSource right = new RowsOfFactor(e, row, k);
    ColumnSource atA = left.then(c -> laidOut(context, 0, c));
    ColumnSource atB = right.then(c -> laidOut(context, 1, c));
    ColumnSource minusB = atB.then(c -> e.scale(c, -1));
    return List.of(
        new HessianRoot(Map.of(0, atA, 1, atB), ColumnSigns.plus(columns)),
        new HessianRoot(Map.of(0, atA, 1, minusB), ColumnSigns.minus(columns)));
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
  private static Tensor laidOut(NodeContext context, int input, Tensor columns) {
    Emitter e = context.emit();
    Dims operand = matrix(context.dims(input), context.batchAxis(input));
    int rank = operand.rank();
    Dims lead = columns.dims().range(0, 2);
    if (!transposed(context, input)) {
      return e.reshape(columns, lead.plus(context.perSample(input)));
    }
    Dims turned = operand.range(0, rank - 2).plus(operand.get(rank - 1), operand.get(rank - 2));
    Tensor back = e.transpose(e.reshape(columns, lead.plus(turned)));
    return e.reshape(back, lead.plus(context.perSample(input)));
  }

  @Override
  public ParameterVjp contribution(
      NodeContext context, int input, int output, Cotangent cotangent) {
    Emitter e = context.emit();
    int other = 1 - input;
    boolean plainMatrix =
        context.dims(input).range(0, context.dims(input).rank() - 2).product().isOne();
    if (!plainMatrix
        || !context.batchAxis(other).hasSamples()
        || !cotangent.value().dims().get(0).samples()) {
      return Rule.super.contribution(context, input, output, cotangent);
    }
    Tensor s = cotangent(context, cotangent.value());
    Tensor x = operand(context, other);
    Dims sDims = s.dims();
    int rank = s.rank();
    Tensor flatS = e.reshape(s, sDims.range(0, 2).plus(sDims.from(rank - 2)));
    Tensor flatX = e.reshape(x, Dims.of(x.dims().get(0)).plus(x.dims().from(x.rank() - 2)));
    // dB = Σ over rows m of A[m, :]ᵀ S[m, :]; dA = Σ over columns l of S[:, l] B[:, l]ᵀ
    Tensor outputs = input == 1 ? e.transpose(flatS) : flatS; // [N, V, O, P]
    Tensor inputs = input == 1 ? e.transpose(flatX) : flatX; // [N, I, P]
    boolean inputsFirst = (input == 1) != transposed(context, input);
    ParameterVjp product =
        new OuterProduct(
            e,
            outputs,
            () -> inputs,
            inputs.dims().from(1),
            inputsFirst,
            cotangent.signs(),
            whole -> null);
    return product.through(PermutedView.reshaped(e, context.dims(input)));
  }

  @Override
  public String name() {
    return "matmul";
  }
}
