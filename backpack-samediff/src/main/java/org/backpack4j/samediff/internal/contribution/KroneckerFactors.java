package org.backpack4j.samediff.internal.contribution;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Factors;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Factors B and A of a block of a curvature matrix, B ⊗ A, of a parameter whose VJP is an outer
 * product over positions. Both have their rows in the order of the parameter's own axes: those of
 * the outputs for B, all others for A.
 */
public final class KroneckerFactors {
  private final Emitter emit;
  private final Positions positions;
  private final Factors factors;
  private final Order order;

  /** What is made of positions. */
  public enum Positions {
    /** Cotangents are summed before they are squared, inputs after it: BackPACK's convention. */
    BACKPACK,
    /** Every position counts as a sample. */
    EXPAND,
    /** Cotangents are summed, inputs averaged, before they are squared. */
    REDUCE
  }

  private KroneckerFactors(Emitter emit, Positions positions, Factors factors, Order order) {
    this.emit = emit;
    this.positions = positions;
    this.factors = factors;
    this.order = order;
  }

  /**
   * The factors of a parameter.
   *
   * @param emit where ops are inserted
   * @param positions what is made of positions
   * @param vjp the parameter's VJP
   * @return its factors; empty if it is no outer product over positions, or the parameter's layout
   *     mixes outputs and inputs
   */
  public static Optional<KroneckerFactors> of(Emitter emit, Positions positions, ParameterVjp vjp) {
    return vjp.factors()
        .flatMap(
            factors ->
                Order.of(emit, factors)
                    .map(order -> new KroneckerFactors(emit, positions, factors, order)));
  }

  /**
   * The factor of the cotangents: Σ s sᵀ over samples and columns, and positions where these count
   * as samples.
   *
   * @param signs the columns' signs; null if all are +1
   * @return B [O, O]
   */
  public Tensor outputs(@Nullable Tensor signs) {
    return arranged(outputs(factors.cotangents(), signs), order.outputs());
  }

  /**
   * The cotangents, summed over positions.
   *
   * @return [N, V, O], not in the parameter's order yet
   */
  public Tensor overPositions() {
    return emit.sum(factors.cotangents(), 3, 4);
  }

  /**
   * A matrix of outputs in the parameter's order.
   *
   * @param matrix [O, O]
   * @return the same, its rows and columns as those of {@link #outputs}
   */
  public Tensor ordered(Tensor matrix) {
    return arranged(matrix, order.outputs());
  }

  private Tensor outputs(Tensor s, @Nullable Tensor signs) {
    Dims dims = s.dims();
    boolean each = positions == Positions.EXPAND;
    Tensor last = each ? emit.permute(s, 0, 1, 3, 2) : emit.sum(s, 3, 4); // [N, V, (P,) O]
    Tensor weighted = Signs.weigh(emit, last, signs);
    Dim outputs = dims.get(2);
    Dim rows = last.dims().range(0, last.rank() - 1).product();
    return emit.matmul(
        emit.reshape(weighted, Dims.of(rows, outputs)),
        true,
        emit.reshape(last, Dims.of(rows, outputs)),
        false);
  }

  /**
   * The factor of the inputs, a mean over samples of x xᵀ.
   *
   * @return A [I, I]; for a lookup its diagonal [I]
   */
  public Tensor inputs() {
    if (factors.lookup() != null) {
      return picked(counts(factors.lookup()), order.inputs(), 0);
    }
    return arranged(secondMoment(Objects.requireNonNull(factors.inputs()).get()), order.inputs());
  }

  /**
   * How many rows a factor has.
   *
   * @return O of B
   */
  public long outputCount() {
    return order.outputs().length;
  }

  /**
   * How many rows a factor has.
   *
   * @return I of A
   */
  public long inputCount() {
    return order.inputs().length;
  }

  /**
   * The data type of the factors.
   *
   * @return that of the cotangents
   */
  public DataType type() {
    return factors.cotangents().type();
  }

  /**
   * Whether the factor of the inputs is a diagonal, that of a lookup.
   *
   * @return true for a table
   */
  public boolean isLookup() {
    return factors.lookup() != null;
  }

  /**
   * The second moments of the columns in another basis, Σₙᵥ s (Q_Bᵀ G[n, v] Q_A)², entry by entry,
   * G as the matrix [O, I] of B's and A's rows. With the factors' eigenvectors they are the
   * eigenvalues that fit best (George et al., 2018, equation 11).
   *
   * @param vjp the parameter's VJP, whose factors these are
   * @param outputs Q_B [O, O]
   * @param inputs Q_A [I, I]; null for a lookup, whose A is diagonal already
   * @return [O, I]
   */
  public Tensor secondMoments(ParameterVjp vjp, Tensor outputs, @Nullable Tensor inputs) {
    Tensor signs = vjp.signs();
    if (inputs == null) {
      Tensor s = emit.permute(rotated(factors.cotangents(), outputs), 0, 1, 3, 2); // [N, V, P, O]
      Tensor lookup = Objects.requireNonNull(factors.lookup());
      ParameterVjp table = new EmbeddingProduct(emit, s, lookup, factors.length(), signs);
      return picked(emit.transpose(table.squaredSum()), order.inputs(), 1);
    }
    Tensor x = Objects.requireNonNull(factors.inputs()).get();
    Dim n = factors.cotangents().dims().get(0);
    if (x.dims().get(0).equals(n)) {
      Tensor rows = emit.transpose(picked(x, order.inputs(), 1)); // [N, P, I]
      Tensor turned = emit.transpose(times(rows, inputs));
      Tensor s = rotated(factors.cotangents(), outputs);
      Dims each = turned.dims().from(1);
      return new OuterProduct(emit, s, () -> turned, each, false, signs, whole -> null)
          .squaredSum();
    }
    Tensor g = matrices(vjp.perSample(), 2);
    Tensor turned = emit.transpose(times(emit.transpose(times(g, inputs)), outputs));
    return emit.sum(Signs.weigh(emit, emit.square(turned), signs), 0, 2);
  }

  /**
   * The parameter's shape.
   *
   * @return P…
   */
  public Dims parameter() {
    return order.shape();
  }

  /**
   * Whether {@link #products} and {@link #quadratic} of a single column do without G: a matrix at
   * one position, or a table whose rows are in their own order.
   *
   * @return true if they do
   */
  public boolean isCheap() {
    if (isLookup()) {
      return isIdentity(order.inputs(), factors.length());
    }
    Dim n = factors.cotangents().dims().get(0);
    return factors.positions() == 1
        && Objects.requireNonNull(factors.inputs()).get().dims().get(0).equals(n);
  }

  /**
   * Inner products ⟨G[n], U[u]⟩ of a single column, from the factors: Σₚ S[n, p]ᵀ U[u] X[n, p].
   *
   * @param vectors U [U, P…]
   * @return [N, U]
   * @throws IllegalStateException if it is not {@link #isCheap}
   */
  public Tensor products(Tensor vectors) {
    if (!isCheap()) {
      throw new IllegalStateException("products of more than one position");
    }
    Tensor u = matrices(vectors, 1); // [U, O, I]
    Tensor s = emit.permute(picked(factors.cotangents(), order.outputs(), 2), 0, 3, 1, 2);
    Dim count = u.dims().get(0);
    Dim o = u.dims().get(1); // s is [N, P, 1, O]
    if (isLookup()) {
      Tensor byRow = emit.permute(u, 2, 0, 1);
      Dims flat = Dims.of(u.dims().get(2), count.times(o));
      Tensor lookup = Objects.requireNonNull(factors.lookup());
      Tensor rows = emit.gather(emit.reshape(byRow, flat), 0, lookup); // [N, P, U·O]
      Tensor apart = emit.reshape(rows, lookup.dims().plus(count, o));
      return emit.sum(emit.sum(emit.mul(apart, s), 3, 4), 1, 2);
    }
    Tensor x = picked(Objects.requireNonNull(factors.inputs()).get(), order.inputs(), 1);
    Dim n = x.dims().get(0);
    Tensor flat = emit.reshape(x, Dims.of(n, x.dims().get(1)));
    Tensor matrix = emit.reshape(u, Dims.of(count.times(o), u.dims().get(2)));
    Tensor seen = emit.reshape(emit.matmul(flat, false, matrix, true), Dims.of(n, count, o));
    return emit.sum(emit.mul(seen, emit.reshape(s, Dims.of(n, Dim.ONE, o))), 2, 3);
  }

  /**
   * A quadratic form of every sample's G, of a single column, in another basis: Σ w (Q_Bᵀ G[n]
   * Q_A)².
   *
   * @param vjp the parameter's VJP, whose factors these are
   * @param outputs Q_B [O, O]; null for the identity
   * @param inputs Q_A [I, I]; null for the identity
   * @param weights w [O, I]
   * @return [N]
   */
  public Tensor quadratic(
      ParameterVjp vjp, @Nullable Tensor outputs, @Nullable Tensor inputs, Tensor weights) {
    Tensor s = picked(factors.cotangents(), order.outputs(), 2);
    s = outputs == null ? s : emit.transpose(times(emit.transpose(s), outputs)); // [N, 1, O, P]
    Dim n = s.dims().get(0);
    if (isLookup() && inputs == null && isCheap()) {
      Tensor lookup = Objects.requireNonNull(factors.lookup());
      Tensor positions = emit.permute(s, 0, 1, 3, 2);
      return new EmbeddingProduct(emit, positions, lookup, factors.length(), null)
          .weightedSquaredNorm(emit.transpose(weights));
    }
    if (!isLookup() && isCheap()) {
      Tensor x = picked(Objects.requireNonNull(factors.inputs()).get(), order.inputs(), 1);
      Tensor rows = emit.reshape(x, Dims.of(n, x.dims().get(1)));
      rows = inputs == null ? rows : times(rows, inputs);
      Tensor left = emit.square(emit.reshape(s, Dims.of(n, s.dims().get(2))));
      Tensor seen = emit.matmul(left, false, weights, false); // [N, I]
      return emit.sum(emit.mul(seen, emit.square(rows)), 1, 2);
    }
    Tensor g = matrices(vjp.perSample(), 2);
    g = inputs == null ? g : times(g, inputs);
    g = outputs == null ? g : emit.transpose(times(emit.transpose(g), outputs));
    Dim all = weights.dims().product();
    Tensor flat = emit.reshape(emit.square(g), Dims.of(n, all));
    Tensor column = emit.reshape(weights, Dims.of(all, Dim.ONE));
    return emit.reshape(emit.matmul(flat, false, column, false), Dims.of(n));
  }

  /**
   * What has the parameter's shape as the matrix that B's and A's rows are those of.
   *
   * @param value [P…]
   * @return [O, I]
   */
  public Tensor matrix(Tensor value) {
    return matrices(value, 0);
  }

  /** Q_Bᵀ applied to cotangents [N, V, O, P]. */
  private Tensor rotated(Tensor cotangents, Tensor outputs) {
    Tensor last = emit.transpose(picked(cotangents, order.outputs(), 2));
    return emit.transpose(times(last, outputs));
  }

  /** Rows […, K] times a matrix [K, L]. */
  private Tensor times(Tensor rows, Tensor matrix) {
    Dims lead = rows.dims().range(0, rows.rank() - 1);
    Tensor flat = emit.reshape(rows, Dims.of(lead.product(), rows.dims().get(-1)));
    return emit.reshape(emit.matmul(flat, false, matrix, false), lead.plus(matrix.dims().get(1)));
  }

  /** What has the parameter's shape behind some axes, [N, V, P…] say, as matrices [N, V, O, I]. */
  private Tensor matrices(Tensor values, int leading) {
    int[] axes = new int[values.rank()];
    int[] outputsFirst = Order.outputsFirst(order.axes(), axes.length - leading);
    for (int k = 0; k < axes.length; k++) {
      axes[k] = k < leading ? k : outputsFirst[k - leading] + leading;
    }
    Tensor turned = emit.permute(values, axes);
    return emit.reshape(
        turned, turned.dims().range(0, leading).plus(Dims.of(outputCount(), inputCount())));
  }

  private Tensor secondMoment(Tensor x) {
    Dim n = x.dims().get(0);
    Dim length = x.dims().get(1);
    long p = x.dims().get(2).size();
    Tensor rows;
    double share = 1;
    if (positions == Positions.REDUCE) {
      rows = emit.reshape(emit.scale(emit.sum(x, 2, 3), 1.0 / p), Dims.of(n, length));
    } else {
      rows = emit.reshape(emit.transpose(x), Dims.of(n.times(Dim.of(p)), length));
      share = positions == Positions.EXPAND ? 1.0 / p : 1;
    }
    Tensor sum = emit.matmul(rows, true, rows, false);
    return overSamples(emit.scale(sum, share), n);
  }

  /**
   * Which of the parameter's axes are the rows of the factor of the cotangents; all others are
   * those of the factor of the inputs.
   *
   * @return the axes, ascending
   */
  public List<Integer> outputAxes() {
    return order.axes();
  }

  /**
   * What the factor of the inputs is called.
   *
   * @return {@code A}; of a lookup, of which it is the diagonal, {@code A_diag}
   */
  public String inputsName() {
    return factors.lookup() != null ? "A_diag" : "A";
  }

  /** How often each row is looked up, over the number of samples (and positions). */
  private Tensor counts(Tensor lookup) {
    Dim n = lookup.dims().get(0);
    Dim all = lookup.dims().product();
    DataType type = factors.cotangents().type();
    Tensor ones =
        n.samples()
            ? emit.broadcast(
                emit.reshape(emit.onesOverSamples(type), Dims.of(Dim.N, Dim.ONE)),
                Dims.of(n, lookup.dims().get(1)))
            : emit.ones(type, all.size());
    Tensor counts =
        emit.sumByIndex(
            emit.reshape(ones, Dims.of(all, Dim.ONE)),
            emit.reshape(lookup, Dims.of(all)),
            Math.toIntExact(factors.length()));
    double share = positions == Positions.BACKPACK ? 1 : 1.0 / lookup.dims().get(1).size();
    Tensor mean = overSamples(emit.scale(counts, share), n);
    return emit.reshape(mean, Dims.of(Dim.of(factors.length())));
  }

  private Tensor overSamples(Tensor sum, Dim n) {
    Tensor total = emit.scale(sum, 1.0 / n.size());
    return n.samples()
        ? emit.div(
            total,
            emit.reshape(emit.sum(emit.onesOverSamples(sum.type()), 0, 1), Dims.ones(sum.rank())))
        : total;
  }

  /** Rows and columns in another order; −1 for what is zero. */
  private Tensor arranged(Tensor matrix, int[] order) {
    return picked(picked(matrix, order, 0), order, 1);
  }

  private Tensor picked(Tensor a, int[] order, int axis) {
    long size = a.dims().get(axis).size();
    if (isIdentity(order, size)) {
      return a;
    }
    Tensor padded = emit.pad(a, axis, 0, 1);
    Tensor indices = emit.indices(Arrays.stream(order).mapToLong(k -> k < 0 ? size : k).toArray());
    return emit.op(
        List.of("pick", axis),
        a.dims().with(axis, Dim.of(order.length)),
        a.type(),
        a.nonNegative(),
        List.of(padded, indices),
        () -> emit.graph().gather(padded.variable(), indices.variable(), axis));
  }

  private static boolean isIdentity(int[] order, long size) {
    boolean same = order.length == size;
    for (int k = 0; k < order.length; k++) {
      same &= order[k] == k;
    }
    return same;
  }

  /**
   * How a matrix [O, I] lies in a parameter: for each row of B and of A the output or input that
   * stands there; −1 for an input that no sample reads, a kernel's tap over padding alone. The axes
   * are those along which the output changes.
   */
  private record Order(int[] outputs, int[] inputs, List<Integer> axes, Dims shape) {
    /** Found by laying out the numbers of the entries. */
    static Optional<Order> of(Emitter emit, Factors factors) {
      long o = factors.outputs();
      long i = factors.length();
      Tensor numbers =
          emit.constant(
              List.of("numbers", o, i),
              () -> {
                double[] counted = new double[Math.toIntExact(o * i)];
                Arrays.setAll(counted, k -> k + 1);
                return Nd4j.createFromArray(counted).reshape(o, i);
              });
      Tensor laidOut = factors.arrange().apply(numbers);
      String name = laidOut.name();
      Map<String, INDArray> values =
          ReferenceInterpreter.run(emit.graph(), Map.of(), List.of(name));
      INDArray entries = Objects.requireNonNull(values.get(name)).dup('c');
      return read(entries.data().asDouble(), entries.shape(), (int) o, (int) i);
    }

    private static Optional<Order> read(double[] entries, long[] shape, int o, int i) {
      List<Integer> outputAxes = outputAxes(entries, shape, i);
      int[] axes = outputsFirst(outputAxes, shape.length);
      long[] strides = new long[shape.length];
      long stride = 1;
      for (int k = shape.length - 1; k >= 0; k--) {
        strides[k] = stride;
        stride *= shape[k];
      }
      int width = entries.length / o;
      int[] outputs = new int[o];
      int[] inputs = new int[width];
      Arrays.fill(outputs, -1);
      Arrays.fill(inputs, -1);
      for (int entry = 0; entry < entries.length; entry++) {
        int number = (int) Math.round(entries[from(entry, axes, shape, strides)]) - 1;
        if (number >= 0
            && !(put(outputs, entry / width, number / i)
                && put(inputs, entry % width, number % i))) {
          return Optional.empty();
        }
      }
      return Optional.of(new Order(outputs, inputs, outputAxes, Dims.of(shape)));
    }

    private static boolean put(int[] order, int at, int number) {
      boolean fits = order[at] < 0 || order[at] == number;
      order[at] = number;
      return fits;
    }

    /** Where the entry of that number lies, the axes counted in another order. */
    private static int from(int entry, int[] axes, long[] shape, long[] strides) {
      long rest = entry;
      long from = 0;
      for (int k = axes.length - 1; k >= 0; k--) {
        from += rest % shape[axes[k]] * strides[axes[k]];
        rest /= shape[axes[k]];
      }
      return (int) from;
    }

    /** The parameter's axes along which the output changes, ascending. */
    private static List<Integer> outputAxes(double[] entries, long[] shape, int i) {
      List<Integer> axes = new ArrayList<>();
      long stride = 1;
      for (int k = shape.length - 1; k >= 0; k--) {
        if (changes(entries, shape[k], stride, i)) {
          axes.add(0, k);
        }
        stride *= shape[k];
      }
      return axes;
    }

    /** All axes, those of the outputs first. */
    private static int[] outputsFirst(List<Integer> outputAxes, int rank) {
      return IntStream.concat(
              outputAxes.stream().mapToInt(k -> k),
              IntStream.range(0, rank).filter(k -> !outputAxes.contains(k)))
          .toArray();
    }

    private static boolean changes(double[] entries, long extent, long stride, int i) {
      for (int entry = 0; extent > 1 && entry + stride < entries.length; entry++) {
        if (entry / stride % extent != extent - 1) {
          int here = (int) Math.round(entries[entry]) - 1;
          int next = (int) Math.round(entries[(int) (entry + stride)]) - 1;
          if (here >= 0 && next >= 0) {
            return here / i != next / i;
          }
        }
      }
      return false;
    }
  }
}
