package org.backpack4j.samediff.internal.execution;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.backpack4j.samediff.NoRoomException;
import org.backpack4j.samediff.internal.evaluate.LongWork;
import org.backpack4j.samediff.internal.execution.plan.Plan;
import org.backpack4j.samediff.internal.execution.plan.PlanKey;
import org.backpack4j.samediff.internal.execution.plan.Planner;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.backpack4j.samediff.internal.execution.run.ExecutorPool;
import org.backpack4j.samediff.internal.execution.run.Memory;
import org.backpack4j.samediff.internal.execution.run.MemoryDemand;
import org.backpack4j.samediff.internal.execution.run.MemoryLimit;
import org.backpack4j.samediff.internal.execution.run.PlanExecutor;
import org.backpack4j.samediff.internal.execution.run.Results;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Evaluates a graph by plans that are made once for each combination of feed shapes and requested
 * variables.
 *
 * <p>The numbers are those of {@code graph.output(feeds, names)}, computed by the same native ops.
 * What SameDiff's session works out at each evaluation is worked out once: the order of the ops,
 * their contexts, the shapes, and where each value lies in one block of memory, in which values
 * that are not needed at the same time share their place.
 *
 * <p>Parameters are looked up at each evaluation, so that training is seen at once. Constants are
 * taken to stay as they are, and the graph is taken to keep its ops. Feeds and parameters may be in
 * any layout. Results belong to the caller. Any number of threads may evaluate one planned graph at
 * once.
 *
 * <p>Memory is kept between evaluations until {@link #close()}.
 */
public final class PlannedGraph implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PlannedGraph.class);

  /** How often parameters may be replaced under an evaluation before it gives up. */
  private static final int ATTEMPTS = 5;

  private final SameDiff graph;
  private final ExecutionOptions options;
  private final MemoryLimit room;
  private final Results memory = new Results();
  private final LinkedHashMap<PlanKey, ExecutorPool> pools = new LinkedHashMap<>(16, 0.75f, true);
  private boolean closed;

  /**
   * A planned execution of a graph. Nothing is planned before the first evaluation.
   *
   * @param graph the graph, which is only read
   * @param options how to execute it
   */
  public PlannedGraph(SameDiff graph, ExecutionOptions options) {
    this(graph, options, MemoryLimit.ofProcess());
  }

  /** An execution that may take so much native memory. */
  public PlannedGraph(SameDiff graph, ExecutionOptions options, MemoryLimit room) {
    this.graph = graph;
    this.options = options;
    this.room = room;
  }

  /**
   * Evaluates variables of the graph.
   *
   * @param feeds an array for each placeholder that is needed; one of another data type is cast
   * @param names the variables
   * @return a new array for each name, in the order of the names
   * @throws IllegalArgumentException if a name is unknown, or a needed placeholder is not fed
   * @throws NoRoomException if more native memory is needed than there is
   * @throws UnsupportedOperationException if control flow, a list of arrays or random numbers are
   *     needed
   */
  public Map<String, INDArray> output(Map<String, INDArray> feeds, Collection<String> names) {
    return run(feeds, new LinkedHashSet<>(names), Map.of(), null, null);
  }

  /**
   * Evaluates variables of the graph, and hands each out as soon as it is there.
   *
   * @param feeds an array for each placeholder that is needed; one of another data type is cast
   * @param names the variables
   * @param hook is given each of them, by name; the array is closed when it returns
   * @throws IllegalArgumentException if a name is unknown, or a needed placeholder is not fed
   * @throws NoRoomException if more native memory is needed than there is
   */
  public void output(
      Map<String, INDArray> feeds, Collection<String> names, BiConsumer<String, INDArray> hook) {
    run(feeds, new LinkedHashSet<>(names), Map.of(), hook, null);
  }

  /**
   * Evaluates variables of the graph into arrays of the caller's.
   *
   * @param feeds an array for each placeholder that is needed; one of another data type is cast
   * @param into for each variable an array of its shape and data type, in any layout; no feed or
   *     parameter may share memory with it
   * @return {@code into}'s arrays, by name
   * @throws IllegalArgumentException if a name is unknown, a needed placeholder is not fed, or an
   *     array has another shape or type than the variable; then none of the arrays is changed
   * @throws NoRoomException if more native memory is needed than there is
   */
  public Map<String, INDArray> output(Map<String, INDArray> feeds, Map<String, INDArray> into) {
    return run(feeds, into.keySet(), into, null, null);
  }

  /**
   * Evaluates variables of the graph, some of them into arrays of the caller's.
   *
   * @param feeds an array for each placeholder that is needed; one of another data type is cast
   * @param names the variables
   * @param into for some of the variables an array of its shape and data type, in any layout; no
   *     feed or parameter may share memory with it
   * @return for each name the caller's array, or a new one
   * @throws IllegalArgumentException if a name is unknown, a needed placeholder is not fed, or an
   *     array has another shape or type than the variable; then none of the arrays is changed
   * @throws NoRoomException if more native memory is needed than there is
   */
  public Map<String, INDArray> output(
      Map<String, INDArray> feeds, Collection<String> names, Map<String, INDArray> into) {
    return run(feeds, new LinkedHashSet<>(names), into, null, null);
  }

  private Map<String, INDArray> run(
      Map<String, INDArray> feeds,
      Collection<String> names,
      Map<String, INDArray> into,
      @Nullable BiConsumer<String, INDArray> hook,
      @Nullable List<Timing> timings) {
    check(feeds, names);
    PlanKey key = PlanKey.of(feeds, names, hook != null);
    for (int attempt = 1; ; attempt++) {
      ExecutorPool pool = pool(key, feeds);
      checkTargets(pool.plan(), into);
      pool.demand().check(room);
      memory.expect(made(pool.plan(), into));
      @Nullable PlanExecutor machine = null;
      try {
        machine = pool.take();
        Map<String, INDArray> results = machine.run(feeds, into, memory, hook, timings);
        pool.giveBack(machine);
        machine = null;
        return results;
      } catch (StalePlanException e) {
        LOG.debug("Planning again: {}", e.getMessage());
        forget(key, pool);
        if (attempt == ATTEMPTS) {
          throw new IllegalStateException("Parameters keep changing: " + e.getMessage(), e);
        }
      } catch (Memory.NotGranted e) {
        throw pool.demand().notGranted();
      } finally {
        if (machine != null) {
          pool.discard(machine);
        }
      }
    }
  }

  /** The bytes of the results for which arrays are made. */
  private static long made(Plan plan, Map<String, INDArray> into) {
    long given = into.values().stream().mapToLong(a -> a.length() * a.dataType().width()).sum();
    return Math.max(0, plan.resultBytes() - given);
  }

  private void check(Map<String, INDArray> feeds, Collection<String> names) {
    for (String name : feeds.keySet()) {
      SDVariable variable = graph.getVariable(name);
      if (variable == null || !variable.isPlaceHolder()) {
        throw new IllegalArgumentException(
            "\"" + name + "\" is fed, but the graph has no placeholder of that name.");
      }
    }
    for (String name : names) {
      if (!graph.hasVariable(name)) {
        throw new IllegalArgumentException("The graph has no variable \"" + name + "\".");
      }
    }
  }

  private static void checkTargets(Plan plan, Map<String, INDArray> into) {
    for (Value result : plan.results()) {
      INDArray target = into.get(result.name);
      if (target != null
          && result.isStatic()
          && (target.dataType() != result.type || !Arrays.equals(target.shape(), result.shape()))) {
        throw new IllegalArgumentException(
            "The array for \""
                + result.name
                + "\" is "
                + target.dataType()
                + Arrays.toString(target.shape())
                + ", but the variable is "
                + result.type
                + Arrays.toString(result.shape())
                + ".");
      }
    }
  }

  /** The pool for a key, which is made if there is none. */
  private ExecutorPool pool(PlanKey key, Map<String, INDArray> feeds) {
    synchronized (pools) {
      if (closed) {
        throw new IllegalStateException("This planned graph is closed.");
      }
      ExecutorPool pool = pools.get(key);
      if (pool == null) {
        LongWork work =
            new LongWork(
                LOG, "Planning the execution of a graph of " + graph.getOps().size() + " ops");
        Plan plan =
            key.handed()
                ? Planner.planHanding(graph, feeds, key.names(), options)
                : Planner.plan(graph, feeds, key.names(), options);
        work.done();
        LOG.debug(
            "Planned {} steps in {} bytes (without reuse {})",
            plan.steps().size(),
            plan.arenaBytes(),
            plan.distinctBytes());
        MemoryDemand demand = new MemoryDemand(plan, key.names());
        pool = new ExecutorPool(graph, plan, demand, options.threads(), options.progress());
        pools.put(key, pool);
        if (pools.size() > options.plans()) {
          PlanKey eldest = pools.keySet().iterator().next();
          pools.remove(eldest).close();
        }
      }
      return pool;
    }
  }

  private void forget(PlanKey key, ExecutorPool pool) {
    synchronized (pools) {
      pools.remove(key, pool);
    }
    pool.close();
  }

  /**
   * Evaluates variables of the graph once, and says how long each step took.
   *
   * @param feeds an array for each placeholder that is needed
   * @param names the variables
   * @return the steps in the order in which they ran
   */
  public List<Timing> profile(Map<String, INDArray> feeds, Collection<String> names) {
    List<Timing> timings = new ArrayList<>();
    run(feeds, new LinkedHashSet<>(names), Map.of(), null, timings)
        .values()
        .forEach(INDArray::close);
    return timings;
  }

  /**
   * The bytes that one thread works in to evaluate this.
   *
   * @param feeds an array for each placeholder that is needed
   * @param names the variables
   * @return the size of the plan's memory; results and what has no shape beforehand come on top
   */
  public long bytes(Map<String, INDArray> feeds, Collection<String> names) {
    check(feeds, names);
    List<String> distinct = List.copyOf(new LinkedHashSet<>(names));
    return pool(PlanKey.of(feeds, distinct, false), feeds).plan().arenaBytes();
  }

  /**
   * The native memory that planned graphs have taken and not given back: what they work in, results
   * that callers hold, and what is kept for results to come.
   *
   * @return the bytes of all planned graphs of this process
   */
  public static long allocated() {
    return Memory.allocated();
  }

  /** Frees all memory. A later evaluation fails; one that is under way finishes. */
  @Override
  public void close() {
    synchronized (pools) {
      closed = true;
      pools.values().forEach(ExecutorPool::close);
      pools.clear();
    }
    memory.close();
  }
}
