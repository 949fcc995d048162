package org.backpack4j.dl4j.train;

import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
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
  /** Where factorisations run but the first; null for the thread that trains. */
  private @Nullable Executor elsewhere;

  private int every = 10;
  private @Nullable Factorised current;
  private @Nullable FutureTask<Factorised> running;

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

  /** Factorises elsewhere from now on, all but the first. */
  void on(Executor executor) {
    elsewhere = executor;
  }

  /** The matrix that the last step's inverse is of. */
  Curvature matrix() {
    return Objects.requireNonNull(current, "there was no step").curvature();
  }

  /** A thread of its own for each, which does not keep the program alive. */
  static Executor threads() {
    return task -> {
      Thread worker = new Thread(task, "backpack-kfac-inverse");
      worker.setDaemon(true);
      worker.start();
    };
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
      Executor executor = elsewhere;
      if (executor != null && current != null) {
        FutureTask<Factorised> task = new FutureTask<>(() -> Factorised.of(taken, damping));
        running = task;
        executor.execute(task);
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

  private @Nullable Factorised finished() {
    FutureTask<Factorised> task = running;
    if (task == null || !task.isDone()) {
      return null;
    }
    running = null;
    try {
      return task.get();
    } catch (ExecutionException e) {
      throw failure(e.getCause() == null ? e : e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failure(e);
    }
  }

  private static IllegalStateException failure(Throwable reason) {
    return new IllegalStateException(
        "The curvature could not be factorised on its thread: "
            + reason
            + " This step was not made; a larger damping helps where a matrix is not positive.",
        reason);
  }

  /** Waits until nothing is factorised elsewhere any more; what comes of it is not used. */
  void close() {
    FutureTask<Factorised> task = running;
    running = null;
    boolean interrupted = false;
    while (task != null && !task.isDone()) {
      try {
        task.get();
      } catch (InterruptedException e) {
        interrupted = true;
      } catch (ExecutionException e) {
        return; // there is no step that it could be told in
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
