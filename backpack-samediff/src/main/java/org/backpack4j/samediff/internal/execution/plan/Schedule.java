package org.backpack4j.samediff.internal.execution.plan;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.run.Task;
import org.jspecify.annotations.Nullable;

/**
 * All that a plan has to do, one after the other. A task's position is the time at which it is
 * done.
 *
 * @param tasks the tasks
 * @param loops the stretches that are repeated, in order
 */
public record Schedule(List<Task> tasks, List<Loop> loops) {

  /**
   * A stretch of tasks that is done once for each of several groups of samples.
   *
   * @param from the first task
   * @param to the first task behind it
   * @param firstSample the first sample of the first group
   * @param samples the number of samples in a group
   * @param times the number of groups
   */
  public record Loop(int from, int to, long firstSample, long samples, long times) {
    boolean contains(int time) {
      return from <= time && time < to;
    }
  }

  /** Takes some samples out of a value that has all of them. */
  record Take(Value whole, Value part, Portion portion) implements Task {
    @Override
    public List<Value> inputs() {
      return List.of(whole);
    }

    @Override
    public List<Value> outputs() {
      return List.of(part);
    }
  }

  /** Puts some samples into a value that has all of them. */
  record Put(Value part, Value whole, Portion portion) implements Task {
    @Override
    public List<Value> inputs() {
      return List.of(part);
    }

    @Override
    public List<Value> outputs() {
      return List.of(whole);
    }
  }

  /** Adds up what the groups of samples contribute; the first of all is copied. */
  record Add(Value part, Value total) implements Task {
    @Override
    public List<Value> inputs() {
      return List.of(part);
    }

    @Override
    public List<Value> outputs() {
      return List.of(total);
    }
  }

  /** Hands a result out, after which it need not be kept. */
  record Hand(Value value) implements Task {
    @Override
    public List<Value> inputs() {
      return List.of(value);
    }

    @Override
    public List<Value> outputs() {
      return List.of();
    }
  }

  /** The same, each result handed out as soon as it is there: behind the loop that makes it. */
  Schedule handing(Collection<Value> results) {
    Map<Integer, List<Value>> after = new TreeMap<>();
    for (Value result : results) {
      int made = -1;
      for (int time = 0; time < tasks.size(); time++) {
        if (tasks.get(time).outputs().contains(result)) {
          Loop loop = loopAt(time);
          made = loop == null ? time : loop.to() - 1;
        }
      }
      after.computeIfAbsent(made, time -> new ArrayList<>()).add(result);
    }
    List<Task> all = new ArrayList<>();
    List<Loop> moved = new ArrayList<>();
    int next = 0;
    for (int time = -1; time < tasks.size(); time++) {
      for (; next < loops.size() && loops.get(next).from() == time; next++) {
        Loop loop = loops.get(next);
        int from = all.size();
        moved.add(
            new Loop(
                from,
                from + loop.to() - loop.from(),
                loop.firstSample(),
                loop.samples(),
                loop.times()));
      }
      if (time >= 0) {
        all.add(tasks.get(time));
      }
      after.getOrDefault(time, List.of()).forEach(result -> all.add(new Hand(result)));
    }
    return new Schedule(all, moved);
  }

  /**
   * Where a sample lies in a value with all of them: in {@code blocks} pieces, one in each of as
   * many stretches of equal length.
   *
   * @param blocks the number of stretches
   * @param stretch the bytes of a stretch, with all samples
   * @param sample the bytes of one sample in a stretch
   */
  public record Portion(long blocks, long stretch, long sample) {
    static Portion of(Value whole, ExecutionOptions.Axis axis) {
      long[] shape = whole.shape();
      long blocks = Extents.product(shape, 0, axis.axis()) * axis.outer();
      long behind = Extents.product(shape, axis.axis() + 1, shape.length);
      return new Portion(
          blocks, whole.bytes() / blocks, axis.inner() * behind * whole.type.width());
    }
  }

  /** The loop in which a time is; null outside of all. */
  @Nullable Loop loopAt(int time) {
    for (Loop loop : loops) {
      if (loop.contains(time)) {
        return loop;
      }
    }
    return null;
  }
}
