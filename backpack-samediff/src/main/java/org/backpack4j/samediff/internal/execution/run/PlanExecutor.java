package org.backpack4j.samediff.internal.execution.run;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;
import org.backpack4j.samediff.Progress;
import org.backpack4j.samediff.internal.execution.StalePlanException;
import org.backpack4j.samediff.internal.execution.Timing;
import org.backpack4j.samediff.internal.execution.plan.BufferSlice;
import org.backpack4j.samediff.internal.execution.plan.Plan;
import org.backpack4j.samediff.internal.execution.plan.Schedule;
import org.backpack4j.samediff.internal.execution.plan.Source;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.backpack4j.samediff.internal.interpret.OpExecution;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A plan with memory under it: all arrays and all op contexts exist, a run only walks along them.
 * For one thread at a time.
 */
public final class PlanExecutor implements AutoCloseable {
  private final SameDiff graph;
  private final Plan plan;
  private final Memory arena;

  /** The array of every value that has a place. */
  private final Map<Value, INDArray> arrays = new HashMap<>();

  private final List<Work> works = new ArrayList<>();
  private final Map<Buffer, ExternalBuffer> grounds;

  /** Calls some of whose arrays have moved. */
  private final Set<Prepared> unbound = new LinkedHashSet<>();

  /** The parameters' arrays as they were found last. */
  private final Map<Source, INDArray> found = new HashMap<>();

  private final Progress progress;

  /** Takes what this run hands out; null between runs. */
  private @Nullable BiConsumer<String, INDArray> hook;

  /** Where the present group of samples begins. */
  private long firstSample;

  /** How many samples all groups have together. */
  private final long samples;

  /** What this run has made, or was given, and has no place in the plan. */
  private final Map<Value, INDArray> loose = new HashMap<>();

  /** Arrays that belong to somebody else: they are answered as copies. */
  private final Set<INDArray> borrowed = Collections.newSetFromMap(new IdentityHashMap<>());

  PlanExecutor(SameDiff graph, Plan plan, Progress progress) {
    this.graph = graph;
    this.plan = plan;
    this.progress = progress;
    this.samples =
        plan.steps().stream()
            .filter(Step.Repeat.class::isInstance)
            .map(step -> ((Step.Repeat) step).loop())
            .mapToLong(loop -> loop.samples() * loop.times())
            .sum();
    this.arena = Memory.allocate(plan.arenaBytes());
    Set<Value> values = new LinkedHashSet<>(plan.feeds());
    plan.sources().forEach(source -> values.add(source.value()));
    plan.steps().forEach(step -> values.addAll(step.values()));
    List<Prepared> calls = new ArrayList<>();
    plan.steps().forEach(step -> works.add(work(step, calls)));
    values.addAll(plan.results());
    this.grounds = ExternalBuffer.of(plan.places(), values, calls);
    try {
      values.forEach(this::arrange);
      unbound.addAll(calls);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  /** Makes the array of a value that stays where it is. */
  private void arrange(Value value) {
    if (!value.isStatic()) {
      return;
    }
    Buffer storage = storage(value);
    if (storage.kind == Buffer.Kind.ARENA) {
      arrays.put(value, view(value, arena.address() + storage.address));
    } else if (storage.kind == Buffer.Kind.KNOWN) {
      arrays.put(value, value.known != null ? value.known : Nd4j.create(value.type, value.shape()));
    }
  }

  /** The array of a value in a storage that begins at an address. */
  private INDArray view(Value value, long address) {
    BufferSlice place = Objects.requireNonNull(plan.places().get(value));
    return Memory.arrayAt(address + place.offset(), value.type, value.shape());
  }

  private Buffer storage(Value value) {
    return Objects.requireNonNull(plan.places().get(value)).storage();
  }

  private Work work(Step step, List<Prepared> calls) {
    if (step instanceof Step.Run run && run.prepared()) {
      Prepared call = new Prepared(run);
      calls.add(call);
      return call;
    }
    if (step instanceof Step.Run run) {
      return new Plain(run);
    }
    if (step instanceof Step.Move move) {
      return new Moving(move);
    }
    if (step instanceof Step.Add add) {
      return new Adding(add);
    }
    if (step instanceof Step.Hand hand) {
      return new Handing(hand);
    }
    Step.Repeat repeat = (Step.Repeat) step;
    return new Repeating(
        repeat.loop(), repeat.steps().stream().map(inner -> work(inner, calls)).toList());
  }

  /**
   * Evaluates once.
   *
   * @param into arrays to write results into; for a name that is not in it a new array is made
   * @param results makes the new arrays
   * @param given is handed the results that the plan hands out; null if it hands none out
   * @param timings how long each step took is added to it, unless it is null
   * @return the results, by name
   * @throws StalePlanException if the plan was made for other parameters than there are now
   */
  public Map<String, INDArray> run(
      Map<String, INDArray> feeds,
      Map<String, INDArray> into,
      Results results,
      @Nullable BiConsumer<String, INDArray> given,
      @Nullable List<Timing> timings)
      throws StalePlanException {
    hook =
        (name, array) -> {
          INDArray copy = results.copy(array);
          try {
            Objects.requireNonNull(given).accept(name, copy);
          } finally {
            copy.close();
            results.recycle();
          }
        };
    try {
      for (Source source : plan.sources()) {
        read(source);
      }
      for (Value feed : plan.feeds()) {
        take(feed, Objects.requireNonNull(feeds.get(feed.name)));
      }
      Map<String, INDArray> prepared = prepareAnswer(into, results);
      unbound.forEach(Prepared::bind);
      unbound.clear();
      for (Work work : works) {
        work.run(timings);
      }
      return answer(prepared, into, results);
    } finally {
      hook = null; // it may hold on to much, and this machine waits for the next run
      loose.clear();
      borrowed.clear();
      Reference.reachabilityFence(feeds);
      Reference.reachabilityFence(into);
    }
  }

  /** Looks a parameter or a constant up. */
  private void read(Source source) throws StalePlanException {
    Value value = source.value();
    @Nullable INDArray array = graph.getArrForVarName(value.name);
    if (array == null || (array != found.get(source) && !source.fits(array))) {
      throw new StalePlanException(value.name + " has another shape, type or layout than before");
    }
    if (!value.isStatic()) {
      loose.put(value, lend(array));
    } else if (storage(value).kind == Buffer.Kind.ARENA) {
      Copies.copy(array, array(value));
    } else if (storage(value).kind == Buffer.Kind.SOURCE && array != found.get(source)) {
      move(storage(value), array);
    }
    found.put(source, array);
  }

  private void take(Value feed, INDArray array) {
    if (!feed.isStatic()) {
      INDArray cast = array.dataType() == feed.type ? array : array.castTo(feed.type);
      loose.put(feed, lend(cast));
    } else if (storage(feed).kind == Buffer.Kind.FEED) {
      move(storage(feed), array);
    } else {
      Copies.copy(array, array(feed));
    }
  }

  /** Makes an array the place of everything that lies in a storage. */
  private void move(Buffer storage, INDArray array) {
    ExternalBuffer ground = Objects.requireNonNull(grounds.get(storage));
    if (ground.moveTo(array.data().addressPointer().address())) {
      ground.values().forEach(value -> arrays.put(value, view(value, ground.address())));
      unbound.addAll(ground.dependents());
    }
  }

  private INDArray lend(INDArray array) {
    borrowed.add(array);
    return Source.isContiguous(array) ? array : array.dup('c');
  }

  /** The arrays of all results that are computed where the caller gets them. */
  private Map<String, INDArray> prepareAnswer(Map<String, INDArray> into, Results results) {
    Map<String, INDArray> prepared = new HashMap<>();
    Set<Buffer> given = new LinkedHashSet<>();
    for (Value result : plan.results()) {
      if (result.isStatic()
          && storage(result).kind == Buffer.Kind.RESULT
          && given.add(storage(result))) {
        INDArray target = into.get(result.name);
        if (target == null || !Source.isContiguous(target)) {
          target = results.create(result.type, result.shape());
        }
        move(storage(result), target);
        prepared.put(result.name, target);
      }
    }
    return prepared;
  }

  /** All results in the plan's order: those that are where the caller gets them, and the others. */
  private Map<String, INDArray> answer(
      Map<String, INDArray> prepared, Map<String, INDArray> into, Results results) {
    Map<String, INDArray> answer = new LinkedHashMap<>();
    for (Value result : plan.results()) {
      INDArray target = into.get(result.name);
      INDArray made = prepared.get(result.name);
      if (made == null) {
        INDArray array = array(result);
        if (target != null) {
          Copies.copy(array, target);
        } else if (!result.isStatic() && borrowed.add(array)) {
          // Made in this run, and not yet given away under another name.
          target = array;
        } else {
          target = results.copy(array);
        }
      } else if (target == null) {
        target = made;
      } else if (target != made) {
        Copies.copy(made, target);
        made.close();
      }
      answer.put(result.name, target);
    }
    return answer;
  }

  private INDArray array(Value value) {
    return Objects.requireNonNull((value.isStatic() ? arrays : loose).get(value));
  }

  private INDArray[] arraysOf(List<Value> values) {
    return values.stream().map(this::array).toArray(INDArray[]::new);
  }

  @Override
  public void close() {
    arena.close();
  }

  /** A step of the walk. */
  private interface Work {
    /** Does it, and adds how long it took unless nobody asks. */
    public void run(@Nullable List<Timing> timings);
  }

  /** A step that is timed as a whole. */
  private abstract static class Single implements Work {
    public abstract void run();

    abstract Timing timing(long nanoseconds);

    @Override
    public final void run(@Nullable List<Timing> timings) {
      if (timings == null) {
        run();
      } else {
        long start = System.nanoTime();
        run();
        timings.add(timing(System.nanoTime() - start));
      }
    }

    static long bytes(Step step) {
      return step.values().stream().filter(Value::isStatic).mapToLong(Value::bytes).sum();
    }
  }

  /** An op whose arrays and context exist. */
  final class Prepared extends Single {
    private final Step.Run step;
    private @Nullable Call call;

    Prepared(Step.Run step) {
      this.step = step;
    }

    Step.Run step() {
      return step;
    }

    void bind() {
      INDArray[] inputs = arraysOf(step.inputs());
      if (call == null) {
        call = call(inputs);
      }
      call.bind(inputs, arraysOf(step.outputs()));
    }

    private Call call(INDArray[] inputs) {
      if (step.kernel() != null) {
        Value scratch = step.scratch();
        return step.kernel().call(scratch == null ? 0 : arena.address() + storage(scratch).address);
      }
      return step.node().getOp() instanceof DynamicCustomOp op
          ? new CustomCall(op)
          : new LegacyCall(step.node(), List.of(inputs));
    }

    @Override
    public void run() {
      try {
        Objects.requireNonNull(call).run();
      } catch (RuntimeException e) {
        throw OpExecution.failed(step.node(), e);
      }
    }

    @Override
    Timing timing(long nanoseconds) {
      String kind =
          step.kernel() == null
              ? step.node().getOp().opName()
              : step.kernel().getClass().getSimpleName();
      return new Timing(step.node().getName(), kind, nanoseconds, bytes(step));
    }
  }

  /** An op that finds out at run time how large its outputs are. */
  private final class Plain extends Single {
    private final Step.Run step;

    Plain(Step.Run step) {
      this.step = step;
    }

    @Override
    public void run() {
      List<INDArray> inputs = new ArrayList<>();
      for (Value input : step.inputs()) {
        inputs.add(array(input));
      }
      List<INDArray> outputs = OpExecution.run(graph, step.node(), inputs);
      for (int i = 0; i < outputs.size(); i++) {
        loose.put(step.outputs().get(i), outputs.get(i));
      }
      step.forgotten().forEach(loose::remove);
    }

    @Override
    Timing timing(long nanoseconds) {
      return new Timing(
          step.node().getName(), step.node().getOp().opName(), nanoseconds, bytes(step));
    }
  }

  /** Steps that are done for one group of samples after the other. */
  private final class Repeating implements Work {
    private final Schedule.Loop loop;
    private final List<Work> works;

    Repeating(Schedule.Loop loop, List<Work> works) {
      this.loop = loop;
      this.works = works;
    }

    @Override
    public void run(@Nullable List<Timing> timings) {
      for (long i = 0; i < loop.times(); i++) {
        firstSample = loop.firstSample() + i * loop.samples();
        progress.step("evaluate samples", (int) firstSample, (int) samples);
        for (Work work : works) {
          work.run(timings);
        }
      }
    }
  }

  /** The samples of the present group, out of a value with all samples or into it. */
  private final class Moving extends Single {
    private final Step.Move step;

    Moving(Step.Move step) {
      this.step = step;
    }

    @Override
    public void run() {
      Schedule.Portion portion = step.portion();
      long block = step.part().bytes() / portion.blocks();
      long whole = Native.address(array(step.whole())) + firstSample * portion.sample();
      long part = Native.address(array(step.part()));
      for (long i = 0; i < portion.blocks(); i++) {
        long there = whole + i * portion.stretch();
        long here = part + i * block;
        if (step.in()) {
          Memory.copy(here, there, block);
        } else {
          Memory.copy(there, here, block);
        }
      }
    }

    @Override
    Timing timing(long nanoseconds) {
      return new Timing(step.whole().name, "portion", nanoseconds, 2 * step.part().bytes());
    }
  }

  /** A result that is handed out. */
  private final class Handing extends Single {
    private final Step.Hand step;

    Handing(Step.Hand step) {
      this.step = step;
    }

    @Override
    public void run() {
      Objects.requireNonNull(hook).accept(step.value().name, array(step.value()));
      loose.remove(step.value());
    }

    @Override
    Timing timing(long nanoseconds) {
      return new Timing(step.value().name, "hook", nanoseconds, bytes(step));
    }
  }

  /** What the present group of samples contributes to a total. */
  private final class Adding extends Single {
    private final Step.Add step;
    private final Call add = Native.elementwise("add");
    private @Nullable INDArray bound;

    Adding(Step.Add step) {
      this.step = step;
    }

    @Override
    public void run() {
      INDArray total = array(step.total());
      INDArray part = array(step.part());
      if (firstSample == 0) {
        Copies.copy(part, total);
        return;
      }
      if (bound != total) {
        Native.bound(add, total, part, total);
        bound = total;
      }
      add.run();
    }

    @Override
    Timing timing(long nanoseconds) {
      return new Timing(step.total().name, "total", nanoseconds, 3 * step.part().bytes());
    }
  }
}
