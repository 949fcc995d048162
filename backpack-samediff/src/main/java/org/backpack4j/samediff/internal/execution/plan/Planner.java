package org.backpack4j.samediff.internal.execution.plan;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.LongStream;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.run.Inputs;
import org.backpack4j.samediff.internal.execution.run.Step;
import org.backpack4j.samediff.internal.execution.run.Task;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Makes a plan: which ops have to run, what shape each value has, and where it lies. */
public final class Planner {
  private final SameDiff graph;
  private final Inputs given;
  private final Collection<String> names;
  private final ExecutionOptions options;
  private final boolean handed;
  private final Map<String, long[]> feedShapes = new HashMap<>();
  private final ShapeInference inference;
  private final List<Value> results;

  private Planner(
      SameDiff graph,
      Map<String, INDArray> feeds,
      Collection<String> names,
      boolean handed,
      ExecutionOptions options) {
    this.graph = graph;
    this.handed = handed;
    this.given = new Inputs(graph, feeds);
    this.names = names;
    this.options = options;
    feeds.forEach((name, array) -> feedShapes.put(name, array.shape()));
    this.inference = new ShapeInference(graph, given, feedShapes, names, options);
    this.results = names.stream().map(n -> Objects.requireNonNull(inference.known(n))).toList();
  }

  /**
   * Plans the execution of a graph for feeds of given shapes.
   *
   * @param graph what is executed
   * @param feeds an array for each placeholder; only its shape is looked at
   * @param names what is asked for
   * @param options how it is to be executed
   * @return the plan
   */
  public static Plan plan(
      SameDiff graph,
      Map<String, INDArray> feeds,
      Collection<String> names,
      ExecutionOptions options) {
    return new Planner(graph, feeds, names, false, options).plan();
  }

  /**
   * The same, each result handed out as soon as it is there, and not kept.
   *
   * @param graph what is executed
   * @param feeds an array for each placeholder; only its shape is looked at
   * @param names what is asked for
   * @param options how it is to be executed
   * @return the plan
   */
  public static Plan planHanding(
      SameDiff graph,
      Map<String, INDArray> feeds,
      Collection<String> names,
      ExecutionOptions options) {
    return new Planner(graph, feeds, names, true, options).plan();
  }

  private Plan plan() {
    List<OpPlan> ops = KernelSubstitution.fused(inference, results, options);
    Plan plan = placed(new Schedule(List.copyOf(ops), List.of()));
    return plan.arenaBytes() > options.budget().bytes() ? inPortions(plan) : plan;
  }

  /** Settles where everything lies. */
  private Plan placed(Schedule made) {
    Schedule schedule = handed ? made.handing(results) : made;
    List<Value> kept = handed ? List.of() : results;
    Map<Value, Integer> lastUse = BufferAssignment.lastUse(schedule, kept);
    BufferAssignment places = new BufferAssignment(given, schedule, lastUse);
    places.assign(inference.sources(), kept);
    long bytes = ArenaPacking.place(places.arena());
    List<Value> feeds = new ArrayList<>();
    List<Source> sources = new ArrayList<>();
    for (Value source : inference.sources()) {
      if (lastUse.containsKey(source)) {
        if (given.isFeed(source)) {
          feeds.add(source);
        } else {
          sources.add(new Source(source, Source.isContiguous(given.of(source))));
        }
      }
    }
    return new Plan(
        steps(schedule, lastUse),
        places.places(),
        feeds,
        sources,
        kept,
        resultBytes(),
        bytes,
        places.arena().stream().mapToLong(s -> ArenaPacking.align(s.bytes)).sum());
  }

  /** All results together; of those that are handed out one after the other the largest. */
  private long resultBytes() {
    LongStream each = results.stream().filter(Value::isStatic).mapToLong(Value::bytes);
    return handed ? each.max().orElse(0) : each.sum();
  }

  // ---- A few samples at a time

  /** The plan that keeps within the budget, or comes closest to it. */
  private Plan inPortions(Plan whole) {
    long samples = Microbatches.samples(feedShapes, options.portions().axes());
    Plan best = whole;
    for (Set<String> roots : options.portions().roots()) {
      if (samples > 1 && best.arenaBytes() > options.budget().bytes()) {
        Plan plan = inPortions(whole, roots, samples);
        best = plan.arenaBytes() < best.arenaBytes() ? plan : best;
      }
    }
    return best;
  }

  /** The same, of what is behind given variables. */
  private Plan inPortions(Plan whole, Set<String> roots, long samples) {
    Plan one = portioned(1, roots, samples);
    if (one == null || one.arenaBytes() >= whole.arenaBytes()) {
      return whole;
    }
    long allowed = options.budget().room(one.arenaBytes());
    if (whole.arenaBytes() <= allowed) {
      return whole;
    }
    Plan best = one;
    long least = 1;
    long most = samples - 1;
    // What fits grows about evenly with the number of samples.
    while (least < most) {
      double room = (double) (allowed - best.arenaBytes());
      double each = (double) (whole.arenaBytes() - best.arenaBytes()) / (samples - least);
      long next = Math.min(most, Math.max(least + 1, least + (long) (room / each)));
      Plan plan = room < each ? null : portioned(next, roots, samples);
      if (plan == null) {
        break;
      }
      if (plan.arenaBytes() <= allowed) {
        best = plan;
        least = next;
      } else {
        most = next - 1;
      }
    }
    return best;
  }

  /** The plan with at most so many samples at a time; null if the options allow none. */
  private @Nullable Plan portioned(long most, Set<String> roots, long samples) {
    List<MicrobatchRegions.Portioned> portions = new ArrayList<>();
    for (Microbatches.Group group : Microbatches.groups(samples, most)) {
      Map<String, long[]> shapes =
          Microbatches.shapes(feedShapes, options.portions().axes(), group.samples());
      ShapeInference values = new ShapeInference(graph, given, shapes, names, options);
      List<Value> wanted =
          names.stream().map(n -> Objects.requireNonNull(values.known(n))).toList();
      List<OpPlan> ops = KernelSubstitution.fused(values, wanted, options);
      portions.add(new MicrobatchRegions.Portioned(values, ops, group.samples(), group.times()));
    }
    List<OpPlan> whole = KernelSubstitution.fused(inference, results, options);
    Schedule schedule =
        new MicrobatchRegions(options, roots, results, whole, inference).schedule(portions);
    return schedule == null ? null : placed(schedule);
  }

  // ---- Steps

  private static List<Step> steps(Schedule schedule, Map<Value, Integer> lastUse) {
    List<Step> steps = new ArrayList<>();
    Set<Value> forgotten = new HashSet<>();
    List<Task> tasks = schedule.tasks();
    for (int time = 0; time < tasks.size(); ) {
      Schedule.Loop loop = schedule.loopAt(time);
      if (loop == null) {
        add(tasks.get(time), steps, lastUse, time, forgotten);
        time++;
      } else {
        List<Step> inner = new ArrayList<>();
        for (; time < loop.to(); time++) {
          add(tasks.get(time), inner, lastUse, time, forgotten);
        }
        steps.add(new Step.Repeat(inner, loop));
      }
    }
    return steps;
  }

  private static void add(
      Task task, List<Step> steps, Map<Value, Integer> lastUse, int time, Set<Value> forgotten) {
    if (task instanceof Schedule.Take take) {
      steps.add(new Step.Move(take.whole(), take.part(), take.portion(), false));
    } else if (task instanceof Schedule.Put put) {
      steps.add(new Step.Move(put.whole(), put.part(), put.portion(), true));
    } else if (task instanceof Schedule.Add add) {
      steps.add(new Step.Add(add.part(), add.total()));
    } else if (task instanceof Schedule.Hand hand) {
      steps.add(new Step.Hand(hand.value()));
    } else if (task instanceof OpPlan op && op.way != OpPlan.Way.VIEW) {
      List<Value> done = new ArrayList<>();
      for (List<Value> list : List.of(op.inputs(), op.outputs())) {
        for (Value value : list) {
          if (!value.isStatic()
              && lastUse.getOrDefault(value, -1) == time
              && forgotten.add(value)) {
            done.add(value);
          }
        }
      }
      boolean prepared = op.way == OpPlan.Way.PREPARED;
      steps.add(
          new Step.Run(op.node, op.inputs(), op.outputs(), prepared, op.kernel, op.scratch, done));
    }
  }
}
