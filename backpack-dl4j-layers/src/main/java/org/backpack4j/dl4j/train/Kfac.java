package org.backpack4j.dl4j.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.internal.convert.IterationState;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.listen.ListenerSettings;
import org.backpack4j.dl4j.internal.train.QuantityListener;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.DampedCurvature;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.KFACExpand;
import org.backpack4j.samediff.extension.KFACReduce;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Steps that are preconditioned by curvature (Martens and Grosse, 2015, "Optimizing neural networks
 * with Kronecker-factored approximate curvature"): a listener that puts (C + δ)⁻¹ ḡ in the place of
 * the gradient ḡ, with C an approximation of the generalised Gauss-Newton matrix of the mean loss,
 * and δ the damping. Any updater of DL4J comes behind:
 *
 * <pre>{@code
 * net.addListeners(Kfac.preconditioner().damping(1e-2).every(1, 10)); // with Sgd or Nesterovs
 * net.fit(iterator, epochs);
 * }</pre>
 *
 * <p>C is a moving average over the batches: of each Kronecker factor, or of a diagonal. l1, l2 and
 * weight decay are the updater's, and are neither in C nor preconditioned. Where the quantities
 * cannot be had the training ends with the reason; {@link #check} tells it beforehand.
 *
 * <p>It belongs to the first network that it hears of, and works with {@code net.fit} and with
 * {@link PlannedTraining}.
 */
public final class Kfac extends BaseTrainingListener implements AutoCloseable {
  static {
    QuantityListener.Adapters.add(Kfac.class, kfac -> kfac.planned);
  }

  private final Extension extension;
  private final BackPackListener quantities;
  private final QuantityListener planned;
  private final Map<String, INDArray> averages = new LinkedHashMap<>();
  private @Nullable Model trained;
  private @Nullable QuantityResults latest;

  /** The last batch's, for the shapes of the parameters. */
  private QuantityResults shape = new QuantityResults(Map.of(), List.of());

  private @Nullable DampedCurvature inverse;
  private double damping = 1e-2;
  private double decay = 0.95;
  private double constraint = Double.POSITIVE_INFINITY;
  private boolean factored = true;
  private int factorsEvery = 1;
  private int inversesEvery = 10;

  /** How many batches are in the averages. */
  private int batches;

  /** Steps since the factors, and since the inverse. */
  private int sinceFactors;

  private int sinceInverse;

  private Kfac(Extension extension) {
    this.extension = extension;
    quantities = new BackPackListener(extension).scale(Scale.MEAN).onStepOf(this::step);
    planned = new OfPlannedSteps(QuantityListener.of(quantities).orElseThrow());
  }

  /**
   * By Kronecker factors, every position of a convolution counted as a sample, of one label drawn
   * from the model for each sample.
   *
   * @return the listener
   */
  public static Kfac preconditioner() {
    return preconditioner(new KFACExpand(Columns.sampled(1, 1)));
  }

  /**
   * By Kronecker factors of a convolution's sums over positions (Eschenhagen et al., 2023:
   * "reduce"), of one label drawn from the model for each sample.
   *
   * @return the listener
   */
  public static Kfac reduce() {
    return preconditioner(new KFACReduce(Columns.sampled(1, 1)));
  }

  /**
   * By the diagonal of the generalised Gauss-Newton matrix, of one label drawn from the model for
   * each sample.
   *
   * @return the listener
   */
  public static Kfac diagonal() {
    return preconditioner(new DiagGGNMC());
  }

  /**
   * By any quantity that {@link Curvature#of(QuantityResults, Extension)} takes for a matrix.
   *
   * @param extension the quantity: Kronecker factors or a diagonal
   * @return the listener
   */
  public static Kfac preconditioner(Extension extension) {
    return new Kfac(extension);
  }

  // ---- choices ----

  /**
   * Chooses the damping δ, {@code 1e-2} by default.
   *
   * @param delta what is added to the curvature of the mean loss, above 0
   * @return this listener
   * @throws IllegalArgumentException if it is not above 0 and finite
   */
  public Kfac damping(double delta) {
    damping = positive("The damping", delta);
    return this;
  }

  /**
   * Has damping added to the product of Kronecker factors, exactly, in the place of √δ to each of
   * them, divided among them by their traces (Martens and Grosse's π).
   *
   * @return this listener
   */
  public Kfac exactDamping() {
    factored = false;
    return this;
  }

  /**
   * Chooses the moving average, 0.95 by default.
   *
   * @param share how much of the average a batch leaves, from 0 (the batch alone) to below 1
   * @return this listener
   * @throws IllegalArgumentException if it is less than 0, or not less than 1
   */
  public Kfac decay(double share) {
    if (!(share >= 0 && share < 1)) {
      throw new IllegalArgumentException(
          "The decay is " + share + ", expected a number from 0 to below 1.");
    }
    decay = share;
    return this;
  }

  /**
   * Chooses how often curvature is computed.
   *
   * @param factors every so many steps the curvature of a batch goes into the average
   * @param inverses every so many steps it is factorised anew
   * @return this listener
   * @throws IllegalArgumentException if one of them is less than 1
   */
  public Kfac every(int factors, int inverses) {
    if (factors < 1 || inverses < 1) {
      throw new IllegalArgumentException(
          "every(" + factors + ", " + inverses + "): both are numbers of steps, at least 1.");
    }
    factorsEvery = factors;
    inversesEvery = inverses;
    return this;
  }

  /**
   * Limits a step: where ḡᵀ (C + δ)⁻¹ ḡ is above κ, the preconditioned gradient is made shorter, so
   * that it is κ. With a learning rate η a step then changes the quadratic model by no more than
   * the order of η κ.
   *
   * @param kappa κ, above 0; there is no limit by default
   * @return this listener
   * @throws IllegalArgumentException if it is not above 0 and finite
   */
  public Kfac normConstraint(double kappa) {
    constraint = positive("The norm constraint", kappa);
    return this;
  }

  private static double positive(String what, double number) {
    if (!(number > 0 && Double.isFinite(number))) {
      throw new IllegalArgumentException(what + " is " + number + ", expected a number above 0.");
    }
    return number;
  }

  /**
   * Tells what stands in the way for batches as this one, as {@link BackPackListener#check(Model,
   * DataSet)} does.
   *
   * @param net the network
   * @param batch a batch as the network will be trained with
   * @return this listener
   * @throws org.backpack4j.dl4j.UnconvertibleNetworkException if the network cannot be converted
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the quantity cannot be had
   */
  public Kfac check(Model net, DataSet batch) {
    quantities.check(net, batch);
    return this;
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

  private boolean isDue() {
    return inverse == null || sinceFactors >= factorsEvery;
  }

  private synchronized void step(Model net, TrainingStep step) {
    latest = step.quantities();
  }

  @Override
  public synchronized void onForwardPass(Model model, List<INDArray> activations) {
    if (hears(model) && isDue()) {
      quantities.onForwardPass(model, activations);
    }
  }

  @Override
  public synchronized void onForwardPass(Model model, Map<String, INDArray> activations) {
    if (hears(model) && isDue()) {
      quantities.onForwardPass(model, activations);
    }
  }

  @Override
  public synchronized void onBackwardPass(Model model) {
    if (hears(model) && isDue()) {
      quantities.onBackwardPass(model);
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
      if (isDue()) {
        add(results());
        sinceFactors = 0;
      }
      DampedCurvature current = inverse;
      if (current == null || sinceInverse >= inversesEvery) {
        current = factorised();
        inverse = current;
        sinceInverse = 0;
      }
      precondition(model, current);
      sinceFactors++;
      sinceInverse++;
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

  private void add(QuantityResults results) {
    shape = results;
    batches++;
    results
        .outputs()
        .forEach(
            (name, array) -> {
              if (name.contains("." + extension.field())) {
                INDArray now = array.castTo(DataType.DOUBLE).mul(1 - decay);
                INDArray before = averages.get(name);
                averages.put(name, before == null ? now : now.addi(before.mul(decay)));
              }
            });
  }

  private DampedCurvature factorised() {
    double whole = 1 - Math.pow(decay, batches); // what the weights of the batches add up to
    Map<String, INDArray> arrays = new LinkedHashMap<>(shape.outputs());
    Map<String, List<Integer>> axes = new LinkedHashMap<>();
    averages.forEach(
        (name, average) -> {
          arrays.put(name, average.div(whole));
          shape.outputAxes(name).ifPresent(a -> axes.put(name, a));
        });
    Curvature curvature =
        Curvature.of(new QuantityResults(arrays, List.of(extension), Map.of(), axes), extension);
    return (factored ? curvature.withFactoredDamping() : curvature).damped(damping);
  }

  private void precondition(Model model, DampedCurvature current) {
    ParameterLayout layout = current.layout();
    double samples = model.batchSize();
    Map<String, INDArray> own = new LinkedHashMap<>();
    Map<String, INDArray> views = new LinkedHashMap<>();
    for (String name : layout.names()) {
      INDArray view = model.gradient().getGradientFor(name);
      if (view == null) {
        throw new IllegalStateException("DL4J has no gradient of \"" + name + "\".");
      }
      views.put(name, view);
      own.put(name, view.dup('c').reshape(layout.shape(name)));
    }
    INDArray gradient = layout.join(own).divi(samples);
    INDArray natural = current.solve(gradient.reshape(1, layout.size())).reshape(layout.size());
    double product = gradient.mul(natural).sumNumber().doubleValue();
    double shorter = product > constraint ? Math.sqrt(constraint / product) : 1;
    // DL4J divides by the number of samples
    layout
        .split(natural.muli(samples * shorter))
        .forEach(
            (name, part) -> {
              INDArray view = views.get(name);
              if (view != null) {
                view.assign(part.castTo(view.dataType()).reshape(view.shape()));
              }
            });
  }

  @Override
  public synchronized void iterationDone(Model model, int iteration, int epoch) {
    quantities.iterationDone(model, iteration, epoch);
  }

  /** Where the quantities come with the pass that trains. */
  private final class OfPlannedSteps implements QuantityListener {
    private final QuantityListener inner;

    OfPlannedSteps(QuantityListener inner) {
      this.inner = inner;
    }

    @Override
    public @Nullable ListenerSettings wanted(Model net, int iteration) {
      return hears(net) && isDue() ? inner.wanted(net, iteration) : null;
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
  }

  /** Frees the memory that evaluations keep. */
  @Override
  public void close() {
    quantities.close();
  }
}
