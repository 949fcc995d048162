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
import java.util.function.Function;
import java.util.function.Supplier;
import org.backpack4j.samediff.internal.ir.KernelCall;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.NameScope;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What every emission goes through: the scope in which it stands, the table of what there is
 * already, what is known of it, placeholders and constants.
 */
abstract class Emission {
  /** Where a user of the graph finds what was inserted. */
  public static final String SCOPE = "backpack/";

  final SameDiff graph;
  private final Map<List<Object>, Tensor> made = new HashMap<>();
  private final Map<String, Tensor> emitted = new LinkedHashMap<>();
  private final Map<String, Tensor> placeholders = new LinkedHashMap<>();
  final List<KernelCall> fusions = new ArrayList<>();
  private final Set<SDVariable> totals = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Set<Tensor> large = new LinkedHashSet<>();
  private final String sampled;
  private final int sampledAxis;
  private final long sampledFactor;
  private String scope = "shared";
  private int constants;

  /** What a value was reshaped from: a reshape of a reshape is one reshape. */
  final Map<Tensor, Tensor> origin = new IdentityHashMap<>();

  /**
   * An emitter into a graph.
   *
   * @param graph the graph to extend
   * @param sampled a variable whose extent tells the number of samples; empty when there is none
   * @param axis the axis to look at
   * @param factor what the number of samples is multiplied by there
   */
  Emission(SameDiff graph, String sampled, int axis, long factor) {
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

  Tensor total(boolean isTotal, Tensor a) {
    if (isTotal) {
      totals.add(a.variable());
    }
    return a;
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

  static Tensor like(SDVariable v, Dims dims, boolean nonNegative, Tensor... sources) {
    boolean fromSamples = Arrays.stream(sources).anyMatch(Tensor::fromSamples);
    return new Tensor(v, dims, sources[0].type(), fromSamples, nonNegative, null);
  }

  Tensor make(List<Object> key, Supplier<SDVariable> op, Function<SDVariable, Tensor> describe) {
    Tensor known = made.get(key);
    if (known != null) {
      return known;
    }
    Tensor result = describe.apply(scoped(op));
    made.put(key, result);
    emitted.put(result.name(), result);
    return result;
  }

  /** Has ops made in the present scope. */
  <T> T scoped(Supplier<T> ops) {
    try (NameScope ignored = graph.withNameScope(SCOPE + scope)) {
      return ops.get();
    }
  }

  /** A free name for a constant, which belongs to no node. */
  String fresh(String base) {
    String name = SCOPE + base + "_" + constants++;
    return graph.hasVariable(name) ? fresh(base) : name;
  }

  static Object id(@Nullable Tensor a) {
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
