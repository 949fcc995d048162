package org.backpack4j.samediff.execution;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.graph.OpExecution;
import org.backpack4j.samediff.graph.Walk;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseReduceOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;

/**
 * Makes a plan: which ops have to run, what shape each value has, and where it lies.
 *
 * <p>Nothing is run except what depends on shapes and constants alone (the targets of a reshape,
 * for example), and that once and for all.
 */
final class Planner {
  /** A larger integer array is no shape, and is computed at each run like anything else. */
  private static final long MOST_KNOWN = 4096;

  /**
   * A feed of so many bytes is read where it is; binding it costs more than copying a smaller one.
   */
  private static final long LARGE_FEED = 4L << 20;

  /** A result of so many bytes is computed where the caller gets it; a smaller one is copied. */
  private static final long LARGE_RESULT = 64L << 10;

  private final SameDiff graph;
  private final Map<String, INDArray> feeds;
  private final Collection<String> names;
  private final Hints hints;
  private final boolean plain;

  private final Map<String, Value> values = new LinkedHashMap<>();
  private final Map<String, Value> sources = new LinkedHashMap<>();
  private final Set<Value> forgotten = new HashSet<>();

  private Planner(
      SameDiff graph, Map<String, INDArray> feeds, Collection<String> names, Hints hints) {
    this.graph = graph;
    this.feeds = feeds;
    this.names = names;
    this.hints = hints;
    this.plain = !hints.prepared() || !Platform.isNativeCpu();
  }

  /** What a plan does with an op. */
  private enum Way {
    /** Its outputs are known. */
    NONE,
    /** Its outputs lie in its first input. */
    VIEW,
    /** It runs in memory that is set aside for it. */
    PREPARED,
    /** It runs into new arrays, whose shapes it finds out itself. */
    PLAIN
  }

  /** An op, what a plan does with it, and with which kernel. No two are equal. */
  private static final class Planned {
    final SameDiffOp node;
    final List<Value> inputs;
    final List<Value> outputs;
    final Way way;
    final @Nullable Kernel kernel;
    final @Nullable Value scratch;

    Planned(SameDiffOp node, List<Value> inputs, List<Value> outputs, Way way) {
      this(node, inputs, outputs, way, null);
    }

    private Planned(
        SameDiffOp node,
        List<Value> inputs,
        List<Value> outputs,
        Way way,
        @Nullable Kernel kernel) {
      this.node = node;
      this.inputs = inputs;
      this.outputs = outputs;
      this.way = way;
      this.kernel = kernel;
      long bytes = kernel == null ? 0 : kernel.scratchBytes();
      this.scratch =
          bytes == 0
              ? null
              : Value.of(node.getName() + " scratch", DataType.BYTE, new long[] {bytes});
    }

    /** What its outputs take, if it is run. */
    long bytes() {
      return way == Way.PREPARED ? outputs.stream().mapToLong(Value::bytes).sum() : 0;
    }

    /** The same outputs, by a kernel from given inputs. */
    Planned by(Kernel other, List<Value> from) {
      return new Planned(node, from, outputs, Way.PREPARED, other);
    }
  }

  /**
   * @param feeds an array for each placeholder; only its shape is looked at
   * @param names what is asked for
   * @param hints how it is to be executed
   */
  static Plan plan(
      SameDiff graph, Map<String, INDArray> feeds, Collection<String> names, Hints hints) {
    return new Planner(graph, feeds, names, hints).plan();
  }

  private Plan plan() {
    List<SameDiffOp> order = order();
    order.forEach(node -> OpExecution.checkSupported(graph, node));
    List<Planned> all = new ArrayList<>(order.size());
    if (plain) {
      for (SameDiffOp node : order) {
        all.add(plainly(node, inputs(node)));
      }
    } else {
      try (Shapes shapes = new Shapes(graph)) {
        for (SameDiffOp node : order) {
          all.add(look(node, inputs(node), shapes));
        }
      }
    }
    List<Value> results = names.stream().map(this::value).toList();
    List<Planned> needed = fused(all, results);
    Map<Value, Integer> lastUse = lastUse(needed, results);
    List<Storage> arena = new Places(needed.size()).assign(needed, lastUse, results);
    arena.removeIf(storage -> storage.kind != Storage.Kind.ARENA);
    long bytes = Layout.place(arena);
    long distinct = arena.stream().mapToLong(s -> Layout.align(s.bytes)).sum();
    return new Plan(
        steps(needed, lastUse),
        sources.values().stream().filter(lastUse::containsKey).filter(this::isFeed).toList(),
        sources.values().stream()
            .filter(lastUse::containsKey)
            .filter(v -> !isFeed(v))
            .map(v -> new Source(v, Source.isContiguous(array(v.name))))
            .toList(),
        results,
        results.stream().filter(Value::isStatic).mapToLong(Value::bytes).sum(),
        bytes,
        distinct);
  }

  /** The needed ops, and those that kernels need to have their inputs (other views of the same). */
  private List<SameDiffOp> order() {
    List<SameDiffOp> order = Walk.order(graph, names);
    if (plain || !hints.kernels() || hints.fusions().isEmpty()) {
      return order;
    }
    Set<String> computed = new HashSet<>();
    order.forEach(op -> computed.addAll(op.getOutputsOfOp()));
    Set<String> wanted = new LinkedHashSet<>(names);
    for (Hints.Fusion fusion : hints.fusions()) {
      if (computed.contains(fusion.output())) {
        fusion.inputs().stream().filter(graph::hasVariable).forEach(wanted::add);
      }
    }
    return Walk.order(graph, wanted);
  }

  private boolean isFeed(Value value) {
    return graph.getVariable(value.name).isPlaceHolder();
  }

  private List<Value> inputs(SameDiffOp node) {
    return node.getInputsToOp() == null
        ? List.of()
        : node.getInputsToOp().stream().map(this::value).toList();
  }

  private Value value(String name) {
    Value value = values.get(name);
    if (value == null) {
      value = source(graph.getVariable(name));
      values.put(name, value);
      sources.put(name, value);
    }
    return value;
  }

  /** A variable that no op computes. */
  private Value source(SDVariable variable) {
    String name = variable.name();
    INDArray array = array(name);
    DataType type = variable.isPlaceHolder() ? variable.dataType() : array.dataType();
    if (plain || type == DataType.UTF8 || (array.isEmpty() && array.rank() == 0)) {
      return Value.unknown(name, type);
    }
    Value value = Value.of(name, type, array.shape());
    if (variable.isConstant() && array.length() <= MOST_KNOWN) {
      value.known = array.dup('c');
    }
    return value;
  }

  /** The array of a feed, a parameter or a constant. */
  private INDArray array(String name) {
    SDVariable variable = graph.getVariable(name);
    if (variable.isPlaceHolder()) {
      INDArray array = feeds.get(name);
      if (array == null) {
        throw new IllegalArgumentException(
            "The placeholder \"" + name + "\" is needed and not fed.");
      }
      return array;
    }
    if (!variable.isConstant() && variable.getVariableType() != VariableType.VARIABLE) {
      throw new UnsupportedOperationException(
          "The variable \""
              + name
              + "\" ("
              + variable.getVariableType()
              + ") is the output of no op: only arrays are supported.");
    }
    INDArray array = graph.getArrForVarName(name);
    if (array == null) {
      throw new IllegalArgumentException(
          "The variable \"" + name + "\" has no array: set one before evaluating.");
    }
    return array;
  }

  // ---- What each op comes to

  private Planned plainly(SameDiffOp node, List<Value> inputs) {
    List<Value> outputs = new ArrayList<>();
    for (String name : node.getOutputsOfOp()) {
      Value output = Value.unknown(name, graph.getVariable(name).dataType());
      values.put(name, output);
      outputs.add(output);
    }
    return new Planned(node, inputs, outputs, Way.PLAIN);
  }

  private Planned look(SameDiffOp node, List<Value> inputs, Shapes shapes) {
    if (mustBePlain(node, inputs)) {
      return plainly(node, inputs);
    }
    List<INDArray> arrays = new ArrayList<>(inputs.size());
    for (Value input : inputs) {
      arrays.add(input.known != null ? input.known : shapes.pretend(input.type, input.shape()));
    }
    List<LongShapeDescriptor> descriptors = shapes.of(node, arrays);
    if (descriptors == null || !descriptors.stream().allMatch(Planner::isPlannable)) {
      return plainly(node, inputs);
    }
    List<Value> outputs = new ArrayList<>(descriptors.size());
    for (int i = 0; i < descriptors.size(); i++) {
      String name = node.getOutputsOfOp().get(i);
      LongShapeDescriptor descriptor = descriptors.get(i);
      outputs.add(Value.of(name, descriptor.dataType(), descriptor.getShape()));
    }
    boolean view = isView(node, inputs, outputs);
    if (!view && isNoOp(node, inputs, outputs)) {
      return plainly(node, inputs);
    }
    outputs.forEach(output -> values.put(output.name, output));
    if (canBeKnown(node, inputs, outputs)) {
      List<INDArray> known = OpExecution.run(graph, node, arrays);
      for (int i = 0; i < known.size(); i++) {
        outputs.get(i).known = known.get(i).dup('c');
      }
      return new Planned(node, inputs, outputs, Way.NONE);
    }
    if (outputs.stream().allMatch(Value::isEmpty)) {
      return new Planned(node, inputs, outputs, Way.NONE);
    }
    if (view) {
      return new Planned(node, inputs, outputs, Way.VIEW);
    }
    Planned planned = new Planned(node, inputs, outputs, Way.PREPARED);
    Kernel kernel = hints.kernels() ? Kernels.instead(node.getOp(), inputs, outputs) : null;
    return kernel == null ? planned : planned.by(kernel, inputs);
  }

  /** An array that is empty in spite of its shape, or one of strings, is not. */
  private static boolean isPlannable(LongShapeDescriptor descriptor) {
    return descriptor.dataType() != DataType.UTF8
        && (!descriptor.isEmpty() || descriptor.getShape().length > 0);
  }

  private static boolean mustBePlain(SameDiffOp node, List<Value> inputs) {
    if (OpTraits.isSpecial(node.getOp())) {
      return true;
    }
    for (int i = 0; i < inputs.size(); i++) {
      Value input = inputs.get(i);
      if (!input.isStatic()) {
        return true;
      }
      boolean integer = !input.type.isFPType();
      boolean setting = node.getOp() instanceof Op && LegacyCall.isSetting(node, i);
      if (setting && (input.known == null || input.isEmpty())) {
        return true;
      }
      if (input.known == null
          && (integer
              ? OpTraits.shapeMayDependOn(node.getOp(), i)
              : OpTraits.shapeMayDependOnNumbers(node.getOp()))) {
        return true;
      }
    }
    return false;
  }

  /** M2.1 computes nothing, or something wrong, for a vector that is reduced over ones. */
  private static boolean isNoOp(SameDiffOp node, List<Value> inputs, List<Value> outputs) {
    return node.getOp() instanceof BaseReduceOp
        && inputs.get(0).length() > 1
        && inputs.get(0).length() == outputs.get(0).length();
  }

  private static boolean canBeKnown(SameDiffOp node, List<Value> inputs, List<Value> outputs) {
    boolean fromShapes = OpTraits.readsShapesOnly(node.getOp());
    return !OpTraits.isRandom(node.getOp())
        && (fromShapes || inputs.stream().allMatch(v -> v.known != null))
        && outputs.stream().allMatch(v -> !v.type.isFPType() && v.length() <= MOST_KNOWN);
  }

  private static boolean isView(SameDiffOp node, List<Value> inputs, List<Value> outputs) {
    for (int i = 0; i < outputs.size(); i++) {
      long offset = Views.offset(node, inputs, outputs, i);
      if (offset == Views.NONE) {
        return false;
      }
      outputs.get(i).offset = offset;
    }
    return true;
  }

  // ---- What is needed, and until when

  private static List<Planned> needed(List<Planned> all, List<Value> results) {
    Set<Value> wanted = new HashSet<>(results);
    List<Planned> backwards = new ArrayList<>();
    for (int i = all.size() - 1; i >= 0; i--) {
      Planned planned = all.get(i);
      boolean effect = planned.way == Way.PLAIN && OpTraits.isSpecial(planned.node.getOp());
      if (planned.way != Way.NONE
          && (effect || planned.outputs.stream().anyMatch(wanted::contains))) {
        wanted.addAll(planned.inputs);
        backwards.add(planned);
      }
    }
    List<Planned> needed = new ArrayList<>(backwards.size());
    for (int i = backwards.size() - 1; i >= 0; i--) {
      needed.add(backwards.get(i));
    }
    return needed;
  }

  // ---- Kernels in place of several ops

  /** A fusion that the shapes allow, with the op that it replaces and those that it saves. */
  private record Fused(Planned replaced, Planned kernel, Set<Planned> inner) {

    /** Whether the largest values that it is to save are really saved. */
    boolean pays(Set<Planned> needed) {
      long largest = inner.stream().mapToLong(Planned::bytes).max().orElse(0);
      return inner.stream().noneMatch(p -> 2 * p.bytes() > largest && needed.contains(p));
    }
  }

  /**
   * The needed ops when kernels have taken the place of some; those they save are not among them.
   */
  private List<Planned> fused(List<Planned> all, List<Value> results) {
    List<Planned> needed = needed(all, results);
    if (plain || !hints.kernels() || hints.fusions().isEmpty()) {
      return needed;
    }
    List<Fused> used = candidates(all, needed);
    while (true) {
      Map<Planned, Planned> replacements = new HashMap<>();
      used.forEach(f -> replacements.put(f.replaced, f.kernel));
      List<Planned> now =
          needed(all.stream().map(p -> replacements.getOrDefault(p, p)).toList(), results);
      Set<Planned> still = new HashSet<>(now);
      List<Fused> paying = used.stream().filter(f -> f.pays(still)).toList();
      if (paying.size() == used.size()) {
        return now;
      }
      used = paying;
    }
  }

  private List<Fused> candidates(List<Planned> all, List<Planned> needed) {
    Set<Planned> computed = new HashSet<>(needed);
    Map<Value, Planned> makers = new HashMap<>();
    Map<Planned, Integer> positions = new HashMap<>();
    for (Planned planned : all) {
      positions.put(planned, positions.size());
      planned.outputs.forEach(output -> makers.put(output, planned));
    }
    List<Fused> candidates = new ArrayList<>();
    for (Hints.Fusion fusion : new LinkedHashSet<>(hints.fusions())) {
      Value output = values.get(fusion.output());
      Planned maker = output == null ? null : makers.get(output);
      if (output == null
          || maker == null
          || !computed.contains(maker)
          || maker.outputs.size() != 1
          || !output.isStatic()) {
        continue;
      }
      List<Value> inputs = new ArrayList<>();
      for (String name : fusion.inputs()) {
        Value input = values.get(name);
        if (input != null && input.isStatic() && isThere(input, maker, makers, positions)) {
          inputs.add(input);
        }
      }
      long[] arguments = fusion.arguments().stream().mapToLong(Long::longValue).toArray();
      Kernel kernel =
          inputs.size() < fusion.inputs().size()
              ? null
              : Kernels.named(fusion.kernel(), inputs, output, arguments);
      if (kernel != null) {
        Planned replacement = maker.by(kernel, inputs);
        candidates.add(new Fused(maker, replacement, inner(maker, inputs, makers)));
      }
    }
    return candidates;
  }

  /** Whether a value has been computed when an op's turn comes. */
  private boolean isThere(
      Value value, Planned op, Map<Value, Planned> makers, Map<Planned, Integer> positions) {
    Planned maker = makers.get(value);
    return maker == null
        ? value.known != null || sources.containsValue(value)
        : positions.getOrDefault(maker, 0) < positions.getOrDefault(op, 0);
  }

  /** The ops between the inputs, or other views of the same, and an op. */
  private static Set<Planned> inner(Planned last, List<Value> inputs, Map<Value, Planned> makers) {
    Set<Value> given = new HashSet<>();
    inputs.forEach(input -> given.add(viewed(input, makers)));
    Set<Planned> inner = new HashSet<>();
    Deque<Planned> open = new ArrayDeque<>(List.of(last));
    while (!open.isEmpty()) {
      for (Value value : open.pop().inputs) {
        Planned maker = given.contains(viewed(value, makers)) ? null : makers.get(value);
        if (maker != null && inner.add(maker)) {
          open.push(maker);
        }
      }
    }
    return inner;
  }

  /** What a value is a view of. */
  private static Value viewed(Value value, Map<Value, Planned> makers) {
    Value viewed = value;
    Planned maker = makers.get(viewed);
    while (maker != null && maker.way == Way.VIEW) {
      viewed = maker.inputs.get(0);
      maker = makers.get(viewed);
    }
    return viewed;
  }

  // ---- Until when values are needed

  private static Map<Value, Integer> lastUse(List<Planned> needed, List<Value> results) {
    Map<Value, Integer> lastUse = new HashMap<>();
    for (int time = 0; time < needed.size(); time++) {
      for (Value output : needed.get(time).outputs) {
        lastUse.put(output, time);
      }
      for (Value input : needed.get(time).inputs) {
        lastUse.put(input, time);
      }
    }
    results.forEach(result -> lastUse.put(result, needed.size()));
    return lastUse;
  }

  private List<Step> steps(List<Planned> needed, Map<Value, Integer> lastUse) {
    List<Step> steps = new ArrayList<>();
    for (int time = 0; time < needed.size(); time++) {
      Planned planned = needed.get(time);
      if (planned.way == Way.VIEW) {
        continue;
      }
      List<Value> done = new ArrayList<>();
      for (List<Value> list : List.of(planned.inputs, planned.outputs)) {
        for (Value value : list) {
          if (!value.isStatic()
              && lastUse.getOrDefault(value, -1) == time
              && forgotten.add(value)) {
            done.add(value);
          }
        }
      }
      steps.add(
          new Step(
              planned.node,
              planned.inputs,
              planned.outputs,
              planned.way == Way.PREPARED,
              planned.kernel,
              planned.scratch,
              done));
    }
    return steps;
  }

  // ---- Where everything lies

  /** Gives each value its storage, and each storage its lifetime. */
  private final class Places {
    private final int end;
    private final List<Storage> arena = new ArrayList<>();

    /** The last time that anything in a storage is read. */
    private final Map<Storage, Integer> busyUntil = new HashMap<>();

    Places(int end) {
      this.end = end;
    }

    List<Storage> assign(List<Planned> needed, Map<Value, Integer> lastUse, List<Value> results) {
      for (Value source : sources.values()) {
        if (source.isStatic() && lastUse.containsKey(source)) {
          settle(source, newStorage(source, kindOf(source), -1), lastUse);
        }
      }
      for (int time = 0; time < needed.size(); time++) {
        Planned planned = needed.get(time);
        for (Value input : planned.inputs) {
          if (input.isStatic() && input.storage == null) {
            settle(input, newStorage(input, Storage.Kind.KNOWN, time), lastUse);
          }
        }
        if (planned.way == Way.VIEW) {
          Value input = planned.inputs.get(0);
          for (Value output : planned.outputs) {
            output.offset += input.offset;
            settle(output, input.storage(), lastUse);
          }
        } else if (planned.way == Way.PREPARED) {
          if (planned.scratch != null) {
            settle(planned.scratch, newStorage(planned.scratch, Storage.Kind.ARENA, time), lastUse);
          }
          for (Value output : planned.outputs) {
            Storage taken = inPlace(planned, output, time);
            settle(
                output,
                taken != null ? taken : newStorage(output, Storage.Kind.ARENA, time),
                lastUse);
          }
        }
      }
      for (Value result : results) {
        if (result.isStatic() && result.storage == null) {
          settle(result, newStorage(result, Storage.Kind.KNOWN, end), lastUse);
        } else if (result.isStatic() && isAllOf(result, result.storage())) {
          result.storage().kind = Storage.Kind.RESULT;
        }
      }
      return arena;
    }

    private Storage.Kind kindOf(Value source) {
      INDArray array = array(source.name);
      boolean readable = Source.isContiguous(array) && array.dataType() == source.type;
      if (isFeed(source)) {
        boolean inPlace = readable && source.bytes() >= LARGE_FEED;
        return inPlace ? Storage.Kind.FEED : Storage.Kind.ARENA;
      }
      return readable ? Storage.Kind.SOURCE : Storage.Kind.ARENA;
    }

    /** Whether the caller's array can take the place of a storage. */
    private static boolean isAllOf(Value result, Storage storage) {
      return storage.kind == Storage.Kind.ARENA
          && storage.birth >= 0
          && result.offset == 0
          && result.bytes() == storage.bytes
          && result.bytes() >= LARGE_RESULT;
    }

    private Storage newStorage(Value value, Storage.Kind kind, int birth) {
      boolean empty = value.isEmpty();
      Storage storage = new Storage(empty ? Storage.Kind.KNOWN : kind, value.bytes(), birth);
      if (storage.kind == Storage.Kind.ARENA) {
        arena.add(storage);
      }
      return storage;
    }

    private void settle(Value value, Storage storage, Map<Value, Integer> lastUse) {
      value.storage = storage;
      int last = lastUse.getOrDefault(value, storage.birth);
      storage.usedAt(last);
      busyUntil.merge(storage, last, Math::max);
    }

    /** The storage of an input that ends here and whose place the output can take. */
    private @Nullable Storage inPlace(Planned planned, Value output, int time) {
      boolean able =
          planned.kernel == null
              ? OpTraits.mayWorkInPlace(planned.node.getOp())
              : planned.kernel.worksInPlace();
      if (planned.outputs.size() != 1 || !able) {
        return null;
      }
      for (Value input : planned.inputs) {
        Storage storage = input.storage();
        if (storage.kind == Storage.Kind.ARENA
            && busyUntil.getOrDefault(storage, -1) == time
            && input.type == output.type
            && Arrays.equals(input.shape(), output.shape())
            && input.bytes() == storage.bytes
            && planned.inputs.stream()
                .allMatch(o -> o.storage != storage || o.sharesPlaceWith(input))) {
          return storage;
        }
      }
      return null;
    }
  }
}
