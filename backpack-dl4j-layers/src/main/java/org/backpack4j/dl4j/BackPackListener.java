package org.backpack4j.dl4j;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.backpack4j.dl4j.convert.BatchShape;
import org.backpack4j.dl4j.convert.InputShapes;
import org.backpack4j.samediff.TrainingRecord;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.extension.Extension;
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
 * <p>Training is as without the listener. A failure is logged once, and thrown by {@link #get};
 * {@link #check(Model)} tells beforehand what stands in the way. Settings are made before the first
 * iteration.
 */
public final class BackPackListener extends BaseTrainingListener implements AutoCloseable {
  private final Extension[] extensions;
  private final TrainingRecord record = new TrainingRecord();
  private final Set<String> named = new LinkedHashSet<>();
  private @Nullable Predicate<String> parameters;
  private Scale scale = Scale.SUM;
  private boolean runningStatistics;
  private boolean lenient;
  private @Nullable Double gradientTolerance;
  private int verified;
  private int verifiedEntries = 3;
  private @Nullable Evaluator evaluator;

  /**
   * A listener.
   *
   * @param extensions the quantities
   */
  public BackPackListener(Extension... extensions) {
    this.extensions = extensions.clone();
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
   * Chooses parameters by name.
   *
   * @param names DL4J's names, {@code conv1_W} or {@code 0_W}
   * @return this listener
   */
  public BackPackListener parameters(String... names) {
    named.addAll(Arrays.asList(names));
    return this;
  }

  /**
   * Chooses parameters by a predicate.
   *
   * @param names says for a name whether it is chosen
   * @return this listener
   */
  public BackPackListener parameters(Predicate<String> names) {
    parameters = parameters == null ? names : parameters.or(names);
    return this;
  }

  /**
   * Chooses the scale, {@link Scale#SUM} by default.
   *
   * @param choice the scale of the loss, and with it of all quantities
   * @return this listener
   */
  public BackPackListener scale(Scale choice) {
    scale = choice;
    return this;
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
    return this;
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
    return this;
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
    return this;
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
    evaluator().check(net);
    if (InputShapes.known(net)) {
      evaluator().prepare(net, BatchShape.of(InputShapes.of(net), InputShapes.outputs(net)));
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
    evaluator().check(net);
    evaluator()
        .prepare(
            net,
            BatchShape.of(
                batch.getFeatures(),
                batch.getLabels(),
                batch.getFeaturesMaskArrays(),
                batch.getLabelsMaskArrays(),
                InputShapes.outputs(net)));
    return this;
  }

  // ---- results ----

  /**
   * A parameter's quantity in the latest iteration chosen.
   *
   * @param parameter DL4J's name, {@code conv1_W} or {@code 0_W}
   * @param extension the extension's class
   * @return the quantity: DL4J's layout, with the samples first where it is per sample
   * @throws IllegalStateException if there is none yet, if computing it failed, or if a layer
   *     stands in the way that cannot be converted
   */
  public INDArray get(String parameter, Class<? extends Extension> extension) {
    TrainingStep step = latest();
    String reason = evaluator().outOfReach(parameter);
    if (reason != null) {
      throw new IllegalStateException(reason);
    }
    return step.quantities().get(parameter, extension);
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
   * The latest iteration chosen.
   *
   * @return its number, quantities and notes
   * @throws IllegalStateException if there is none yet, or if computing its quantities failed
   */
  public TrainingStep latest() {
    return record.latest();
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
    if (record.isDue(iteration(model))) {
      record.attempt(
          () -> {
            evaluator().remember(model, activations);
            return null;
          });
    }
  }

  @Override
  public void onBackwardPass(Model model) {
    int iteration = iteration(model);
    if (record.isDue(iteration)) {
      record.attempt(() -> evaluator().evaluate(model, Batch.of(model), iteration, epoch(model)));
    }
  }

  private static int iteration(Model model) {
    return model instanceof ComputationGraph graph
        ? graph.getIterationCount()
        : model instanceof MultiLayerNetwork network ? network.getIterationCount() : 0;
  }

  private static int epoch(Model model) {
    return model instanceof ComputationGraph graph
        ? graph.getEpochCount()
        : model instanceof MultiLayerNetwork network ? network.getEpochCount() : 0;
  }

  private Evaluator evaluator() {
    Evaluator current = evaluator;
    if (current == null) {
      Predicate<String> more = parameters;
      boolean all = named.isEmpty() && more == null;
      Set<String> names = Set.copyOf(named);
      current =
          new Evaluator(
              new Settings(
                  extensions,
                  p -> all || names.contains(p) || (more != null && more.test(p)),
                  names,
                  scale,
                  runningStatistics,
                  lenient,
                  gradientTolerance,
                  verified,
                  verifiedEntries));
      evaluator = current;
    }
    return current;
  }

  /** Frees the memory that evaluations keep. */
  @Override
  public void close() {
    if (evaluator != null) {
      evaluator.close();
      evaluator = null;
    }
  }
}
