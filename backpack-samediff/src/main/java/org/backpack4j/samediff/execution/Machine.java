package org.backpack4j.samediff.execution;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.backpack4j.samediff.graph.OpExecution;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A plan with memory under it: all arrays and all op contexts exist, a run only walks along them.
 * For one thread at a time.
 */
final class Machine implements AutoCloseable {
  private final SameDiff graph;
  private final Plan plan;
  private final Memory arena;

  /** The array of every value that has a place. */
  private final Map<Value, INDArray> arrays = new HashMap<>();

  private final List<Work> works = new ArrayList<>();
  private final List<Reader> readers = new ArrayList<>();

  /** What this run has made, or was given, and has no place in the plan. */
  private final Map<Value, INDArray> loose = new HashMap<>();

  /** Arrays that belong to somebody else: they are answered as copies. */
  private final Set<INDArray> borrowed = Collections.newSetFromMap(new IdentityHashMap<>());

  Machine(SameDiff graph, Plan plan) throws StalePlanException {
    this.graph = graph;
    this.plan = plan;
    this.arena = Memory.allocate(plan.arenaBytes());
    try {
      for (Source source : plan.sources()) {
        readers.add(new Reader(source));
        arrange(source.value());
      }
      plan.feeds().forEach(this::arrange);
      for (Step step : plan.steps()) {
        step.inputs().forEach(this::arrange);
        step.outputs().forEach(this::arrange);
        works.add(step.prepared() ? new Prepared(step) : new Plain(step));
      }
      plan.results().forEach(this::arrange);
      readers.forEach(Reader::findDependents);
    } catch (RuntimeException | Error | StalePlanException e) {
      arena.close();
      throw e;
    }
  }

  /**
   * Evaluates once.
   *
   * @param into arrays to write results into; for a name that is not in it a new array is made
   * @return the results, by name
   * @throws StalePlanException if the plan was made for other parameters than there are now
   */
  Map<String, INDArray> run(Map<String, INDArray> feeds, Map<String, INDArray> into)
      throws StalePlanException {
    try {
      for (Reader reader : readers) {
        reader.read();
      }
      for (Value feed : plan.feeds()) {
        take(feed, Objects.requireNonNull(feeds.get(feed.name)));
      }
      for (Work work : works) {
        work.run();
      }
      return answer(into);
    } finally {
      loose.clear();
      borrowed.clear();
    }
  }

  private void take(Value feed, INDArray array) {
    if (feed.isStatic()) {
      Copies.copy(array, array(feed));
    } else {
      INDArray cast = array.dataType() == feed.type ? array : array.castTo(feed.type);
      loose.put(feed, lend(cast));
    }
  }

  private INDArray lend(INDArray array) {
    borrowed.add(array);
    return Source.isContiguous(array) ? array : array.dup('c');
  }

  private Map<String, INDArray> answer(Map<String, INDArray> into) {
    Map<String, INDArray> answer = new LinkedHashMap<>();
    for (Value result : plan.results()) {
      INDArray array = array(result);
      @Nullable INDArray target = into.get(result.name);
      if (target != null) {
        Copies.copy(array, target);
      } else if (!result.isStatic() && borrowed.add(array)) {
        // Made in this run, and not yet given away under another name.
        target = array;
      } else {
        target = Results.copy(array);
      }
      answer.put(result.name, target);
    }
    return answer;
  }

  /** Makes the array of a value that has a place in the plan and has none yet. */
  private void arrange(Value value) {
    if (value.storage == null || arrays.containsKey(value)) {
      return;
    }
    Storage storage = value.storage();
    switch (storage.kind) {
      case ARENA ->
          arrays.put(
              value,
              arena.array(
                  storage.address + value.offset * value.type.width(), value.type, value.shape()));
      case KNOWN ->
          arrays.put(
              value, value.known != null ? value.known : Nd4j.create(value.type, value.shape()));
      case SOURCE -> {
        Reader reader =
            readers.stream()
                .filter(r -> r.source.value().storage == storage)
                .findFirst()
                .orElseThrow();
        arrays.put(value, reader.view(value));
      }
    }
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
    void run();
  }

  /** An op whose arrays and context exist. */
  private final class Prepared implements Work {
    private final Step step;
    private final Call call;

    Prepared(Step step) {
      this.step = step;
      List<INDArray> inputs = List.of(arraysOf(step.inputs()));
      this.call =
          step.node().getOp() instanceof DynamicCustomOp op
              ? new CustomCall(op)
              : new LegacyCall(step.node(), inputs);
      bind();
    }

    void bind() {
      call.bind(arraysOf(step.inputs()), arraysOf(step.outputs()));
    }

    @Override
    public void run() {
      try {
        call.run();
      } catch (RuntimeException e) {
        SameDiffOp node = step.node();
        throw new IllegalStateException(
            "The op \""
                + node.getName()
                + "\" ("
                + node.getOp().opName()
                + ") failed: "
                + e.getMessage(),
            e);
      }
    }
  }

  /** An op that finds out at run time how large its outputs are. */
  private final class Plain implements Work {
    private final Step step;

    Plain(Step step) {
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
  }

  /** Looks a parameter or a constant up at each run. */
  private final class Reader {
    private final Source source;
    private INDArray array;
    private final List<Value> views = new ArrayList<>();
    private final List<Prepared> dependents = new ArrayList<>();

    Reader(Source source) throws StalePlanException {
      this.source = source;
      this.array = current();
    }

    private INDArray current() throws StalePlanException {
      String name = source.value().name;
      @Nullable INDArray current = graph.getArrForVarName(name);
      if (current == null || !source.fits(current)) {
        throw new StalePlanException(name + " has another shape, type or layout than before");
      }
      return current;
    }

    void read() throws StalePlanException {
      INDArray current = current();
      if (!source.value().isStatic()) {
        loose.put(source.value(), lend(current));
      } else if (!source.inPlace()) {
        Copies.copy(current, array(source.value()));
      } else if (current != array) {
        array = current;
        views.forEach(value -> arrays.put(value, view(value)));
        dependents.forEach(Prepared::bind);
      }
    }

    /** The array of a value that lies in this one. */
    INDArray view(Value value) {
      if (value == source.value()) {
        return array;
      }
      long address = array.data().addressPointer().address() + value.offset * value.type.width();
      return Memory.arrayAt(address, value.type, value.shape());
    }

    void findDependents() {
      if (!source.inPlace() || !source.value().isStatic()) {
        return;
      }
      Storage storage = source.value().storage();
      Set<Value> here = new HashSet<>();
      for (Value value : arrays.keySet()) {
        if (value.storage == storage) {
          here.add(value);
        }
      }
      views.addAll(here);
      for (Work work : works) {
        if (work instanceof Prepared prepared
            && prepared.step.inputs().stream().anyMatch(here::contains)) {
          dependents.add(prepared);
        }
      }
    }
  }
}
