package org.backpack4j.samediff.internal.evaluate;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.backpack4j.samediff.TrainingStep;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the training listeners have in common: when to evaluate, the latest quantities of each
 * model, and what becomes of a failure. Nothing that is thrown must get into a training, whose next
 * steps would differ: each kind of failure is logged once, and thrown to whoever asks for the
 * quantities.
 *
 * <p>Any number of threads may train any number of models with one record; callbacks are called in
 * the thread that trains.
 *
 * <p>A step that nobody was given, neither a callback nor a caller of {@code latest}, is closed as
 * soon as the next one of its model takes its place: its memory is used again. One that somebody
 * was given belongs to them.
 *
 * @param <M> the models that are trained
 */
public final class TrainingRecord<M> {
  private static final Logger log = LoggerFactory.getLogger(TrainingRecord.class);

  /** So many kinds of failures are logged; a training that finds more has said enough. */
  private static final int KINDS = 50;

  private static final Pattern NUMBER = Pattern.compile("\\d+(\\.\\d+)?([eE][-+]?\\d+)?");

  private final String elsewhere;
  private final List<BiConsumer<? super M, TrainingStep>> callbacks = new CopyOnWriteArrayList<>();
  private final PerModel<M, Latest> models = new PerModel<>(Latest::new);

  /** What each thread has trained last; threads that have ended are forgotten. */
  private final Map<Thread, Latest> threads = new WeakHashMap<>();

  private final Set<String> logged = new HashSet<>();
  private @Nullable Latest recent;
  private volatile int every = 1;
  private volatile boolean othersHeard;

  /**
   * Nothing yet.
   *
   * @param elsewhere where steps may be made that a listener does not hear of: said to a person who
   *     asks for one and there is none
   */
  public TrainingRecord(String elsewhere) {
    this.elsewhere = elsewhere;
  }

  /** The latest step of a model, or why there is none. */
  private static final class Latest implements AutoCloseable {
    private @Nullable TrainingStep step;
    private @Nullable Throwable failure;
    private String told = "";
    private boolean given;

    @Override
    public void close() {
      // a model that is gone may still be the one that was trained last
    }
  }

  /**
   * Chooses the iterations: those whose number is a multiple of n.
   *
   * @param n 1 for all
   * @throws IllegalArgumentException if it is less than 1
   */
  public void everyNIterations(int n) {
    if (n < 1) {
      throw new IllegalArgumentException(
          "Every " + n + "th iteration: the number must be positive.");
    }
    every = n;
  }

  /**
   * Adds a callback.
   *
   * @param callback is given the quantities of each iteration chosen
   */
  public void onStep(Consumer<TrainingStep> callback) {
    onStepOf((model, step) -> callback.accept(step));
  }

  /**
   * Adds a callback that is told whose step it is.
   *
   * @param callback is given the model and the quantities of each iteration chosen
   */
  public void onStepOf(BiConsumer<? super M, TrainingStep> callback) {
    callbacks.add(callback);
  }

  /**
   * Whether an iteration is one of those chosen.
   *
   * @param iteration its number
   * @return whether to evaluate
   */
  public boolean isDue(int iteration) {
    boolean due = iteration % every == 0;
    if (!due) {
      othersHeard = true;
    }
    return due;
  }

  /**
   * Evaluates, and tells the callbacks. Throws nothing.
   *
   * @param model what is trained
   * @param evaluation the work; it may throw, and answers null if there is nothing to tell yet
   */
  public void attempt(M model, Callable<@Nullable TrainingStep> evaluation) {
    TrainingStep step;
    try {
      step = evaluation.call();
    } catch (Throwable e) {
      fail(model, "The quantities of the latest iteration could not be computed: ", e);
      return;
    }
    if (step != null) {
      replace(model, step, null, "");
      callbacks.forEach(c -> tell(c, model, step));
    }
  }

  private void tell(BiConsumer<? super M, TrainingStep> callback, M model, TrainingStep step) {
    try {
      callback.accept(model, step);
    } catch (Throwable e) {
      String told =
          "A callback of onStep failed in iteration "
              + step.iteration()
              + ", whose quantities it was given: ";
      fail(model, told, e);
    }
  }

  private void fail(M model, String told, Throwable cause) {
    if (replace(model, null, cause, told)) {
      logOnce(told, cause);
    }
  }

  /**
   * Puts an outcome in the place of the model's one before.
   *
   * @return whether it is another
   */
  private synchronized boolean replace(
      M model, @Nullable TrainingStep step, @Nullable Throwable failure, String told) {
    Latest latest = models.of(model);
    boolean other = failure == null || latest.failure != failure;
    TrainingStep before = latest.step;
    if (before != null && !latest.given) {
      close(before);
    }
    latest.step = step;
    latest.failure = failure;
    latest.told = told;
    latest.given = !callbacks.isEmpty();
    threads.put(Thread.currentThread(), latest);
    recent = latest;
    return other;
  }

  /** What is closed is used again by the next evaluation. */
  private static void close(TrainingStep step) {
    for (INDArray array : step.quantities().outputs().values()) {
      if (!array.wasClosed() && array.closeable()) {
        array.close();
      }
    }
  }

  private void logOnce(String told, Throwable cause) {
    try {
      String kind = cause.getClass().getName() + NUMBER.matcher(told + cause).replaceAll("#");
      synchronized (logged) {
        if (logged.size() >= KINDS || !logged.add(kind)) {
          return;
        }
      }
      log.error(
          "{}Training goes on. Asking for the quantities throws this; failures of its kind are"
              + " logged once.",
          told.replaceFirst(": $", ". "),
          cause);
    } catch (Throwable e) {
      // Whatever a log does, training must not hear of it; latest() tells of the failure.
    }
  }

  /**
   * The latest step that the calling thread has made, or, if it has trained nothing, of all: the
   * one of the model that this thread has trained last.
   *
   * @return the step of the latest iteration chosen
   * @throws IllegalStateException if there is none yet, or if it failed; the failure is its cause
   */
  public synchronized TrainingStep latest() {
    Latest own = threads.get(Thread.currentThread());
    return step(own != null ? own : recent);
  }

  /**
   * The latest step of a model.
   *
   * @param model the model
   * @return the step of its latest iteration chosen
   * @throws IllegalStateException if there is none yet, or if it failed; the failure is its cause
   */
  public synchronized TrainingStep latest(M model) {
    return step(models.known(model));
  }

  private TrainingStep step(@Nullable Latest latest) {
    Throwable cause = latest == null ? null : latest.failure;
    if (latest != null && cause != null) {
      String message = cause.getMessage();
      throw new IllegalStateException(
          latest.told + (message == null ? cause.toString() : message), cause);
    }
    TrainingStep step = latest == null ? null : latest.step;
    if (latest == null || step == null) {
      throw new IllegalStateException(
          "No iteration has been evaluated yet: "
              + (othersHeard
                  ? "none was heard whose number is a multiple of " + every + "."
                  : "add the listener before fit(…)." + elsewhere));
    }
    latest.given = true;
    return step;
  }
}
