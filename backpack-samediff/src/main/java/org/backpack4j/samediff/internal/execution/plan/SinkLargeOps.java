package org.backpack4j.samediff.internal.execution.plan;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Puts off ops whose output is larger than what they let go of (an unfolded image, a mask of
 * another type, repeated rows) until just before the output is read, so that it takes up memory for
 * as short as possible.
 */
final class SinkLargeOps {
  private final List<OpPlan> ops;
  private final Set<Value> results;

  /** Who reads a value, by position. */
  private final Map<Value, List<Integer>> readers = new HashMap<>();

  /** The position just before which an op runs when it is put off; else its own. */
  private final int[] time;

  private SinkLargeOps(List<OpPlan> ops, Collection<Value> results) {
    this.ops = ops;
    this.results = new HashSet<>(results);
    this.time = IntStream.range(0, ops.size()).toArray();
    for (int i = 0; i < ops.size(); i++) {
      for (Value input : ops.get(i).inputs()) {
        readers.computeIfAbsent(input, key -> new ArrayList<>()).add(i);
      }
    }
  }

  /** The same ops in an order that needs less memory; each still runs before those that read it. */
  static List<OpPlan> putOff(List<OpPlan> ops, Collection<Value> results) {
    return new SinkLargeOps(ops, results).sorted();
  }

  private List<OpPlan> sorted() {
    // The readers of an op come behind it, and it is known already when they run.
    for (int i = ops.size() - 1; i >= 0; i--) {
      int read = Integer.MAX_VALUE;
      for (Value output : ops.get(i).outputs()) {
        for (int reader : readers.getOrDefault(output, List.of())) {
          read = Math.min(read, time[reader]);
        }
      }
      if (read < Integer.MAX_VALUE && paysOff(i)) {
        time[i] = read;
      }
    }
    // Of those that run just before the same op, each comes where it was.
    return IntStream.range(0, ops.size())
        .boxed()
        .sorted(Comparator.comparingInt(i -> time[i]))
        .map(ops::get)
        .toList();
  }

  private boolean paysOff(int i) {
    OpPlan op = ops.get(i);
    if (op.way == OpPlan.Way.PLAIN) {
      return false;
    }
    long freed = 0;
    for (Value input : new HashSet<>(op.inputs())) {
      boolean last = readers.getOrDefault(input, List.of()).stream().allMatch(r -> time[r] <= i);
      if (input.isStatic() && last && !results.contains(input)) {
        freed += input.bytes();
      }
    }
    return op.way == OpPlan.Way.VIEW || op.bytes() > freed;
  }
}
