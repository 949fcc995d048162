package org.backpack4j.dl4j.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.dl4j.internal.convert.IterationState;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.listen.ListenerSettings;
import org.backpack4j.dl4j.internal.train.PassedBatch;
import org.backpack4j.dl4j.internal.train.PlannedSolver;
import org.backpack4j.dl4j.internal.train.QuantityListener;
import org.backpack4j.dl4j.internal.train.RepeatedPass;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.DampedCurvature;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.extension.Extension;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The steps of a {@link Kfac}: hears of the network's passes, and puts the preconditioned step in
 * the place of the gradient. It belongs to the first network that it hears of.
 */
final class PreconditionedSteps extends BaseTrainingListener
    implements QuantityListener, AutoCloseable {
  private final BackPackListener quantities;
  private final QuantityListener inner;
  private final MovingCurvature average;
  private final DampingRule damping = new DampingRule(1e-2);
  private final Inverses inverses = new Inverses();
  private final RepeatedPass pass = new RepeatedPass();
  private final ModelledSteps steps = new ModelledSteps(pass, damping);
  private final List<Consumer<KfacStep>> callbacks = new ArrayList<>();
  private @Nullable CorrectedEigenvalues corrected;
  private @Nullable Model trained;
  private @Nullable QuantityResults latest;
  private double decay = 0.95;
  private double constraint = Double.POSITIVE_INFINITY;
  private boolean factored = true;
  private int factorsEvery = 1;

  /** Steps since the factors. */
  private int sinceFactors;

  PreconditionedSteps(Extension extension) {
    average = new MovingCurvature(extension);
    quantities =
        new BackPackListener(extension)
            .scale(Scale.MEAN)
            .onStepOf((net, step) -> latest = step.quantities());
    inner = QuantityListener.of(quantities).orElseThrow();
  }

  // ---- choices ----

  DampingRule damping() {
    return damping;
  }

  ModelledSteps model() {
    return steps;
  }

  void exactDamping() {
    factored = false;
  }

  void correctEigenvalues(Extension factors) {
    corrected = new CorrectedEigenvalues(factors, pass);
  }

  void decay(double share) {
    decay = share;
  }

  void every(int factors, int inverse) {
    factorsEvery = factors;
    inverses.every(inverse);
  }

  void constraint(double kappa) {
    constraint = kappa;
  }

  boolean isConstrained() {
    return constraint < Double.POSITIVE_INFINITY;
  }

  void factoriseOn(Executor executor) {
    inverses.on(executor);
  }

  void onStep(Consumer<KfacStep> callback) {
    callbacks.add(callback);
  }

  void check(Model net, MultiDataSet batch) {
    quantities.check(net, batch);
    BatchShape shape =
        BatchShape.of(
            batch.getFeatures(),
            batch.getLabels(),
            batch.getFeaturesMaskArrays(),
            batch.getLabelsMaskArrays(),
            InputShapes.outputs(net));
    if (corrected != null) {
      pass.check(net, shape, corrected.extension());
    }
    steps.check(net, shape);
  }

  // ---- DL4J ----

  private boolean hears(Model net) {
    if (!(net instanceof ComputationGraph) && !(net instanceof MultiLayerNetwork)) {
      return false; // a layer that is pretrained
    }
    if (trained == null) {
      trained = net;
    }
    return trained == net;
  }

  private boolean repeatsThePass() {
    return corrected != null || steps.isAsked();
  }

  private boolean isDue() {
    return inverses.isEmpty() || sinceFactors >= factorsEvery;
  }

  @Override
  public synchronized void onForwardPass(Model model, List<INDArray> activations) {
    if (hears(model)) {
      if (repeatsThePass() && !PlannedSolver.trains(model)) {
        Map<String, INDArray> named = new LinkedHashMap<>();
        for (int k = 1; k < activations.size(); k++) {
          named.put(Integer.toString(k - 1), activations.get(k)); // the first is the input
        }
        pass.forward(model, named);
      }
      if (isDue()) {
        quantities.onForwardPass(model, activations);
      }
    }
  }

  @Override
  public synchronized void onForwardPass(Model model, Map<String, INDArray> activations) {
    if (hears(model)) {
      if (repeatsThePass() && !PlannedSolver.trains(model)) {
        pass.forward(model, activations);
      }
      if (isDue()) {
        quantities.onForwardPass(model, activations);
      }
    }
  }

  @Override
  public synchronized void onBackwardPass(Model model) {
    if (hears(model)) {
      if (!PlannedSolver.trains(model)) {
        pass.backward(model);
      }
      if (isDue()) {
        quantities.onBackwardPass(model);
      }
    }
  }

  /**
   * Preconditions the gradient.
   *
   * @throws IllegalStateException if the curvature cannot be had, with the reason
   */
  @Override
  public synchronized void onGradientCalculation(Model model) {
    if (!hears(model)) {
      return;
    }
    try (MemoryWorkspace outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      steps.begin(model);
      boolean due = isDue();
      if (due) {
        average.add(results(), decay);
        sinceFactors = 0;
      }
      double delta = damping.damping();
      DampedCurvature inverse = inverses.ofStep(this::curvature, delta);
      if (corrected != null) {
        inverse = corrected.ofStep(model, inverses.matrix(), delta, due, decay);
      }
      precondition(model, inverse);
      sinceFactors++;
    }
  }

  private QuantityResults results() {
    QuantityResults found = latest;
    latest = null;
    if (found == null) {
      quantities.latest(); // throws the reason
      throw new IllegalStateException(
          "The curvature of this iteration was not computed: DL4J has told of no backward pass.");
    }
    return found;
  }

  private Curvature curvature() {
    Curvature curvature = average.curvature();
    return factored ? curvature.withFactoredDamping() : curvature;
  }

  private void precondition(Model model, DampedCurvature current) {
    ParameterLayout layout = current.layout();
    MeanGradient gradient = MeanGradient.of(model, layout);
    INDArray natural =
        current.solve(gradient.flat().reshape(1, layout.size())).reshape(layout.size());
    double product = gradient.flat().mul(natural).sumNumber().doubleValue();
    double shorter = product > constraint ? Math.sqrt(constraint / product) : 1;
    steps.make(model, iteration(model), gradient, layout, natural, shorter);
  }

  private static int iteration(Model model) {
    return model instanceof ComputationGraph graph
        ? graph.getIterationCount()
        : ((MultiLayerNetwork) model).getIterationCount();
  }

  @Override
  public synchronized void iterationDone(Model model, int iteration, int epoch) {
    quantities.iterationDone(model, iteration, epoch);
    if (hears(model)) {
      KfacStep step = steps.made(model);
      pass.done();
      if (step != null) {
        callbacks.forEach(callback -> callback.accept(step));
      }
    }
  }

  // ---- planned passes ----

  @Override
  public @Nullable ListenerSettings wanted(Model net, int iteration) {
    return hears(net) && isDue() ? inner.wanted(net, iteration) : null;
  }

  @Override
  public void passed(Model net, PassedBatch passed) {
    if (hears(net) && repeatsThePass()) {
      pass.passed(passed);
    }
  }

  @Override
  public void step(Model net, TrainingStep step) {
    inner.step(net, step);
  }

  @Override
  public void failed(Model net, RuntimeException reason) {
    inner.failed(net, reason);
  }

  @Override
  public TrainingStep apart(
      Model net,
      IterationState given,
      Map<String, INDArray> added,
      NetworkBatch batch,
      RuntimeException reason) {
    return inner.apart(net, given, added, batch, reason);
  }

  @Override
  public synchronized void close() {
    quantities.close();
    steps.close();
    inverses.close();
  }
}
