package org.backpack4j.samediff.spark;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The graphs of the jobs that an executor works for, each made once, or once for each task at a
 * time if they cannot be shared. Those of the last job stay until there is another.
 */
final class ExecutorGraphs {
  private static final Map<String, ExecutorGraphs> JOBS = new LinkedHashMap<>();

  private final Supplier<byte[]> bytes;
  private final Deque<BatchGraphs> idle = new ArrayDeque<>();
  private @Nullable Job job;
  private int users;

  private ExecutorGraphs(Supplier<byte[]> bytes) {
    this.bytes = bytes;
  }

  /** What a task works with; closed at its end. */
  static final class Lease implements AutoCloseable {
    private final ExecutorGraphs owner;
    private final Job job;
    private final BatchGraphs graphs;

    private Lease(ExecutorGraphs owner, Job job, BatchGraphs graphs) {
      this.owner = owner;
      this.job = job;
      this.graphs = graphs;
    }

    BatchGraphs graphs() {
      return graphs;
    }

    Map<String, INDArray> fixed() {
      return job.fixed();
    }

    @Override
    public void close() {
      synchronized (owner) {
        if (!job.recipe().shared()) {
          owner.idle.push(graphs);
        }
      }
      owner.leave();
    }
  }

  /**
   * The graphs of a job.
   *
   * @param id the job
   * @param bytes its {@link Job}
   */
  static Lease take(String id, Supplier<byte[]> bytes) {
    ExecutorGraphs graphs = enter(id, bytes);
    try {
      return graphs.lease();
    } catch (RuntimeException | Error e) {
      graphs.leave();
      throw e;
    }
  }

  private static ExecutorGraphs enter(String id, Supplier<byte[]> bytes) {
    List<ExecutorGraphs> old = new ArrayList<>();
    ExecutorGraphs entered;
    synchronized (JOBS) {
      Iterator<Map.Entry<String, ExecutorGraphs>> each = JOBS.entrySet().iterator();
      while (each.hasNext()) {
        Map.Entry<String, ExecutorGraphs> other = each.next();
        if (!other.getKey().equals(id) && other.getValue().users == 0) {
          each.remove();
          old.add(other.getValue());
        }
      }
      entered = JOBS.computeIfAbsent(id, i -> new ExecutorGraphs(bytes));
      entered.users++;
    }
    old.forEach(ExecutorGraphs::closeAll);
    return entered;
  }

  private void leave() {
    synchronized (JOBS) {
      users--;
    }
  }

  /** Tasks of the same job wait while the first makes the graphs. */
  private synchronized Lease lease() {
    Job known = job;
    if (known == null) {
      known = Job.read(bytes.get());
      job = known;
    }
    BatchGraphs graphs = known.recipe().shared() ? idle.peek() : idle.poll();
    if (graphs == null) {
      graphs = known.recipe().make();
      if (known.recipe().shared()) {
        idle.push(graphs);
      }
    }
    return new Lease(this, known, graphs);
  }

  private synchronized void closeAll() {
    for (BatchGraphs graphs : idle) {
      if (graphs instanceof AutoCloseable closeable) {
        try {
          closeable.close();
        } catch (Exception e) {
          throw new IllegalStateException("Graphs could not be closed: " + e.getMessage(), e);
        }
      }
    }
    idle.clear();
  }
}
