package org.backpack4j.samediff.internal.execution.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.run.LegacyCall;
import org.backpack4j.samediff.internal.execution.run.Task;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ops.Op;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the ops that can be run for a few samples at a time: those that depend on given roots, as
 * long as each output either has the samples on a known axis, or is a sum over samples that nobody
 * in the section reads.
 *
 * <p>What the section reads from outside is taken in portions where it has samples, and whole where
 * it has none. What is read outside of it is put together again, or added up. Everything is found
 * on two plans of the same graph, one for all samples and one for a portion of them; where the two
 * do not fit together as the options say they should, there is no section.
 */
final class MicrobatchRegions {
  private static final Logger LOG = LoggerFactory.getLogger(MicrobatchRegions.class);

  /** So many times as much memory as its inputs is better taken again and again than kept. */
  private static final long MUCH_LARGER = 4;

  private final ExecutionOptions options;
  private final Set<String> roots;
  private final Collection<Value> results;

  /** The ops for all samples. */
  private final List<OpPlan> whole;

  private final ShapeInference wholeValues;

  MicrobatchRegions(
      ExecutionOptions options,
      Set<String> roots,
      Collection<Value> results,
      List<OpPlan> whole,
      ShapeInference wholeValues) {
    this.options = options;
    this.roots = roots;
    this.results = results;
    this.whole = whole;
    this.wholeValues = wholeValues;
  }

  /** A plan of the same graph for some samples only. */
  record Portioned(ShapeInference values, List<OpPlan> ops, long samples, long times) {}

  /** The options do not fit the graph: it is better to do without. */
  private static final class Misfit extends Exception {
    private static final long serialVersionUID = 1L;

    Misfit(String message) {
      super(message);
    }
  }

  /**
   * The schedule that runs a section in portions, one kind of portion after the other.
   *
   * @return null if there is nothing to run in portions
   */
  @Nullable Schedule schedule(List<Portioned> portions) {
    try {
      return build(portions);
    } catch (Misfit misfit) {
      LOG.debug("Not in portions: {}", misfit.getMessage());
      return null;
    }
  }

  private @Nullable Schedule build(List<Portioned> portions) throws Misfit {
    Set<String> inside = inside(portions.get(0));
    if (inside.isEmpty()) {
      return null;
    }
    List<OpPlan> outside =
        whole.stream().filter(op -> !inside.contains(name(op.outputs().get(0)))).toList();
    Map<String, Value> boundary = boundary(inside, outside);
    List<Value> wanted = new ArrayList<>(results);
    wanted.addAll(readInside(portions, inside));
    List<OpPlan> needed = KernelSubstitution.needed(outside, wanted);
    Set<Value> late = new HashSet<>(boundary.values());
    List<Task> before = new ArrayList<>();
    List<Task> after = new ArrayList<>();
    for (OpPlan op : needed) {
      if (op.inputs().stream().anyMatch(late::contains)) {
        late.addAll(op.outputs());
        after.add(op);
      } else {
        before.add(op);
      }
    }
    List<Task> tasks = new ArrayList<>(before);
    List<Schedule.Loop> loops = new ArrayList<>();
    long first = 0;
    for (Portioned portion : portions) {
      int from = tasks.size();
      tasks.addAll(tasks(portion, inside, boundary));
      loops.add(new Schedule.Loop(from, tasks.size(), first, portion.samples(), portion.times()));
      first += portion.samples() * portion.times();
    }
    tasks.addAll(after);
    checkOrder(tasks);
    return new Schedule(tasks, loops);
  }

  private static String name(Value value) {
    return value.name;
  }

  // ---- Which ops are inside

  /** The names of all variables that are computed inside. */
  private Set<String> inside(Portioned portion) {
    Set<String> given = new HashSet<>();
    portion.values().sources().forEach(source -> given.add(source.name));
    Set<String> dependent = new HashSet<>();
    Set<String> inside = new LinkedHashSet<>();
    for (OpPlan op : portion.ops()) {
      boolean depends =
          op.outputs().stream().anyMatch(o -> roots.contains(o.name))
              || op.inputs().stream()
                  .anyMatch(
                      i ->
                          dependent.contains(i.name)
                              || (given.contains(i.name) && roots.contains(i.name)));
      if (depends) {
        op.outputs().forEach(o -> dependent.add(o.name));
        boolean fed =
            op.inputs().stream()
                .filter(i -> dependent.contains(i.name))
                .allMatch(
                    i -> inside.contains(i.name) && options.portions().axes().containsKey(i.name));
        if (fed && canBeInside(op, portion, inside)) {
          op.outputs().forEach(o -> inside.add(o.name));
        }
      }
    }
    if (!inside.isEmpty()) {
      draw(portion, inside);
    }
    return inside;
  }

  private boolean canBeInside(OpPlan op, Portioned portion, Set<String> inside) {
    for (int i = 0; i < op.inputs().size(); i++) {
      if (!inside.contains(op.inputs().get(i).name) && fetching(op, i, portion) == Fetching.NOT) {
        return false;
      }
    }
    return canRepeat(op)
        && op.outputs().stream()
            .allMatch(o -> isPortion(o, portion) || options.portions().additive().contains(o.name));
  }

  private static boolean canRepeat(OpPlan op) {
    return op.way == OpPlan.Way.PREPARED || isView(op);
  }

  /** Whether a value has as many samples as a portion where its counterpart has all of them. */
  private boolean isPortion(Value part, Portioned portion) {
    ExecutionOptions.Axis axis = options.portions().axes().get(part.name);
    Value all = wholeValues.known(part.name);
    if (axis == null || all == null || !all.isStatic() || !part.isStatic()) {
      return false;
    }
    long[] shape = all.shape().clone();
    if (axis.axis() >= shape.length
        || part.shape().length != shape.length
        || part.shape()[axis.axis()] != axis.outer() * portion.samples() * axis.inner()) {
      return false;
    }
    shape[axis.axis()] = part.shape()[axis.axis()];
    return Arrays.equals(shape, part.shape());
  }

  /**
   * Draws in what is computed for the section alone and is larger than what it is computed from:
   * portions of it, or, of what does not depend on samples, all of it once more for each portion
   * where it is so much larger that it should not be kept (a mask that is made of its indices).
   */
  private void draw(Portioned portion, Set<String> inside) {
    Set<String> readOutside = new HashSet<>();
    results.forEach(result -> readOutside.add(result.name));
    for (int i = portion.ops().size() - 1; i >= 0; i--) {
      OpPlan op = portion.ops().get(i);
      if (inside.contains(op.outputs().get(0).name)) {
        continue;
      }
      long in = op.inputs().stream().filter(Value::isStatic).mapToLong(Value::bytes).sum();
      boolean drawn =
          op.outputs().stream().noneMatch(o -> readOutside.contains(o.name))
              && ((isDivided(op, portion, inside) && (isView(op) || op.bytes() >= in))
                  || (isSameForAll(op, portion, inside)
                      && (isView(op) || op.bytes() >= MUCH_LARGER * in)));
      if (drawn) {
        op.outputs().forEach(o -> inside.add(o.name));
      } else {
        op.inputs().forEach(input -> readOutside.add(input.name));
      }
    }
  }

  private static boolean isView(OpPlan op) {
    return op.way == OpPlan.Way.VIEW;
  }

  private boolean isDivided(OpPlan op, Portioned portion, Set<String> inside) {
    return op.outputs().stream().allMatch(o -> isPortion(o, portion))
        && canBeInside(op, portion, inside);
  }

  /** Whether an op computes the same for each portion, from what is outside. */
  private boolean isSameForAll(OpPlan op, Portioned portion, Set<String> inside) {
    for (int i = 0; i < op.inputs().size(); i++) {
      if (inside.contains(op.inputs().get(i).name) || fetching(op, i, portion) != Fetching.WHOLE) {
        return false;
      }
    }
    return !op.inputs().isEmpty()
        && canRepeat(op)
        && op.outputs().stream().allMatch(this::isAsInAll);
  }

  private boolean isAsInAll(Value part) {
    Value all = wholeValues.known(part.name);
    return all != null
        && all.isStatic()
        && part.isStatic()
        && Arrays.equals(all.shape(), part.shape());
  }

  // ---- What crosses the border

  /** What is computed inside and read outside, by name, as the values that hold all samples. */
  private Map<String, Value> boundary(Set<String> inside, List<OpPlan> outside) throws Misfit {
    Map<String, Value> boundary = new LinkedHashMap<>();
    List<Value> read = new ArrayList<>(results);
    outside.forEach(op -> read.addAll(op.inputs()));
    for (Value value : read) {
      if (inside.contains(value.name)) {
        if (!value.isStatic()) {
          throw new Misfit(value.name + " has no shape beforehand");
        }
        boundary.put(value.name, value);
      }
    }
    return boundary;
  }

  /** What the section reads and does not compute, as the values that hold all samples. */
  private List<Value> readInside(List<Portioned> portions, Set<String> inside) throws Misfit {
    List<Value> read = new ArrayList<>();
    for (Portioned portion : portions) {
      for (OpPlan op : portion.ops()) {
        if (inside.contains(op.outputs().get(0).name)) {
          for (Value input : op.inputs()) {
            if (!inside.contains(input.name)) {
              read.add(counterpart(input));
            }
          }
        }
      }
    }
    return read;
  }

  private Value counterpart(Value part) throws Misfit {
    Value all = wholeValues.known(part.name);
    if (all == null || !all.isStatic() || !part.isStatic()) {
      throw new Misfit(part.name + " has no shape beforehand");
    }
    return all;
  }

  /** What is done for one portion. */
  private List<Task> tasks(Portioned portion, Set<String> inside, Map<String, Value> boundary)
      throws Misfit {
    List<Task> tasks = new ArrayList<>();
    Map<Value, Value> read = new HashMap<>();
    for (OpPlan op : portion.ops()) {
      if (!inside.contains(op.outputs().get(0).name)) {
        continue;
      }
      List<Value> inputs = new ArrayList<>();
      for (int i = 0; i < op.inputs().size(); i++) {
        Value input = op.inputs().get(i);
        if (!inside.contains(input.name)) {
          Value known = read.get(input);
          if (known == null) {
            known = fetched(op, i, portion, tasks);
            read.put(input, known);
          }
          input = known;
        }
        inputs.add(input);
      }
      tasks.add(op.reading(inputs));
      for (Value output : op.outputs()) {
        Value all = boundary.get(output.name);
        if (all != null) {
          ExecutionOptions.Axis axis = options.portions().axes().get(output.name);
          if (options.portions().additive().contains(output.name)) {
            if (!Arrays.equals(output.shape(), all.shape())) {
              throw new Misfit(output.name + " is said to be a sum over samples, but has some");
            }
            tasks.add(new Schedule.Add(output, all));
          } else if (axis != null) {
            tasks.add(new Schedule.Put(output, all, Schedule.Portion.of(all, axis)));
          } else {
            throw new Misfit(output.name + " is neither portioned nor a sum");
          }
        }
      }
    }
    return tasks;
  }

  /** How an op inside gets what comes from outside. */
  private enum Fetching {
    /** The samples of the portion are taken out. */
    TAKE,
    /** The value is read as it is. */
    WHOLE,
    /** It says how large something is, and is another one for a portion. */
    SETTING,
    /** It depends on the number of samples in a way that the options do not tell. */
    NOT
  }

  private Fetching fetching(OpPlan op, int i, Portioned portion) {
    Value part = op.inputs().get(i);
    Value all = wholeValues.known(part.name);
    if (all == null || !all.isStatic() || !part.isStatic()) {
      return Fetching.NOT;
    }
    if (isPortion(part, portion)) {
      return Fetching.TAKE;
    }
    if (part.known != null && all.known != null && !part.known.equals(all.known)) {
      boolean setting =
          op.node.getOp() instanceof Op
              ? LegacyCall.isSetting(op.node, i)
              : OpTraits.shapeMayDependOn(op.node.getOp(), i);
      return setting ? Fetching.SETTING : Fetching.NOT;
    }
    return Arrays.equals(part.shape(), all.shape()) ? Fetching.WHOLE : Fetching.NOT;
  }

  /** What an op inside is to read for its input number {@code i}, which comes from outside. */
  private Value fetched(OpPlan op, int i, Portioned portion, List<Task> tasks) throws Misfit {
    Value part = op.inputs().get(i);
    Value all = counterpart(part);
    switch (fetching(op, i, portion)) {
      case TAKE -> {
        ExecutionOptions.Axis axis =
            Objects.requireNonNull(options.portions().axes().get(part.name));
        tasks.add(new Schedule.Take(all, part, Schedule.Portion.of(all, axis)));
        return part;
      }
      case WHOLE -> {
        return all;
      }
      case SETTING -> {
        return part;
      }
      default -> throw new Misfit(part.name + " depends on the samples in an unknown way");
    }
  }

  /** Everything must have been computed when it is read. */
  private void checkOrder(List<Task> tasks) throws Misfit {
    Set<Value> there = new HashSet<>();
    wholeValues.sources().forEach(there::add);
    for (Task task : tasks) {
      for (Value input : task.inputs()) {
        if (!there.contains(input) && input.known == null && !input.isEmpty()) {
          throw new Misfit(input.name + " is read before it is computed");
        }
      }
      there.addAll(task.outputs());
    }
  }
}
