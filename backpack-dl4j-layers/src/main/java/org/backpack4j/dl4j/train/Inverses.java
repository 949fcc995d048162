package org.backpack4j.dl4j.train;

import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.DampedCurvature;
import org.jspecify.annotations.Nullable;

/**
 * The inverse that steps use: factorised every so many steps, in the thread that trains or on
 * another one. Each factorisation has a thread of its own, which ends with it, and there is one at
 * a time; until it is finished steps use the one before. The first is waited for.
 */
final class Inverses {
  private boolean background;
  private int every = 10;
  private @Nullable Factorised current;
  private @Nullable FutureTask<Factorised> running;
  private @Nullable Thread thread;

  /** Steps since the matrix was taken that was factorised last. */
  private int age;

  /** A matrix with the damping that it was factorised with. */
  private record Factorised(Curvature curvature, double damping, DampedCurvature inverse) {
    static Factorised of(Curvature curvature, double damping) {
      return new Factorised(curvature, damping, curvature.damped(damping));
    }
  }

  void every(int steps) {
    every = steps;
  }

  /** Factorises on another thread from now on. */
  void inBackground() {
    background = true;
  }

  boolean isEmpty() {
    return current == null;
  }

  /**
   * The inverse for a step.
   *
   * @param matrix answers the matrix as it is now, of arrays that nobody changes
   * @param damping the damping as it is now
   * @throws IllegalStateException if a factorisation on the other thread has failed; the next step
   *     begins another
   */
  DampedCurvature ofStep(Supplier<Curvature> matrix, double damping) {
    Factorised finished = finished();
    if (finished != null) {
      current = finished;
    }
    if (current == null || (age >= every && running == null)) {
      Curvature taken = matrix.get();
      if (background && current != null) {
        start(new FutureTask<>(() -> Factorised.of(taken, damping)));
      } else {
        current = Factorised.of(taken, damping);
      }
      age = 0;
    }
    age++;
    Factorised used = current;
    if (used.damping() != damping) { // eigenvalues are known, and nothing is factorised again
      used = Factorised.of(used.curvature(), damping);
      current = used;
    }
    return used.inverse();
  }

  private void start(FutureTask<Factorised> task) {
    Thread worker = new Thread(task, "backpack-kfac-inverse");
    worker.setDaemon(true);
    running = task;
    thread = worker;
    worker.start();
  }

  private @Nullable Factorised finished() {
    FutureTask<Factorised> task = running;
    if (task == null || !task.isDone()) {
      return null;
    }
    running = null;
    thread = null;
    try {
      return task.get();
    } catch (ExecutionException e) {
      throw failure(e.getCause() == null ? e : e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failure(e);
    } catch (CancellationException e) {
      return null;
    }
  }

  private static IllegalStateException failure(Throwable reason) {
    return new IllegalStateException(
        "The curvature could not be factorised on its thread: "
            + reason.getMessage()
            + " This step was not made; a larger damping helps where a matrix is not positive.",
        reason);
  }

  /** Waits until nothing is factorised on another thread any more. */
  void close() {
    Thread worker = thread;
    FutureTask<Factorised> task = running;
    running = null;
    thread = null;
    if (worker != null && task != null) {
      task.cancel(false);
      boolean interrupted = false;
      while (worker.isAlive()) {
        try {
          worker.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
