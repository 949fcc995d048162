package org.backpack4j.samediff;

import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.evaluate.ListenerExtensions;
import org.backpack4j.samediff.internal.evaluate.PerModel;
import org.backpack4j.samediff.internal.evaluate.TrainingRecord;
import org.nd4j.autodiff.listeners.At;
import org.nd4j.autodiff.listeners.BaseListener;
import org.nd4j.autodiff.listeners.Operation;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * The quantities of every iteration of {@code sd.fit}, SameDiff's own training:
 *
 * <pre>{@code
 * SameDiffBackPackListener backPack = new SameDiffBackPackListener(new BatchGrad(), new DiagGGNExact());
 * sd.setListeners(backPack);
 * sd.fit(iterator, 1);
 * INDArray diagonal = backPack.get("w0", DiagGGNExact.class);
 * }</pre>
 *
 * <p>They are computed from the iteration's batch before the parameters are changed. The graph is
 * extended at the first iteration, and again when its losses change. Training is as without the
 * listener: each kind of failure is logged once, and thrown by {@link #get}.
 *
 * <p>One listener may hear of several graphs, and of several threads at once: each graph has its
 * own extension, which is freed with it. Callbacks are called in the thread that trains. What was
 * given to a callback, or by {@link #latest()}, stays as it is for as long as somebody holds it.
 */
public final class SameDiffBackPackListener extends BaseListener implements AutoCloseable {
  private final Extension[] extensions;
  private final TrainingRecord<SameDiff> record = new TrainingRecord<>("");
  private final PerModel<SameDiff, ListenerGraph> graphs = new PerModel<>(ListenerGraph::new);
  private volatile UnaryOperator<BackPack.Builder> choices = b -> b;

  /**
   * A listener.
   *
   * @param extensions the quantities
   * @throws IllegalArgumentException if one of them multiplies with vectors, which nobody would
   *     feed
   */
  public SameDiffBackPackListener(Extension... extensions) {
    this.extensions =
        ListenerExtensions.checked(extensions, "extend the graph by BackPack, and feed them.");
  }

  /**
   * Evaluates only iterations whose number is a multiple of n.
   *
   * @param n 1 for all
   * @return this listener
   * @throws IllegalArgumentException if it is less than 1
   */
  public SameDiffBackPackListener everyNIterations(int n) {
    record.everyNIterations(n);
    return this;
  }

  /**
   * Adds a callback.
   *
   * @param callback is given the quantities of each iteration chosen
   * @return this listener
   */
  public SameDiffBackPackListener onStep(Consumer<TrainingStep> callback) {
    record.onStep(callback);
    return this;
  }

  /**
   * Adds a callback that is told whose step it is.
   *
   * @param callback is given the graph and the quantities of each iteration chosen
   * @return this listener
   */
  public SameDiffBackPackListener onStepOf(BiConsumer<? super SameDiff, TrainingStep> callback) {
    record.onStepOf(callback);
    return this;
  }

  /**
   * Makes choices for the extension: parameters, predictions, lenient.
   *
   * @param with changes the builder that the graph is extended by
   * @return this listener
   */
  public SameDiffBackPackListener with(UnaryOperator<BackPack.Builder> with) {
    choices = with;
    graphs.clear();
    return this;
  }

  /**
   * Extends the graph now: what cannot be had is told before training starts.
   *
   * @param sd the graph
   * @return this listener
   * @throws UnsupportedGraphException if a quantity cannot be had; it lists every reason
   */
  public SameDiffBackPackListener check(SameDiff sd) {
    graphs.of(sd).check(sd, choices, extensions);
    return this;
  }

  /**
   * A parameter's quantity in the latest iteration chosen.
   *
   * @param parameter the parameter's name
   * @param extension the extension's class
   * @return the quantity, of the shape that the extension says
   * @throws IllegalStateException if there is none yet, or if computing it failed
   */
  public INDArray get(String parameter, Class<? extends Extension> extension) {
    return latest().quantities().get(parameter, extension);
  }

  /**
   * All quantities of the latest iteration chosen.
   *
   * @return the arrays by name, {@code w0.diag_ggn_exact}
   * @throws IllegalStateException if there are none yet, or if computing them failed
   */
  public Map<String, INDArray> outputs() {
    return latest().quantities().outputs();
  }

  /**
   * The latest iteration chosen: of the graph that the calling thread has trained last, or, if it
   * has trained none, of all.
   *
   * @return its number and quantities
   * @throws IllegalStateException if there is none yet, or if computing its quantities failed
   */
  public TrainingStep latest() {
    return record.latest();
  }

  /**
   * The latest iteration chosen of a graph, whoever has trained it.
   *
   * @param sd the graph
   * @return its number and quantities
   * @throws IllegalStateException if there is none yet, or if computing its quantities failed
   */
  public TrainingStep latest(SameDiff sd) {
    return record.latest(sd);
  }

  @Override
  public boolean isActive(Operation operation) {
    return operation == Operation.TRAINING;
  }

  @Override
  public void iterationStart(SameDiff sd, At at, MultiDataSet data, long etlMs) {
    int iteration = at.iteration();
    if (at.operation() == Operation.TRAINING && record.isDue(iteration)) {
      record.attempt(sd, () -> step(sd, iteration, at.epoch(), data));
    }
  }

  private TrainingStep step(SameDiff sd, int iteration, int epoch, MultiDataSet data) {
    ExtendedGraph graph = graphs.of(sd).graph(sd, choices, extensions);
    return new TrainingStep(iteration, epoch, graph.results(graph.output(data)), List.of());
  }

  /** Frees the memory that evaluations keep. */
  @Override
  public void close() {
    graphs.clear();
  }
}
