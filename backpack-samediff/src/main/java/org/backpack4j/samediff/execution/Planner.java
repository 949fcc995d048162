package org.backpack4j.samediff.execution;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Makes a plan: which ops have to run, what shape each value has, and where it lies. */
final class Planner {
  private final SameDiff graph;
  private final Inputs given;
  private final Collection<String> names;
  private final Hints hints;
  private final Map<String, long[]> feedShapes = new HashMap<>();
  private final Inference inference;
  private final List<Value> results;

  private Planner(
      SameDiff graph, Map<String, INDArray> feeds, Collection<String> names, Hints hints) {
    this.graph = graph;
    this.given = new Inputs(graph, feeds);
    this.names = names;
    this.hints = hints;
    feeds.forEach((name, array) -> feedShapes.put(name, array.shape()));
    this.inference = new Inference(graph, given, feedShapes, names, hints);
    this.results = names.stream().map(n -> Objects.requireNonNull(inference.known(n))).toList();
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
    List<OpPlan> ops = Fusing.fused(inference, results, hints);
    Plan plan = placed(new Schedule(List.copyOf(ops), List.of()));
    return plan.arenaBytes() > hints.budget().bytes() ? inPortions(plan) : plan;
  }

  /** Settles where everything lies. */
  private Plan placed(Schedule schedule) {
    Map<Value, Integer> lastUse = Places.lastUse(schedule, results);
    Places places = new Places(given, schedule, lastUse);
    places.assign(inference.sources(), results);
    long bytes = Layout.place(places.arena());
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
        results,
        results.stream().filter(Value::isStatic).mapToLong(Value::bytes).sum(),
        bytes,
        places.arena().stream().mapToLong(s -> Layout.align(s.bytes)).sum());
  }

  // ---- A few samples at a time

  /** The plan that keeps within the budget, or comes closest to it. */
  private Plan inPortions(Plan whole) {
    long samples = Portions.samples(feedShapes, hints.portions().axes());
    Plan best = whole;
    for (Set<String> roots : hints.portions().roots()) {
      if (samples > 1 && best.arenaBytes() > hints.budget().bytes()) {
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
    long allowed = hints.budget().room(one.arenaBytes());
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

  /** The plan with at most so many samples at a time; null if the hints allow none. */
  private @Nullable Plan portioned(long most, Set<String> roots, long samples) {
    List<Sections.Portioned> portions = new ArrayList<>();
    for (Portions.Group group : Portions.groups(samples, most)) {
      Map<String, long[]> shapes =
          Portions.shapes(feedShapes, hints.portions().axes(), group.samples());
      Inference values = new Inference(graph, given, shapes, names, hints);
      List<Value> wanted =
          names.stream().map(n -> Objects.requireNonNull(values.known(n))).toList();
      List<OpPlan> ops = Fusing.fused(values, wanted, hints);
      portions.add(new Sections.Portioned(values, ops, group.samples(), group.times()));
    }
    List<OpPlan> whole = Fusing.fused(inference, results, hints);
    Schedule schedule = new Sections(hints, roots, results, whole, inference).schedule(portions);
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
