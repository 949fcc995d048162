package org.backpack4j.samediff.internal.execution.run;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;
import org.backpack4j.samediff.Progress;
import org.backpack4j.samediff.internal.execution.plan.Plan;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * The machines for one plan: as many as there are threads in it at once, up to a limit; a thread
 * that finds all of them busy waits.
 */
public final class ExecutorPool implements AutoCloseable {
  private final SameDiff graph;
  private final Plan plan;
  private final MemoryDemand demand;
  private final Semaphore permits;
  private final Progress progress;
  private final Deque<PlanExecutor> idle = new ArrayDeque<>();
  private boolean closed;

  public ExecutorPool(
      SameDiff graph, Plan plan, MemoryDemand demand, int limit, Progress progress) {
    this.graph = graph;
    this.plan = plan;
    this.demand = demand;
    this.permits = new Semaphore(limit);
    this.progress = progress;
  }

  public Plan plan() {
    return plan;
  }

  /** The memory that the plan needs. */
  public MemoryDemand demand() {
    return demand;
  }

  /** A machine that nobody else uses until it is given back, or discarded. */
  public PlanExecutor take() {
    permits.acquireUninterruptibly();
    try {
      synchronized (this) {
        if (!idle.isEmpty()) {
          return idle.pop();
        }
      }
      demand.checkArena();
      return new PlanExecutor(graph, plan, progress);
    } catch (RuntimeException | Error e) {
      permits.release();
      throw e;
    }
  }

  /** Gives a machine back to be used again. */
  public void giveBack(PlanExecutor machine) {
    synchronized (this) {
      if (closed) {
        machine.close();
      } else {
        idle.push(machine);
      }
    }
    permits.release();
  }

  /** Gives a machine back that must not be used again. */
  public void discard(PlanExecutor machine) {
    machine.close();
    permits.release();
  }

  /** Frees all memory; that of a machine at work when it is given back. */
  @Override
  public synchronized void close() {
    closed = true;
    idle.forEach(PlanExecutor::close);
    idle.clear();
  }
}
