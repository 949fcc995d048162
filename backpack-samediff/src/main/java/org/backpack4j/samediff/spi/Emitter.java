package org.backpack4j.samediff.spi;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.backpack4j.samediff.internal.faults.SegmentFaults;
import org.backpack4j.samediff.internal.ir.KernelCall;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.nd4j.NativeGradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.NameScope;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Inserts native ops into a graph, each behind a shape check, and never the same op on the same
 * inputs twice. Ops stand in the name scope of the node that they belong to, {@code
 * backpack/<node>/…}.
 *
 * <p>What is known beforehand (a literal scalar, a factor of one) costs no op. Everything emitted
 * answers in 'c' order and survives SameDiff's clone and save.
 */
public final class Emitter {
  /** Where a user of the graph finds what was inserted. */
  public static final String SCOPE = "backpack/";

  private final SameDiff graph;
  private final Map<List<Object>, Tensor> made = new HashMap<>();
  private final Map<String, Tensor> emitted = new LinkedHashMap<>();
  private final Map<String, Tensor> placeholders = new LinkedHashMap<>();
  private final List<KernelCall> fusions = new ArrayList<>();
  private final Set<SDVariable> totals = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Set<Tensor> large = new LinkedHashSet<>();
  private boolean samplesOutermost = true;
  private final String sampled;
  private final int sampledAxis;
  private final long sampledFactor;
  private String scope = "shared";
  private int constants;

  /**
   * An emitter into a graph.
   *
   * @param graph the graph to extend
   * @param sampled a variable whose extent tells the number of samples; empty when there is none
   * @param axis the axis to look at
   * @param factor what the number of samples is multiplied by there
   */
  public Emitter(SameDiff graph, String sampled, int axis, long factor) {
    this.graph = graph;
    this.sampled = sampled;
    this.sampledAxis = axis;
    this.sampledFactor = factor;
  }

  /**
   * The graph that is extended.
   *
   * @return the graph
   */
  public SameDiff graph() {
    return graph;
  }

  /**
   * Every value that was inserted, by the name of its variable at the time of the call.
   *
   * @return the values
   */
  public Map<String, Tensor> emitted() {
    Map<String, Tensor> byName = new LinkedHashMap<>();
    emitted.values().forEach(t -> byName.put(t.name(), t));
    return byName;
  }

  /**
   * The values for which a planned execution may use a kernel instead of the ops that define them.
   *
   * @return the fusions, in the order of their insertion
   */
  public List<KernelCall> fusions() {
    return List.copyOf(fusions);
  }

  /**
   * Whether a value is a sum over samples: for all of them it is the sum of what it is for any
   * groups of them.
   *
   * @param a the value
   * @return whether it is known to be
   */
  public boolean isTotal(Tensor a) {
    return totals.contains(a.variable());
  }

  /**
   * Whether in every value emitted so far the samples are the outermost part of their axis, as
   * {@link Dim} has it: not so where a person's variable has something folded into the axis before
   * the samples.
   *
   * @return whether they are
   */
  public boolean samplesOutermost() {
    return samplesOutermost;
  }

  /**
   * Notes that the result of an op of which this class knows nothing is a sum over samples, as
   * {@link #isTotal} means it.
   *
   * @param a the value
   * @return the value
   */
  public Tensor total(Tensor a) {
    return total(true, a);
  }

  /**
   * Notes that a value has so many entries for each sample that whatever is computed from it is
   * better computed for a few samples at a time.
   *
   * @param a the value
   * @return the value
   */
  public Tensor large(Tensor a) {
    large.add(a);
    return a;
  }

  /**
   * The values that have many entries for each sample.
   *
   * @return those that {@link #large(Tensor)} was told
   */
  public Set<Tensor> large() {
    return Collections.unmodifiableSet(large);
  }

  private Tensor total(boolean isTotal, Tensor a) {
    if (isTotal) {
      totals.add(a.variable());
    }
    return a;
  }

  /** Between two samples in memory lie as many numbers as behind an outermost N. */
  private static long weight(Dims dims) {
    int axis = dims.sampleAxis();
    return axis < 0 ? 0 : dims.get(axis).size() * dims.from(axis + 1).product().size();
  }

  /**
   * Emits in the scope of a node.
   *
   * @param node the node's name
   * @param body what is to be emitted
   * @param <T> what the body answers
   * @return the body's answer
   */
  public <T> T in(String node, Supplier<T> body) {
    String outside = scope;
    scope = node;
    try {
      return body.get();
    } finally {
      scope = outside;
    }
  }

  /**
   * A variable of the graph as it is.
   *
   * @param variable the variable
   * @param dims its shape
   * @param fromSamples whether it depends on samples
   * @return the value
   */
  public Tensor wrap(SDVariable variable, Dims dims, boolean fromSamples) {
    return new Tensor(variable, dims, variable.dataType(), fromSamples, false, null);
  }

  /**
   * A placeholder of an extension's own, fed beside the graph's. It is made by the first call for
   * its name.
   *
   * @param name its name; that of the parameter and the extension's field should be in it
   * @param dims its shape
   * @param type its data type
   * @return the value
   * @throws IllegalArgumentException if the graph has a variable of that name already, or another
   *     extension reads the placeholder with another shape
   */
  public Tensor placeholder(String name, Dims dims, DataType type) {
    Tensor known = placeholders.get(name);
    if (known != null) {
      if (!known.dims().equals(dims)) {
        throw new IllegalArgumentException(
            "Two extensions read \""
                + name
                + "\", one of the shape "
                + known.dims()
                + " and one of "
                + dims
                + ": extend the graph once for each.");
      }
      return known;
    }
    if (graph.hasVariable(name)) {
      throw taken(name);
    }
    Tensor fed = wrap(graph.placeHolder(name, type, dims.toLongs()), dims, dims.sampleAxis() >= 0);
    emitted.put(name, fed);
    // behind a reshape M2.1's array cache is harmless, whatever the layout of what is fed
    Tensor value =
        dims.rank() == 0
            ? fed
            : make(
                List.of("placeholder", name),
                () -> graph.reshape(fed.variable(), dims.toLongs()),
                v -> new Tensor(v, dims, type, fed.fromSamples(), false, null));
    placeholders.put(name, value);
    return value;
  }

  /**
   * What is thrown where the extended graph needs a name that the person's graph has.
   *
   * @param name the name
   * @return the exception
   */
  public static IllegalArgumentException taken(String name) {
    return new IllegalArgumentException(
        "The graph has a variable \""
            + name
            + "\" already: rename it, since the extended graph needs the name.");
  }

  /**
   * The placeholders of extensions' own.
   *
   * @return their names
   */
  public Set<String> placeholders() {
    return Collections.unmodifiableSet(placeholders.keySet());
  }

  /**
   * The sample axis of a placeholder of an extension's own.
   *
   * @param name the placeholder's name
   * @return its sample axis; −1 if it has none, or is none of an extension's
   */
  public int sampleAxis(String name) {
    Tensor known = placeholders.get(name);
    return known == null ? -1 : known.dims().sampleAxis();
  }

  /**
   * A scalar whose value is known.
   *
   * @param value the value
   * @param type its data type
   * @return a value of rank 0
   */
  public Tensor literal(double value, DataType type) {
    return literal(value, type, Dims.SCALAR);
  }

  /**
   * A single entry whose value is known.
   *
   * @param value the value
   * @param type its data type
   * @param dims its shape, of ones
   * @return a value of that shape
   */
  public Tensor literal(double value, DataType type, Dims dims) {
    return make(
        List.of("literal", value, type, dims),
        () -> graph.constant(fresh("literal"), Nd4j.scalar(type, value).reshape(dims.toLongs())),
        v -> new Tensor(v, dims, type, false, value >= 0, value));
  }

  /**
   * A constant array.
   *
   * @param key what identifies it: two constants of one key are the same
   * @param array makes the array
   * @return the value
   */
  public Tensor constant(List<Object> key, Supplier<INDArray> array) {
    List<Object> full = new ArrayList<>(List.of("constant"));
    full.addAll(key);
    Tensor known = made.get(full);
    if (known != null) {
      return known;
    }
    INDArray value = array.get();
    boolean nonNegative = value.dataType().isNumerical() && value.minNumber().doubleValue() >= 0;
    return make(
        full,
        () -> graph.constant(fresh("constant"), value),
        v -> new Tensor(v, Dims.of(value.shape()), value.dataType(), false, nonNegative, null));
  }

  /**
   * Ones of a fixed shape.
   *
   * @param type the data type
   * @param shape the shape
   * @return the value
   */
  public Tensor ones(DataType type, long... shape) {
    return constant(List.of("ones", type, Dims.of(shape)), () -> Nd4j.ones(type, shape));
  }

  /**
   * Some rows of the identity matrix, computed at each evaluation: kept in the graph it would be as
   * large as the square of the size.
   *
   * @param type the data type
   * @param size the number of columns
   * @param from the first row
   * @param to the row behind the last
   * @return the value [to − from, size]
   */
  public Tensor identity(DataType type, long size, long from, long to) {
    return oneHot(LongStream.range(from, to).toArray(), size, type);
  }

  /**
   * Rows with a single one.
   *
   * @param places for each row where the one stands
   * @param size the length of a row
   * @param type the data type
   * @return the value [rows, size]
   */
  public Tensor oneHot(long[] places, long size, DataType type) {
    return oneHot(indices(places), size, type);
  }

  /**
   * Rows with a single one.
   *
   * @param places for each row where the one stands, from 0 to {@code size} − 1
   * @param size the length of a row
   * @param type the data type of the result
   * @return the value […, size]
   */
  public Tensor oneHot(Tensor places, long size, DataType type) {
    int depth = Math.toIntExact(size);
    return op(
        List.of("one-hot", size, type),
        places.dims().plus(Dim.of(size)),
        type,
        true,
        List.of(places),
        () -> graph.oneHot(places.variable(), depth, -1, 1.0, 0.0, type));
  }

  /**
   * Whole numbers that are known.
   *
   * @param numbers the numbers
   * @return the value [count]
   */
  public Tensor indices(long... numbers) {
    int[] whole = Arrays.stream(numbers).mapToInt(Math::toIntExact).toArray();
    return constant(List.of("indices", Arrays.toString(whole)), () -> Nd4j.createFromArray(whole));
  }

  /**
   * One where a column's number is greater than the row's, computed at each evaluation.
   *
   * @param type the data type
   * @param rows the rows' numbers
   * @param columns the number of columns
   * @return the value [rows, columns]
   */
  public Tensor behind(DataType type, long[] rows, long columns) {
    Tensor number = reshape(indices(LongStream.range(0, columns).toArray()), Dims.of(1, columns));
    Tensor bound = reshape(indices(rows), Dims.of(rows.length, 1));
    Tensor behind =
        op(
            List.of("behind"),
            Dims.of(rows.length, columns),
            DataType.BOOL,
            false,
            List.of(number, bound),
            () -> graph.gt(number.variable(), bound.variable()));
    return cast(behind, type).knownNonNegative();
  }

  /**
   * A one for each sample.
   *
   * @param type the data type
   * @return the value [N]
   */
  public Tensor onesOverSamples(DataType type) {
    if (sampled.isEmpty()) {
      throw new IllegalStateException("no placeholder of the graph has a sample axis");
    }
    return make(
        List.of("samples", type),
        () -> {
          SDVariable n = graph.sizeAt(graph.getVariable(sampled), sampledAxis);
          if (sampledFactor != 1) {
            n = n.div(graph.constant(sampledFactor));
          }
          return graph.fill(graph.stack(0, n), type, 1.0);
        },
        v -> new Tensor(v, Dims.of(Dim.N), type, true, true, null));
  }

  // ---- shape ----

  /**
   * The same entries in another shape, in 'c' order.
   *
   * @param a the value
   * @param dims the new shape
   * @return the reshaped value
   */
  public Tensor reshape(Tensor a, Dims dims) {
    if (a.dims().equals(dims)) {
      return a;
    }
    if (!a.dims().product().equals(dims.product())) {
      throw new IllegalStateException("cannot reshape " + a + " to " + dims);
    }
    if (a.literal() != null) {
      return literal(a.literal(), a.type(), dims);
    }
    Tensor source = a;
    Tensor before = origin.get(a);
    if (before != null) {
      source = before; // a reshape of a reshape is one reshape
      if (source.dims().equals(dims)) {
        return source;
      }
    }
    Tensor from = source;
    samplesOutermost &= weight(from.dims()) == weight(dims);
    Tensor result =
        make(
            List.of("reshape", id(from), dims),
            () -> from.variable().reshape(dims.toLongs()),
            v -> like(v, dims, a.nonNegative(), from));
    total(isTotal(from), result);
    origin.put(result, from);
    return result;
  }

  private final Map<Tensor, Tensor> origin = new java.util.IdentityHashMap<>();

  /**
   * The axes in another order.
   *
   * @param a the value
   * @param order for each new axis the old one
   * @return the permuted value
   */
  public Tensor permute(Tensor a, int... order) {
    if (order.length != a.rank()) {
      throw new IllegalStateException("cannot permute " + a + " by " + Arrays.toString(order));
    }
    Dims dims = a.dims().permuted(order);
    // axes of extent one may stand anywhere: where nothing else moves, a reshape does it
    int[] moving = Arrays.stream(order).filter(k -> !a.dims().get(k).isOne()).toArray();
    if (IntStream.range(1, moving.length).allMatch(k -> moving[k - 1] < moving[k])) {
      return reshape(a, dims);
    }
    Permuted before = permuted.get(a);
    if (before != null) { // a permutation of a permutation is one permutation
      return permute(before.source(), Arrays.stream(order).map(k -> before.order()[k]).toArray());
    }
    Tensor result =
        make(
            List.of("permute", id(a), Arrays.toString(order)),
            () -> graph.permute(a.variable(), order),
            v -> like(v, dims, a.nonNegative(), a));
    total(isTotal(a), result);
    permuted.put(result, new Permuted(a, order));
    return result;
  }

  private record Permuted(Tensor source, int[] order) {}

  private final Map<Tensor, Permuted> permuted = new java.util.IdentityHashMap<>();

  /**
   * Exchanges the last two axes.
   *
   * @param a the value
   * @return the transposed value
   */
  public Tensor transpose(Tensor a) {
    int[] order = IntStream.range(0, a.rank()).toArray();
    order[a.rank() - 1] = a.rank() - 2;
    order[a.rank() - 2] = a.rank() - 1;
    return permute(a, order);
  }

  /**
   * A block of a value.
   *
   * @param a the value
   * @param axis the axis to cut, not the sample axis
   * @param from the first index
   * @param to the index behind the last one
   * @return the block
   */
  public Tensor slice(Tensor a, int axis, long from, long to) {
    if (from == 0 && to == a.dims().get(axis).size()) {
      return a;
    }
    long[] begin = new long[a.rank()];
    long[] strides = new long[a.rank()];
    long[] end = new long[a.rank()];
    Arrays.fill(strides, 1);
    begin[axis] = from;
    end[axis] = to;
    int mask = 0; // whole axes, whatever their extent, by the masks of strided_slice
    for (int k = 0; k < a.rank(); k++) {
      mask |= k == axis ? 0 : 1 << k;
      end[k] = k == axis ? to : 1;
    }
    int whole = mask;
    return make(
        List.of("slice", id(a), axis, from, to),
        () -> graph.stridedSlice(a.variable(), begin, end, strides, whole, whole, 0, 0, 0),
        v -> like(v, a.dims().with(axis, Dim.of(to - from)), a.nonNegative(), a));
  }

  /**
   * Every k-th index of an axis.
   *
   * @param a the value
   * @param axis the axis, not the sample axis
   * @param from the first index
   * @param stride the step, positive
   * @param count how many indices
   * @return the value with {@code count} entries on the axis
   */
  public Tensor stridedSlice(Tensor a, int axis, long from, long stride, long count) {
    if (stride == 1) {
      return slice(a, axis, from, from + count);
    }
    long[] begin = new long[a.rank()];
    long[] strides = new long[a.rank()];
    long[] end = new long[a.rank()];
    Arrays.fill(strides, 1);
    begin[axis] = from;
    strides[axis] = stride;
    int mask = 0;
    for (int k = 0; k < a.rank(); k++) {
      mask |= k == axis ? 0 : 1 << k;
      end[k] = k == axis ? from + (count - 1) * stride + 1 : 1;
    }
    int whole = mask;
    return make(
        List.of("strided", id(a), axis, from, stride, count),
        () -> graph.stridedSlice(a.variable(), begin, end, strides, whole, whole, 0, 0, 0),
        v -> like(v, a.dims().with(axis, Dim.of(count)), a.nonNegative(), a));
  }

  /**
   * Zeros before and behind an axis.
   *
   * @param a the value
   * @param axis the axis, not the sample axis
   * @param before how many zeros before
   * @param behind how many behind
   * @return the padded value
   */
  public Tensor pad(Tensor a, int axis, long before, long behind) {
    return pad(a, axis, before, behind, 0);
  }

  /**
   * A number before and behind an axis.
   *
   * @param a the value
   * @param axis the axis, not the sample axis
   * @param before how often before
   * @param behind how often behind
   * @param fill the number
   * @return the padded value
   */
  public Tensor pad(Tensor a, int axis, long before, long behind, double fill) {
    if (before == 0 && behind == 0) {
      return a;
    }
    long[][] widths = new long[a.rank()][2];
    widths[axis][0] = before;
    widths[axis][1] = behind;
    Tensor padding =
        constant(
            List.of("padding", Arrays.deepToString(widths)), () -> Nd4j.createFromArray(widths));
    return make(
        List.of("pad", id(a), axis, before, behind, fill),
        () -> graph.nn().pad(a.variable(), padding.variable(), fill),
        v ->
            like(
                v,
                a.dims().with(axis, Dim.of(a.dims().get(axis).size() + before + behind)),
                a.nonNegative() && fill >= 0,
                a));
  }

  /**
   * Values beside each other.
   *
   * @param axis the axis along which they stand
   * @param parts the values, alike on every other axis
   * @return the joined value
   */
  public Tensor concat(int axis, List<Tensor> parts) {
    if (parts.size() == 1) {
      return parts.get(0);
    }
    long size = parts.stream().mapToLong(t -> t.dims().get(axis).size()).sum();
    boolean samples = parts.get(0).dims().get(axis).samples();
    List<Object> key = new ArrayList<>(List.of("concat", axis));
    parts.forEach(t -> key.add(id(t)));
    return make(
        key,
        () -> graph.concat(axis, parts.stream().map(Tensor::variable).toArray(SDVariable[]::new)),
        v ->
            like(
                v,
                parts.get(0).dims().with(axis, new Dim(size, samples)),
                parts.stream().allMatch(Tensor::nonNegative),
                parts.toArray(Tensor[]::new)));
  }

  /**
   * The value repeated along axes of extent one.
   *
   * @param a the value
   * @param dims the shape to fill; where {@code a} has extent one it is repeated
   * @return the value of that shape
   */
  public Tensor broadcast(Tensor a, Dims dims) {
    if (a.dims().equals(dims)) {
      return a;
    }
    Tensor ones;
    int axis = dims.sampleAxis();
    if (axis >= 0 && a.dims().sampleAxis() < 0) {
      List<Dim> samples = new ArrayList<>();
      for (int k = 0; k < dims.rank(); k++) {
        samples.add(k == axis ? Dim.N : Dim.ONE);
      }
      ones = reshape(onesOverSamples(a.type()), new Dims(samples));
      Dim inner = Dim.of(dims.get(axis).size());
      if (!inner.isOne()) {
        throw new IllegalStateException("cannot repeat " + a + " to " + dims);
      }
      Tensor repeated = mul(a, ones);
      return broadcast(repeated, dims);
    }
    long[] fill = new long[dims.rank()];
    for (int k = 0; k < fill.length; k++) {
      fill[k] = a.dims().get(k).equals(dims.get(k)) ? 1 : dims.get(k).size();
    }
    return mul(a, ones(a.type(), fill));
  }

  // ---- arithmetic ----

  /**
   * The product, entry by entry, extents of one broadcast.
   *
   * @param a a value
   * @param b a value of the same rank, or a scalar
   * @return the product
   */
  @SuppressWarnings("ReferenceEquality")
  public Tensor mul(Tensor a, Tensor b) {
    if (a.literal() != null && b.literal() == null) {
      return mul(b, a);
    }
    if (b.literal() != null) {
      return scale(a, b.literal());
    }
    boolean square = a == b;
    return binary(
        "mul",
        a,
        b,
        square || (a.nonNegative() && b.nonNegative()),
        () -> a.variable().mul(b.variable()));
  }

  /**
   * The quotient, entry by entry, extents of one broadcast.
   *
   * @param a the numerator
   * @param b the denominator, of the same rank, or a scalar
   * @return the quotient
   */
  public Tensor div(Tensor a, Tensor b) {
    if (b.literal() != null) {
      return scale(a, 1 / b.literal());
    }
    if (a.literal() != null && b.rank() >= a.rank()) {
      return scale(reciprocal(b), a.literal());
    }
    return binary(
        "div", a, b, a.nonNegative() && b.nonNegative(), () -> a.variable().div(b.variable()));
  }

  /**
   * The sum, entry by entry, extents of one broadcast.
   *
   * @param a a value
   * @param b a value of the same rank, or a scalar
   * @return the sum
   */
  public Tensor add(Tensor a, Tensor b) {
    if (a.literal() != null && b.literal() == null) {
      return add(b, a);
    }
    if (b.literal() != null) {
      return plus(a, b.literal());
    }
    return binary(
        "add", a, b, a.nonNegative() && b.nonNegative(), () -> a.variable().add(b.variable()));
  }

  /**
   * The difference, entry by entry, extents of one broadcast.
   *
   * @param a a value
   * @param b a value of the same rank, or a scalar
   * @return a − b
   */
  public Tensor sub(Tensor a, Tensor b) {
    if (b.literal() != null) {
      return plus(a, -b.literal());
    }
    if (a.literal() != null && b.rank() >= a.rank()) {
      return minus(a.literal(), b);
    }
    return binary("sub", a, b, false, () -> a.variable().sub(b.variable()));
  }

  /**
   * The larger of two values, entry by entry.
   *
   * @param a a value
   * @param b a value of the same rank
   * @return the maximum
   */
  public Tensor max(Tensor a, Tensor b) {
    return binary(
        "max",
        a,
        b,
        a.nonNegative() || b.nonNegative(),
        () -> graph.math().max(a.variable(), b.variable()));
  }

  /**
   * A power with an exponent for each entry.
   *
   * @param a the base
   * @param b the exponent, of the same rank
   * @return the power
   */
  public Tensor pow(Tensor a, Tensor b) {
    return binary("pow", a, b, a.nonNegative(), () -> graph.math().pow(a.variable(), b.variable()));
  }

  /**
   * A multiple.
   *
   * @param a the value
   * @param factor the factor
   * @return the value times the factor
   */
  public Tensor scale(Tensor a, double factor) {
    if (factor == 1) {
      return a;
    }
    if (a.literal() != null) {
      return literal(a.literal() * factor, a.type(), a.dims());
    }
    return make(
        List.of("scale", id(a), factor),
        () -> a.variable().mul(factor),
        v -> like(v, a.dims(), a.nonNegative() && factor >= 0, a));
  }

  /**
   * A value plus a number.
   *
   * @param a the value
   * @param summand the number
   * @return the sum
   */
  public Tensor plus(Tensor a, double summand) {
    if (summand == 0) {
      return a;
    }
    if (a.literal() != null) {
      return literal(a.literal() + summand, a.type(), a.dims());
    }
    return make(
        List.of("plus", id(a), summand),
        () -> a.variable().add(summand),
        v -> like(v, a.dims(), a.nonNegative() && summand >= 0, a));
  }

  /**
   * A number minus a value.
   *
   * @param minuend the number
   * @param a the value
   * @return minuend − a
   */
  public Tensor minus(double minuend, Tensor a) {
    if (minuend == 0) {
      return scale(a, -1);
    }
    if (a.literal() != null) {
      return literal(minuend - a.literal(), a.type(), a.dims());
    }
    return make(
        List.of("minus", minuend, id(a)),
        () -> a.variable().rsub(minuend),
        v -> like(v, a.dims(), false, a));
  }

  /**
   * One over a value.
   *
   * @param a the value
   * @return 1 / a, infinite where the value is zero
   */
  public Tensor reciprocal(Tensor a) {
    if (a.literal() != null) {
      return literal(1 / a.literal(), a.type(), a.dims());
    }
    return map("reciprocal", a, a.nonNegative(), v -> graph.math().reciprocal(v));
  }

  /**
   * The square, as a product: ND4J's own square runs at a twentieth of memory speed.
   *
   * @param a the value
   * @return a²
   */
  public Tensor square(Tensor a) {
    return mul(a, a);
  }

  /**
   * A function of each entry.
   *
   * @param name the function's name; one name, one function
   * @param a the value
   * @param nonNegative whether no result is negative
   * @param op emits the op
   * @return the result, of the same shape and type
   */
  public Tensor map(
      String name, Tensor a, boolean nonNegative, java.util.function.UnaryOperator<SDVariable> op) {
    return make(
        List.of(name, id(a)), () -> op.apply(a.variable()), v -> like(v, a.dims(), nonNegative, a));
  }

  /**
   * The square root; of what is known to be non-negative.
   *
   * @param a the value
   * @return its root
   */
  public Tensor sqrt(Tensor a) {
    if (a.literal() != null) {
      return literal(Math.sqrt(a.literal()), a.type(), a.dims());
    }
    return map("sqrt", a, true, v -> graph.math().sqrt(v));
  }

  /**
   * The absolute value.
   *
   * @param a the value
   * @return its absolute value
   */
  public Tensor abs(Tensor a) {
    return a.nonNegative() ? a : map("abs", a, true, v -> graph.math().abs(v));
  }

  /**
   * The sign: −1, 0 or 1.
   *
   * @param a the value
   * @return its sign
   */
  public Tensor sign(Tensor a) {
    return map("sign", a, a.nonNegative(), v -> graph.math().sign(v));
  }

  /**
   * One where the value is greater than a number, else zero. ND4J's {@code step} is that, in one op
   * (its documentation says "not less", the op does "greater").
   *
   * @param a the value
   * @param bound the number
   * @return ones and zeros of the value's type
   */
  public Tensor greater(Tensor a, double bound) {
    return make(
        List.of("greater", id(a), bound),
        () -> graph.math().step(a.variable(), bound),
        v -> like(v, a.dims(), true, a));
  }

  /**
   * One where the value is less than a number, else zero.
   *
   * @param a the value
   * @param bound the number
   * @return ones and zeros of the value's type
   */
  public Tensor less(Tensor a, double bound) {
    return greater(scale(a, -1), bound == 0 ? 0 : -bound);
  }

  /**
   * One where two values are equal, else zero.
   *
   * @param a a value
   * @param b a value of the same rank, extents of one broadcast
   * @return ones and zeros of {@code type}
   * @param type the data type of the result
   */
  public Tensor equal(Tensor a, Tensor b, DataType type) {
    Tensor equal =
        op(
            List.of("equal"),
            broadcastDims(a, b),
            DataType.BOOL,
            false,
            List.of(a, b),
            () -> graph.eq(a.variable(), b.variable()));
    return cast(equal, type).knownNonNegative();
  }

  /**
   * The value in another data type.
   *
   * @param a the value
   * @param type the data type
   * @return the cast value
   */
  public Tensor cast(Tensor a, DataType type) {
    if (a.type() == type) {
      return a;
    }
    if (a.literal() != null) {
      return literal(a.literal(), type, a.dims());
    }
    return make(
        List.of("cast", id(a), type),
        () -> a.variable().castTo(type),
        v -> new Tensor(v, a.dims(), type, a.fromSamples(), a.nonNegative(), null));
  }

  // ---- sums and products of matrices ----

  /**
   * The product of two matrices, or of as many as the leading axes count.
   *
   * @param a [..., M, K], or [..., K, M] where transposed
   * @param transposeA whether {@code a} is transposed
   * @param b [..., K, L], or [..., L, K] where transposed
   * @param transposeB whether {@code b} is transposed
   * @return [..., M, L]
   */
  public Tensor matmul(Tensor a, boolean transposeA, Tensor b, boolean transposeB) {
    int r = a.rank();
    Dim k = a.dims().get(transposeA ? r - 2 : r - 1);
    Dim otherK = b.dims().get(transposeB ? r - 1 : r - 2);
    if (b.rank() != r
        || !k.equals(otherK)
        || !a.dims().range(0, r - 2).equals(b.dims().range(0, r - 2))) {
      throw new IllegalStateException(
          "cannot multiply " + a + (transposeA ? "ᵀ" : "") + " by " + b + (transposeB ? "ᵀ" : ""));
    }
    Dims dims =
        a.dims()
            .range(0, r - 2)
            .plus(
                a.dims().get(transposeA ? r - 1 : r - 2), b.dims().get(transposeB ? r - 2 : r - 1));
    return total(
        k.samples(),
        make(
            List.of("matmul", id(a), transposeA, id(b), transposeB),
            () -> graph.mmul(a.variable(), b.variable(), transposeA, transposeB, false),
            v -> like(v, dims, a.nonNegative() && b.nonNegative(), a, b)));
  }

  /**
   * The sum over axes that stand beside each other, by a product with ones where that is possible:
   * ND4J's own sum over an axis runs at a tenth of memory speed.
   *
   * @param a the value
   * @param from the first axis
   * @param to the axis behind the last one
   * @return the value without these axes
   */
  public Tensor sum(Tensor a, int from, int to) {
    Dims outside = a.dims().range(0, from).plus(a.dims().from(to));
    Dim left = a.dims().range(0, from).product();
    Dim summed = a.dims().range(from, to).product();
    Dim right = a.dims().from(to).product();
    if (summed.isOne()) {
      return reshape(a, outside);
    }
    if (right.isOne()) {
      Tensor rows = reshape(a, Dims.of(left, summed));
      return reshape(matmul(rows, false, onesFor(summed, a.type()), true), outside);
    }
    if (left.isOne()) {
      return reshape(
          matmul(onesFor(summed, a.type()), false, reshape(a, Dims.of(summed, right)), false),
          outside);
    }
    Tensor middle = reshape(a, Dims.of(left, summed, right));
    return reshape(
        total(
            summed.samples(),
            make(
                List.of("sum", id(middle)),
                () -> middle.variable().sum(1),
                v -> like(v, Dims.of(left, right), a.nonNegative(), middle))),
        outside);
  }

  /**
   * The largest entry along an axis.
   *
   * @param a the value
   * @param axis the axis, which has not the samples
   * @return the largest entries; the axis stays, with the extent one
   */
  public Tensor largest(Tensor a, int axis) {
    if (a.dims().get(axis).isOne()) {
      return a; // M2.1's session cannot reduce along such an axis
    }
    Dims dims = a.dims().range(0, axis).plus(Dim.ONE).plus(a.dims().from(axis + 1));
    return make(
        List.of("largest", axis, id(a)),
        () -> a.variable().max(true, axis),
        v -> like(v, dims, a.nonNegative(), a));
  }

  /** Ones [1, K], also for a K that grows with the number of samples. */
  private Tensor onesFor(Dim count, DataType type) {
    if (!count.samples()) {
      return ones(type, 1, count.size());
    }
    Tensor samples = reshape(onesOverSamples(type), Dims.of(Dim.N, Dim.ONE));
    return reshape(
        broadcast(samples, Dims.of(Dim.N, Dim.of(count.size()))), Dims.of(Dim.ONE, count));
  }

  /**
   * The sum over the sample axis.
   *
   * @param a the value [N, …]
   * @return the value without its first axis
   */
  public Tensor sumOverSamples(Tensor a) {
    return a.dims().get(0).samples() ? sum(a, 0, 1) : reshape(a, a.dims().from(1));
  }

  /**
   * Rows added up by their index.
   *
   * @param values the rows [P, D]
   * @param indices for each row where it goes, whole numbers from 0 to {@code count} − 1: [P]
   * @param count the number K of sums
   * @return the sums [K, D]; zeros where no row goes
   */
  public Tensor sumByIndex(Tensor values, Tensor indices, int count) {
    Dims dims = values.dims().with(0, Dim.of(count));
    boolean apart = SegmentFaults.isLone(values.dims());
    Tensor rows = apart ? reshape(values, values.dims().plus(Dim.ONE)) : values;
    Tensor sums =
        op(
            List.of("sum by index", count),
            rows.dims().with(0, Dim.of(count)),
            values.type(),
            values.nonNegative(),
            List.of(rows, indices),
            () -> graph.unsortedSegmentSum(rows.variable(), indices.variable(), count));
    return reshape(sums, dims);
  }

  /**
   * Entries of an axis by their index.
   *
   * @param a the value
   * @param axis the axis to read from, not the sample axis
   * @param indices whole numbers from 0 to the axis's extent − 1: [P…]
   * @return the value with the axes P… in place of that axis
   */
  public Tensor gather(Tensor a, int axis, Tensor indices) {
    return op(
        List.of("gather", axis),
        a.dims().range(0, axis).plus(indices.dims()).plus(a.dims().from(axis + 1)),
        a.type(),
        a.nonNegative(),
        List.of(a, indices),
        () -> graph.gather(a.variable(), indices.variable(), axis));
  }

  // ---- anything else ----

  /**
   * An op of which this class knows nothing.
   *
   * @param key what identifies the op besides its inputs: name and arguments
   * @param dims the result's shape
   * @param type the result's data type
   * @param nonNegative whether no entry of the result is negative
   * @param inputs the inputs
   * @param op emits it
   * @return the result
   */
  public Tensor op(
      List<Object> key,
      Dims dims,
      DataType type,
      boolean nonNegative,
      List<Tensor> inputs,
      Supplier<SDVariable> op) {
    List<Object> full = new ArrayList<>(key);
    inputs.forEach(t -> full.add(id(t)));
    boolean fromSamples = inputs.stream().anyMatch(Tensor::fromSamples);
    return make(full, op, v -> new Tensor(v, dims, type, fromSamples, nonNegative, null));
  }

  /**
   * The gradient of a node as ND4J defines it.
   *
   * @param node the node
   * @param inputs what the op reads instead of the node's inputs; null for these themselves
   * @param gradients for each output the gradient with respect to it; null for zero
   * @param dims the shapes of what the op reads
   * @return for each input the gradient with respect to it, in 'c' order; null for one that has
   *     none
   */
  public List<@Nullable Tensor> ownGradient(
      Node node, @Nullable List<Tensor> inputs, List<@Nullable Tensor> gradients, List<Dims> dims) {
    List<Object> key = new ArrayList<>(List.of("own gradient", node.name()));
    gradients.forEach(t -> key.add(id(t)));
    List<@Nullable Tensor> known = ownGradients.get(key);
    if (known != null) {
      return known;
    }
    List<@Nullable SDVariable> above = new ArrayList<>();
    gradients.forEach(t -> above.add(t == null ? null : t.variable()));
    List<@Nullable SDVariable> own;
    try (NameScope ignored = graph.withNameScope(SCOPE + scope)) {
      List<SDVariable> read =
          inputs == null ? null : inputs.stream().map(Tensor::variable).toList();
      own = NativeGradient.of(graph, node, read, above);
    }
    List<@Nullable Tensor> results = new ArrayList<>();
    for (int k = 0; k < dims.size(); k++) {
      SDVariable gradient = k < own.size() ? own.get(k) : null;
      results.add(gradient == null ? null : inOrder(gradient, dims.get(k)));
    }
    ownGradients.put(key, results);
    return results;
  }

  private final Map<List<Object>, List<@Nullable Tensor>> ownGradients = new HashMap<>();

  /** Through a reshape to its own shape: not all of ND4J's ops answer in 'c' order. */
  private Tensor inOrder(SDVariable variable, Dims dims) {
    return op(
        List.of("in order", variable.name(), dims),
        dims,
        variable.dataType(),
        false,
        List.of(wrap(variable, dims, true)),
        () -> variable.reshape(dims.toLongs()));
  }

  /**
   * An op with several results, of which this class knows nothing.
   *
   * @param key what identifies the op besides its inputs: name and arguments
   * @param dims the results' shapes
   * @param type the results' data type
   * @param inputs the inputs
   * @param op emits it, answering its results in order
   * @return the results
   */
  public List<Tensor> ops(
      List<Object> key,
      List<Dims> dims,
      DataType type,
      List<Tensor> inputs,
      Supplier<SDVariable[]> op) {
    SDVariable[][] all = new SDVariable[1][];
    List<Tensor> results = new ArrayList<>();
    for (int k = 0; k < dims.size(); k++) {
      int which = k;
      List<Object> one = new ArrayList<>(key);
      one.add("result " + which);
      results.add(
          op(
              one,
              dims.get(which),
              type,
              false,
              inputs,
              () -> {
                // the first result makes the op, the others are there already
                SDVariable[] made = all[0] == null ? op.get() : all[0];
                all[0] = made;
                return made[which];
              }));
    }
    return results;
  }

  /**
   * Notes that a value can also be computed by a kernel of that name.
   *
   * @param kernel the kernel's name
   * @param output the value, defined by ops
   * @param inputs the kernel's inputs
   * @param arguments the kernel's arguments
   * @return the value
   */
  public Tensor fused(String kernel, Tensor output, List<Tensor> inputs, long... arguments) {
    origin.remove(output); // what follows reads the fused value, not what it was reshaped from
    fusions.add(new KernelCall(kernel, inputs, output, arguments));
    return output;
  }

  /**
   * Gives a value a name of its own.
   *
   * @param a the value
   * @param name the name, not yet taken
   */
  public void name(Tensor a, String name) {
    boolean ours =
        emitted.containsKey(a.name()) && a.name().startsWith(SCOPE) && a.literal() == null;
    if (ours && a.variable().getVariableType() == org.nd4j.autodiff.samediff.VariableType.ARRAY) {
      emitted.remove(a.name());
      a.variable().rename(name);
      emitted.put(name, a);
    } else {
      // a person's own variable keeps its name, and one that has an output's name already keeps
      // that
      SDVariable copy =
          graph.math().mul(name, a.variable(), graph.constant(Nd4j.scalar(a.type(), 1.0)));
      emitted.put(
          name, new Tensor(copy, a.dims(), a.type(), a.fromSamples(), a.nonNegative(), null));
    }
  }

  private Tensor binary(
      String name, Tensor a, Tensor b, boolean nonNegative, Supplier<SDVariable> op) {
    return make(
        List.of(name, id(a), id(b)), op, v -> like(v, broadcastDims(a, b), nonNegative, a, b));
  }

  private static Dims broadcastDims(Tensor a, Tensor b) {
    if (a.rank() == 0) {
      return b.dims();
    }
    if (b.rank() == 0) {
      return a.dims();
    }
    if (a.rank() != b.rank()) {
      throw new IllegalStateException("ranks differ: " + a + " and " + b);
    }
    List<Dim> dims = new ArrayList<>();
    for (int k = 0; k < a.rank(); k++) {
      Dim x = a.dims().get(k);
      Dim y = b.dims().get(k);
      if (!x.equals(y) && !x.isOne() && !y.isOne()) {
        throw new IllegalStateException("shapes do not fit: " + a + " and " + b);
      }
      dims.add(x.isOne() ? y : x);
    }
    return new Dims(dims);
  }

  private static Tensor like(SDVariable v, Dims dims, boolean nonNegative, Tensor... sources) {
    boolean fromSamples = Arrays.stream(sources).anyMatch(Tensor::fromSamples);
    return new Tensor(v, dims, sources[0].type(), fromSamples, nonNegative, null);
  }

  private Tensor make(
      List<Object> key,
      Supplier<SDVariable> op,
      java.util.function.Function<SDVariable, Tensor> describe) {
    Tensor known = made.get(key);
    if (known != null) {
      return known;
    }
    SDVariable variable;
    try (NameScope ignored = graph.withNameScope(SCOPE + scope)) {
      variable = op.get();
    }
    Tensor result = describe.apply(variable);
    made.put(key, result);
    emitted.put(result.name(), result);
    return result;
  }

  /** A free name for a constant, which belongs to no node. */
  private String fresh(String base) {
    String name = SCOPE + base + "_" + constants++;
    return graph.hasVariable(name) ? fresh(base) : name;
  }

  private static Object id(@Nullable Tensor a) {
    return a == null ? "none" : new Identity(a.variable());
  }

  /** A variable as a key: by identity, since names change. */
  private record Identity(SDVariable variable) {
    @Override
    @SuppressWarnings("ReferenceEquality")
    public boolean equals(Object other) {
      return other instanceof Identity that && that.variable == variable;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(variable);
    }
  }
}
