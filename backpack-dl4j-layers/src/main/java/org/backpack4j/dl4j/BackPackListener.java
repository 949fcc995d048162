package org.backpack4j.dl4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.dl4j.internal.convert.IterationState;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.listen.ListenerSettings;
import org.backpack4j.dl4j.internal.listen.NetworkEvaluator;
import org.backpack4j.dl4j.internal.train.PlannedSolver;
import org.backpack4j.dl4j.internal.train.QuantityListener;
import org.backpack4j.dl4j.spi.ConverterProvider;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.evaluate.ListenerExtensions;
import org.backpack4j.samediff.internal.evaluate.PerModel;
import org.backpack4j.samediff.internal.evaluate.TrainingRecord;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * The quantities of every iteration of a network's {@code fit}, by DL4J's parameter names and in
 * its layouts:
 *
 * <pre>{@code
 * BackPackListener backPack = new BackPackListener(new BatchGrad(), new DiagGGNExact());
 * net.addListeners(backPack);
 * net.fit(iterator);
 * INDArray diagonal = backPack.get("conv1_W", DiagGGNExact.class);
 * }</pre>
 *
 * <p>They belong to the batch and the parameters from which the iteration's gradient was computed,
 * and are in the scale of {@code net.gradient()}, a sum over the batch; {@link #scale} has the
 * mean's. l1, l2 and weight decay are not in them, as they are not in {@code gradient()}.
 *
 * <p>Training is as without the listener. Each kind of failure is logged once, and thrown by {@link
 * #get}; {@link #check(Model)} tells beforehand what stands in the way.
 *
 * <p>One listener may hear of several networks, and of several threads at once: two networks that
 * are trained in turns, the copies of a {@code ParallelWrapper}. Each network has conversions of
 * its own, which are kept while it lives and freed with it. {@link #latest()} is the step of the
 * network that the calling thread has trained last; {@link #latest(Model)} asks for one network's.
 * Callbacks are called in the thread that trains, in several at once if several train.
 *
 * <p>With an optimiser that searches along a line (conjugate gradients, LBFGS) an iteration has
 * many gradients; its step is that of the first, at the parameters before the iteration.
 *
 * <p>What a callback was given, or {@link #latest()} has answered, stays as it is for as long as
 * somebody holds it. A step that nobody has asked for gives its memory to the next.
 */
public final class BackPackListener extends BaseTrainingListener implements AutoCloseable {
  private final Extension[] extensions;

  /** Where a person may have looked for steps in vain. */
  private static final String ELSEWHERE =
      " Where another network is trained than the one that has the listener, it is that one's:"
          + " helper.unfrozenGraph() or unfrozenMLN() of a TransferLearningHelper, and of a"
          + " ParallelWrapper what the network had when the wrapper was built, or"
          + " wrapper.setListeners(…). Layers that are pretrained have no quantities.";

  private final TrainingRecord<Model> record = new TrainingRecord<>(ELSEWHERE);
  private final PerModel<Model, NetworkEvaluator> evaluators =
      new PerModel<>(() -> new NetworkEvaluator(settings()));
  private final QuantityListener planned = new OfPlannedSteps();
  private final Set<String> named = new LinkedHashSet<>();
  private final List<ConverterProvider> converters = new ArrayList<>();
  private @Nullable Predicate<String> parameters;
  private Scale scale = Scale.SUM;
  private boolean runningStatistics;
  private boolean lenient;
  private @Nullable Double gradientTolerance;
  private int verified;
  private int verifiedEntries = 3;

  /**
   * A listener.
   *
   * @param extensions the quantities
   * @throws IllegalArgumentException if one of them multiplies with vectors, which nobody would
   *     feed
   */
  public BackPackListener(Extension... extensions) {
    this.extensions =
        ListenerExtensions.checked(
            extensions, "convert the network by Dl4jConverter, extend the graph, and feed them.");
  }

  // ---- choices ----

  /**
   * Evaluates only iterations whose number is a multiple of n.
   *
   * @param n 1 for all
   * @return this listener
   * @throws IllegalArgumentException if it is less than 1
   */
  public BackPackListener everyNIterations(int n) {
    record.everyNIterations(n);
    return this;
  }

  /**
   * Adds a callback.
   *
   * @param callback is given the quantities of each iteration chosen, before the step is made
   * @return this listener
   */
  public BackPackListener onStep(Consumer<TrainingStep> callback) {
    record.onStep(callback);
    return this;
  }

  /**
   * Adds a callback that is told whose step it is.
   *
   * @param callback is given the network and the quantities of each iteration chosen, before the
   *     step is made
   * @return this listener
   */
  public BackPackListener onStepOf(BiConsumer<? super Model, TrainingStep> callback) {
    record.onStepOf(callback);
    return this;
  }

  /**
   * Chooses parameters by name.
   *
   * @param names DL4J's names, {@code conv1_W} or {@code 0_W}
   * @return this listener
   */
  public BackPackListener parameters(String... names) {
    named.addAll(Arrays.asList(names));
    return changed();
  }

  /**
   * Chooses parameters by a predicate.
   *
   * @param names says for a name whether it is chosen
   * @return this listener
   */
  public BackPackListener parameters(Predicate<String> names) {
    parameters = parameters == null ? names : parameters.or(names);
    return changed();
  }

  /**
   * Chooses the scale, {@link Scale#SUM} by default.
   *
   * @param choice the scale of the loss, and with it of all quantities
   * @return this listener
   */
  public BackPackListener scale(Scale choice) {
    scale = choice;
    return changed();
  }

  /**
   * Has second-order quantities of networks with batch normalisation computed with its running
   * statistics, as in evaluation mode; a note of the step says so. Without, they are refused, since
   * samples influence each other. Gradients stay those of training.
   *
   * @return this listener
   */
  public BackPackListener runningStatistics() {
    runningStatistics = true;
    return changed();
  }

  /**
   * Leaves out the quantities that cannot be had; the step's notes tell which and why. Where a
   * layer cannot be converted, the layers above it still have theirs; {@link #get} says of a
   * parameter at or below it what stands in the way.
   *
   * @return this listener
   */
  public BackPackListener lenient() {
    lenient = true;
    return changed();
  }

  /**
   * Chooses how far the gradient of a parameter may be from DL4J's, relative to its norm. By
   * default a difference of more than 1e-6 in double precision, or 1e-2 in single, is looked into:
   * a note of the step tells of rounding and of gradients that DL4J gets wrong, and what is neither
   * is a failure. A tolerance lets pass what is not beyond it; an infinite one lets everything
   * pass.
   *
   * @param relative the distance at which a failure is reported, unless DL4J's gradient is found
   *     not to be that of its score
   * @return this listener
   */
  public BackPackListener gradientTolerance(double relative) {
    gradientTolerance = relative;
    return changed();
  }

  /**
   * Compares the first iterations chosen with brute force, which is slow. A difference is a
   * failure.
   *
   * @param iterations how many iterations
   * @param entries how many entries of each quantity
   * @return this listener
   */
  public BackPackListener verify(int iterations, int entries) {
    verified = iterations;
    verifiedEntries = entries;
    return changed();
  }

  /**
   * Registers converters of a person's own, of layers, activation functions and so on that the
   * library does not know.
   *
   * @param providers register them
   * @return this listener
   */
  public BackPackListener converters(ConverterProvider... providers) {
    converters.addAll(Arrays.asList(providers));
    return changed();
  }

  /** Graphs that were made with other settings are no use any more. */
  private BackPackListener changed() {
    evaluators.clear();
    return this;
  }

  // ---- before training ----

  /**
   * Tells what stands in the way. Where the configuration gives the shapes of the inputs, the
   * network is converted and extended; else only the configuration is looked at.
   *
   * @param net the network
   * @return this listener
   * @throws UnconvertibleNetworkException if the network cannot be converted; it lists every
   *     obstacle
   * @throws org.backpack4j.samediff.UnsupportedGraphException if a quantity cannot be had; it lists
   *     every reason
   */
  public BackPackListener check(Model net) {
    NetworkEvaluator evaluator = evaluators.of(net);
    evaluator.check(net);
    if (InputShapes.known(net)) {
      evaluator.prepare(net, BatchShape.of(InputShapes.of(net), InputShapes.outputs(net)));
    }
    return this;
  }

  /**
   * Tells what stands in the way for batches as this one.
   *
   * @param net the network
   * @param batch a batch as the network will be trained with
   * @return this listener
   * @throws UnconvertibleNetworkException if the network cannot be converted; it lists every
   *     obstacle
   * @throws org.backpack4j.samediff.UnsupportedGraphException if a quantity cannot be had; it lists
   *     every reason
   */
  public BackPackListener check(Model net, DataSet batch) {
    return check(net, batch.toMultiDataSet());
  }

  /**
   * Tells what stands in the way for batches as this one.
   *
   * @param net the network
   * @param batch a batch as the network will be trained with
   * @return this listener
   * @throws UnconvertibleNetworkException if the network cannot be converted; it lists every
   *     obstacle
   * @throws org.backpack4j.samediff.UnsupportedGraphException if a quantity cannot be had; it lists
   *     every reason
   */
  public BackPackListener check(Model net, MultiDataSet batch) {
    NetworkEvaluator evaluator = evaluators.of(net);
    evaluator.check(net);
    evaluator.prepare(net, BatchShape.of(batch, InputShapes.outputs(net)));
    return this;
  }

  // ---- results ----

  /**
   * A parameter's quantity in the latest iteration chosen.
   *
   * @param parameter DL4J's name, {@code conv1_W} or {@code 0_W}
   * @param extension the extension's class
   * @return the quantity: DL4J's layout, with the samples first where it is per sample
   * @throws IllegalStateException if there is none yet, if computing it failed, or if the parameter
   *     has none: it is frozen, say, or a layer stands in the way that cannot be converted
   */
  public INDArray get(String parameter, Class<? extends Extension> extension) {
    QuantityResults quantities = latest().quantities();
    quantities
        .missing(parameter)
        .ifPresent(
            reason -> {
              throw new IllegalStateException(reason);
            });
    return quantities.get(parameter, extension);
  }

  /**
   * All quantities of the latest iteration chosen.
   *
   * @return the arrays by name, {@code conv1_W.diag_ggn_exact}
   * @throws IllegalStateException if there are none yet, or if computing them failed
   */
  public Map<String, INDArray> outputs() {
    return latest().quantities().outputs();
  }

  /**
   * The latest iteration chosen: of the network that the calling thread has trained last, or, if it
   * has trained none, of all.
   *
   * @return its number, quantities and notes
   * @throws IllegalStateException if there is none yet, or if computing its quantities failed
   */
  public TrainingStep latest() {
    return record.latest();
  }

  /**
   * The latest iteration chosen of a network, whoever has trained it.
   *
   * @param net the network
   * @return its number, quantities and notes
   * @throws IllegalStateException if there is none yet, or if computing its quantities failed
   */
  public TrainingStep latest(Model net) {
    return record.latest(net);
  }

  // ---- planned training ----

  static {
    QuantityListener.Adapters.add(BackPackListener.class, listener -> listener.planned);
  }

  /** Has the quantities from the pass that trains. */
  private final class OfPlannedSteps implements QuantityListener {
    @Override
    public @Nullable ListenerSettings wanted(Model net, int iteration) {
      return record.isDue(iteration) ? settings() : null;
    }

    @Override
    public void step(Model net, TrainingStep step) {
      record.attempt(net, () -> step);
    }

    @Override
    public void failed(Model net, RuntimeException reason) {
      record.attempt(
          net,
          () -> {
            throw reason;
          });
    }

    @Override
    public TrainingStep apart(
        Model net,
        IterationState given,
        Map<String, INDArray> added,
        NetworkBatch batch,
        RuntimeException reason) {
      return evaluators.of(net).evaluate(net, given, added, batch, iteration(net), epoch(net));
    }
  }

  // ---- DL4J ----

  @Override
  public void onForwardPass(Model model, List<INDArray> activations) {
    Map<String, INDArray> named = new LinkedHashMap<>();
    for (int k = 1; k < activations.size(); k++) {
      named.put(Integer.toString(k - 1), activations.get(k)); // the first is the input
    }
    onForwardPass(model, named);
  }

  /** What DL4J drew is to be had only from here to the layers' backward passes. */
  @Override
  public void onForwardPass(Model model, Map<String, INDArray> activations) {
    if (!isNetwork(model) || PlannedSolver.trains(model)) {
      return;
    }
    int iteration = iteration(model);
    if (record.isDue(iteration)) {
      record.attempt(
          model,
          () -> {
            evaluators.of(model).remember(model, activations, iteration);
            return null;
          });
    }
  }

  @Override
  public void onBackwardPass(Model model) {
    if (!isNetwork(model) || PlannedSolver.trains(model)) {
      return;
    }
    int iteration = iteration(model);
    if (record.isDue(iteration)) {
      record.attempt(model, () -> evaluators.of(model).evaluate(model, iteration, epoch(model)));
    }
  }

  @Override
  public void iterationDone(Model model, int iteration, int epoch) {
    NetworkEvaluator evaluator = evaluators.known(model);
    if (evaluator != null) {
      evaluator.done();
    }
  }

  /** A layer that is pretrained calls the network's listeners as if it were one. */
  private static boolean isNetwork(Model model) {
    return model instanceof ComputationGraph || model instanceof MultiLayerNetwork;
  }

  private static int iteration(Model model) {
    return model instanceof ComputationGraph graph
        ? graph.getIterationCount()
        : ((MultiLayerNetwork) model).getIterationCount();
  }

  private static int epoch(Model model) {
    return model instanceof ComputationGraph graph
        ? graph.getEpochCount()
        : ((MultiLayerNetwork) model).getEpochCount();
  }

  private ListenerSettings settings() {
    Predicate<String> more = parameters;
    boolean all = named.isEmpty() && more == null;
    Set<String> names = Set.copyOf(named);
    return new ListenerSettings(
        extensions,
        p -> all || names.contains(p) || (more != null && more.test(p)),
        names,
        scale,
        runningStatistics,
        lenient,
        gradientTolerance,
        verified,
        verifiedEntries,
        NetworkConverter.converters(converters));
  }

  /** Frees the memory that evaluations keep. */
  @Override
  public void close() {
    evaluators.clear();
  }
}
