package org.backpack4j.samediff.execution;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;
import org.backpack4j.samediff.progress.Progress;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * The machines for one plan: as many as there are threads in it at once, up to a limit; a thread
 * that finds all of them busy waits.
 */
final class Pool implements AutoCloseable {
  private final SameDiff graph;
  private final Plan plan;
  private final Demand demand;
  private final Semaphore permits;
  private final Progress progress;
  private final Deque<Machine> idle = new ArrayDeque<>();
  private boolean closed;

  Pool(SameDiff graph, Plan plan, Demand demand, int limit, Progress progress) {
    this.graph = graph;
    this.plan = plan;
    this.demand = demand;
    this.permits = new Semaphore(limit);
    this.progress = progress;
  }

  Plan plan() {
    return plan;
  }

  /** The memory that the plan needs. */
  Demand demand() {
    return demand;
  }

  /** A machine that nobody else uses until it is given back, or discarded. */
  Machine take() {
    permits.acquireUninterruptibly();
    try {
      synchronized (this) {
        if (!idle.isEmpty()) {
          return idle.pop();
        }
      }
      demand.checkArena();
      return new Machine(graph, plan, progress);
    } catch (RuntimeException | Error e) {
      permits.release();
      throw e;
    }
  }

  /** Gives a machine back to be used again. */
  void giveBack(Machine machine) {
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
  void discard(Machine machine) {
    machine.close();
    permits.release();
  }

  /** Frees all memory; that of a machine at work when it is given back. */
  @Override
  public synchronized void close() {
    closed = true;
    idle.forEach(Machine::close);
    idle.clear();
  }
}
