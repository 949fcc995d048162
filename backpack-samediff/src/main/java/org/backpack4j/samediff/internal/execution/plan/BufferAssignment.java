package org.backpack4j.samediff.internal.execution.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.samediff.internal.execution.run.Buffer;
import org.backpack4j.samediff.internal.execution.run.Inputs;
import org.backpack4j.samediff.internal.execution.run.Task;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Gives each value its storage, and each storage its lifetime. */
final class BufferAssignment {
  /**
   * A feed of so many bytes is read where it is; binding it costs more than copying a smaller one.
   */
  private static final long LARGE_FEED = 4L << 20;

  /** A result of so many bytes is computed where the caller gets it; a smaller one is copied. */
  private static final long LARGE_RESULT = 64L << 10;

  private final Inputs given;
  private final Schedule schedule;
  private final Map<Value, Integer> lastUse;
  private final Map<Value, BufferSlice> places = new HashMap<>();
  private final List<Buffer> arena = new ArrayList<>();

  /** The last time that anything in a storage is read. */
  private final Map<Buffer, Integer> busyUntil = new HashMap<>();

  BufferAssignment(Inputs given, Schedule schedule, Map<Value, Integer> lastUse) {
    this.given = given;
    this.schedule = schedule;
    this.lastUse = lastUse;
  }

  /**
   * The last time at which each value is read: behind the end for a result, and behind a loop for
   * what the loop reads and does not make, since it is read once more in the next round.
   */
  static Map<Value, Integer> lastUse(Schedule schedule, Collection<Value> results) {
    Map<Value, Integer> made = new HashMap<>();
    Map<Value, Integer> lastUse = new HashMap<>();
    List<Task> tasks = schedule.tasks();
    for (int time = 0; time < tasks.size(); time++) {
      Schedule.Loop loop = schedule.loopAt(time);
      for (Value output : tasks.get(time).outputs()) {
        made.putIfAbsent(output, time);
        int until = loop != null && isWhole(tasks.get(time)) ? loop.to() : time;
        lastUse.merge(output, until, Math::max);
      }
      for (Value input : tasks.get(time).inputs()) {
        boolean again = loop != null && !loop.contains(made.getOrDefault(input, -1));
        lastUse.merge(input, again ? Objects.requireNonNull(loop).to() : time, Math::max);
      }
    }
    results.forEach(result -> lastUse.put(result, tasks.size()));
    return lastUse;
  }

  /** Whether a task in a loop writes to a value that outlives the round. */
  private static boolean isWhole(Task task) {
    return task instanceof Schedule.Put || task instanceof Schedule.Add;
  }

  /** Places everything that has a shape beforehand. */
  void assign(Iterable<Value> sources, Collection<Value> results) {
    for (Value source : sources) {
      if (source.isStatic() && lastUse.containsKey(source)) {
        settle(source, newStorage(source, kindOf(source), -1), 0);
      }
    }
    List<Task> tasks = schedule.tasks();
    for (int time = 0; time < tasks.size(); time++) {
      for (Value input : tasks.get(time).inputs()) {
        if (input.isStatic() && !places.containsKey(input)) {
          settle(input, newStorage(input, Buffer.Kind.KNOWN, time), 0);
        }
      }
      place(tasks.get(time), time);
    }
    for (Value result : results) {
      if (result.isStatic() && !places.containsKey(result)) {
        settle(result, newStorage(result, Buffer.Kind.KNOWN, tasks.size()), 0);
      } else if (result.isStatic() && isAllOf(result, place(result))) {
        place(result).storage().kind = Buffer.Kind.RESULT;
      }
    }
    arena.removeIf(storage -> storage.kind != Buffer.Kind.ARENA);
  }

  /** The storages that make up the arena. */
  List<Buffer> arena() {
    return arena;
  }

  /** Where each value lies that has a shape beforehand. */
  Map<Value, BufferSlice> places() {
    return places;
  }

  private BufferSlice place(Value value) {
    return Objects.requireNonNull(places.get(value));
  }

  private void place(Task task, int time) {
    if (!(task instanceof OpPlan op)) {
      Schedule.Loop loop = schedule.loopAt(time);
      int birth = loop != null && isWhole(task) ? loop.from() : time;
      for (Value output : task.outputs()) {
        if (!places.containsKey(output)) {
          settle(output, newStorage(output, Buffer.Kind.ARENA, birth), 0);
        }
      }
    } else if (op.way == OpPlan.Way.VIEW) {
      BufferSlice input = place(op.inputs().get(0));
      for (Value output : op.outputs()) {
        long offset = input.offset() + output.viewOffset * output.type.width();
        settle(output, input.storage(), offset);
      }
    } else if (op.way == OpPlan.Way.PREPARED) {
      if (op.scratch != null) {
        settle(op.scratch, newStorage(op.scratch, Buffer.Kind.ARENA, time), 0);
      }
      for (Value output : op.outputs()) {
        Buffer taken = inPlace(op, output, time);
        settle(output, taken != null ? taken : newStorage(output, Buffer.Kind.ARENA, time), 0);
      }
    }
  }

  private Buffer.Kind kindOf(Value source) {
    INDArray array = given.of(source);
    boolean readable = Source.isContiguous(array) && array.dataType() == source.type;
    if (given.isFeed(source)) {
      boolean inPlace = readable && source.bytes() >= LARGE_FEED;
      return inPlace ? Buffer.Kind.FEED : Buffer.Kind.ARENA;
    }
    return readable ? Buffer.Kind.SOURCE : Buffer.Kind.ARENA;
  }

  /** Whether the caller's array can take the place of a storage. */
  private static boolean isAllOf(Value result, BufferSlice place) {
    return place.storage().kind == Buffer.Kind.ARENA
        && place.storage().birth >= 0
        && result.bytes() == place.storage().bytes
        && result.bytes() >= LARGE_RESULT;
  }

  private Buffer newStorage(Value value, Buffer.Kind kind, int birth) {
    boolean empty = value.isEmpty();
    Buffer storage = new Buffer(empty ? Buffer.Kind.KNOWN : kind, value.bytes(), birth);
    if (storage.kind == Buffer.Kind.ARENA) {
      arena.add(storage);
    }
    return storage;
  }

  private void settle(Value value, Buffer storage, long offset) {
    places.put(value, new BufferSlice(storage, offset));
    int last = lastUse.getOrDefault(value, storage.birth);
    storage.usedAt(last);
    busyUntil.merge(storage, last, Math::max);
  }

  /** The storage of an input that ends here and whose place the output can take. */
  private @Nullable Buffer inPlace(OpPlan op, Value output, int time) {
    boolean able =
        op.kernel == null ? OpTraits.mayWorkInPlace(op.node.getOp()) : op.kernel.worksInPlace();
    if (op.outputs().size() != 1 || !able) {
      return null;
    }
    for (Value input : op.inputs()) {
      Buffer storage = place(input).storage();
      if (storage.kind == Buffer.Kind.ARENA
          && busyUntil.getOrDefault(storage, -1) == time
          && input.type == output.type
          && Arrays.equals(input.shape(), output.shape())
          && input.bytes() == storage.bytes
          && op.inputs().stream().allMatch(o -> place(o).storage() != storage || isAt(o, input))) {
        return storage;
      }
    }
    return null;
  }

  /** Whether two values lie on the very same bytes. */
  private boolean isAt(Value one, Value other) {
    return place(one).equals(place(other)) && one.bytes() == other.bytes();
  }
}
