package org.backpack4j.dl4j.internal.train;

import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.backpack4j.dl4j.internal.convert.IterationState;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.listen.ListenerSettings;
import org.backpack4j.samediff.TrainingStep;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A training listener that has quantities evaluated with the pass that trains.
 *
 * <p>In each iteration of a {@link org.backpack4j.dl4j.train.PlannedTraining} the order is:
 *
 * <ol>
 *   <li>every quantity listener is asked what it wants ({@link #wanted});
 *   <li>one pass computes the gradient, the score and all that is wanted; the gradient, a sum over
 *       the batch's samples, is written to the network's flattened gradient, and {@code gradient()}
 *       and {@code score()} tell of it;
 *   <li>other listeners hear {@code onForwardPass} and {@code onBackwardPass}, a quantity listener
 *       is given its step instead ({@link #step}), all in the order of the network's listeners;
 *   <li>all listeners hear {@code onGradientCalculation}: here one may still change the network's
 *       flattened gradient in place ({@code getFlattenedGradients()}, or the views of {@code
 *       gradient().gradientForVariable()}), which the step's arrays do not share memory with;
 *   <li>DL4J's updater makes an update of the flattened gradient (it divides by the number of
 *       samples, if the configuration says {@code miniBatch}), and the step is made;
 *   <li>all listeners hear {@code iterationDone}.
 * </ol>
 *
 * <p>A listener implements this beside {@link TrainingListener}. One that must not show it among
 * its supertypes says by {@link Adapters#add} what stands for it. With DL4J's own {@code fit}
 * nobody calls these methods: {@link PlannedSolver#trains} tells where they are called.
 */
public interface QuantityListener {
  /**
   * What is wanted with the pass of an iteration.
   *
   * @param net the network
   * @param iteration the iteration
   * @return the extensions and choices, {@link ListenerSettings#of} without choices; null for
   *     nothing in this iteration
   */
  @Nullable ListenerSettings wanted(Model net, int iteration);

  /**
   * Whether the quantities are of no use but with the pass that trains: where one graph cannot
   * serve all listeners, such a one is served before the others.
   *
   * @return whether it comes before those that evaluate {@link #apart}
   */
  default boolean needsThePass() {
    return false;
  }

  /**
   * What the quantities read beside the batch.
   *
   * @param net the network
   * @param iteration the iteration, in which something is {@link #wanted}
   * @return an array for each placeholder of the extensions' own
   */
  default Map<String, INDArray> fed(Model net, int iteration) {
    return Map.of();
  }

  /**
   * Hears of the batch of each iteration, whether anything was {@link #wanted} or not, before any
   * listener is given its {@link #step}.
   *
   * @param net the network, before the update
   * @param passed the batch with what was drawn for it; the arrays are of use until the iteration
   *     is over
   */
  default void passed(Model net, PassedBatch passed) {
    // most have no use for it
  }

  /**
   * Takes the step of an iteration. Its arrays are the listener's.
   *
   * @param net the network, before the update
   * @param step the quantities, with each parameter's gradient, in the scale of the settings
   */
  void step(Model net, TrainingStep step);

  /**
   * Hears that the quantities cannot be had. Training ends with the reason unless a listener says
   * otherwise.
   *
   * @param net the network
   * @param reason why
   */
  default void failed(Model net, RuntimeException reason) {
    throw reason;
  }

  /**
   * Evaluates by itself what cannot be had with the pass that trains: choices of its own make
   * another graph of the network, say.
   *
   * @param net the network, whose gradient has been computed
   * @param given what belongs to the iteration alone
   * @param added what was drawn in the place of changed inputs of layers
   * @param batch the batch
   * @param reason why it cannot be had
   * @return the step
   */
  default TrainingStep apart(
      Model net,
      IterationState given,
      Map<String, INDArray> added,
      NetworkBatch batch,
      RuntimeException reason) {
    throw reason;
  }

  /** Who stands for listeners that do not show that they are quantity listeners. */
  final class Adapters {
    private static final Map<Class<?>, Function<Object, QuantityListener>> ALL =
        new java.util.concurrent.ConcurrentHashMap<>();

    private Adapters() {}

    /**
     * Adds a class of listeners.
     *
     * @param listeners the class, which is final
     * @param adapter answers what stands for one of them, always the same
     * @param <L> the class
     */
    public static <L extends TrainingListener> void add(
        Class<L> listeners, Function<L, QuantityListener> adapter) {
      ALL.put(listeners, listener -> adapter.apply(listeners.cast(listener)));
    }
  }

  /**
   * A listener as a quantity listener.
   *
   * @param listener a listener of a network
   * @return itself, or what stands for it; empty if it is none
   */
  static Optional<QuantityListener> of(TrainingListener listener) {
    if (listener instanceof QuantityListener quantities) {
      return Optional.of(quantities);
    }
    Function<Object, QuantityListener> adapter = Adapters.ALL.get(listener.getClass());
    return Optional.ofNullable(adapter == null ? null : adapter.apply(listener));
  }
}
