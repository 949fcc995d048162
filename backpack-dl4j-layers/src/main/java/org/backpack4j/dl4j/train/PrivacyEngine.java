package org.backpack4j.dl4j.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.backpack4j.dl4j.UnconvertibleNetworkException;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.privacy.NoiseMultiplier;
import org.backpack4j.samediff.privacy.PrivacyAccountant;
import org.backpack4j.samediff.privacy.PrivacyLedger;
import org.deeplearning4j.earlystopping.termination.IterationTerminationCondition;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.util.ModelSerializer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains a network with differential privacy, by DP-SGD (Abadi et al., 2016, "Deep learning with
 * differential privacy") with any updater behind it:
 *
 * <pre>{@code
 * PrivacyEngine dp =
 *     PrivacyEngine.on(net).epsilon(3).delta(1e-5).epochs(10).batchSize(600).clip(1.0).build(data);
 * net.addListeners(dp.listener());
 * PlannedTraining.of(net).fit(dp.iterator(), 10); // or net.fit(dp.iterator(), 10)
 * double spent = dp.epsilon();
 * }</pre>
 *
 * <p>In each step every sample of the data set is in the batch with probability q, the expected
 * batch's size over the number of samples, independently of all others. Each sample's gradient is
 * clipped, the clipped gradients are added up, noise is added, and the sum is divided by the
 * <em>expected</em> batch's size; the updater is given that in the place of the gradient. l1, l2
 * and weight decay are the updater's, and see no sample.
 *
 * <p>R is in the scale of a sample's own loss, as {@code net.score()} has it of one sample.
 *
 * <p>Private are the parameters, and what is computed from them alone. Not private are scores,
 * activations and gradients of single batches that other listeners see, and quantities of this
 * library; a score on other data that nobody protects is no matter.
 *
 * <p>What would break the promise is refused: samples that influence each other (batch
 * normalisation in training), gradient normalisation, another iterator, steps without the listener
 * or beyond the budget. An engine is for one network and for one thread at a time; {@link #epsilon}
 * and {@link #ledger} may be asked from any.
 */
public final class PrivacyEngine implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PrivacyEngine.class);

  private final Model net;
  private final PoissonBatches batches;
  private final double expected;
  private final int stepsOfAnEpoch;
  private final Clipping clipping;
  private final double sigma;
  private final @Nullable Double target;
  private final double delta;
  private final PrivacyAccountant accountant;
  private final NoiseSource noise;
  private final PrivateSteps listener;

  /** How many more steps there are. */
  private final AtomicLong left;

  private volatile PrivacyLedger ledger;
  private volatile double bound;

  /** What was drawn, until its step is made. */
  private @Nullable List<PoissonBatches.Piece> drawn;

  /** Whether the step of what was drawn has begun. */
  private boolean begun;

  private PrivacyEngine(
      Builder chosen, PoissonBatches batches, double sigma, long left, int layers) {
    this.net = chosen.net;
    this.batches = batches;
    this.expected = batches.rate() * batches.samples();
    this.stepsOfAnEpoch = stepsOfAnEpoch(batches.rate());
    this.clipping = chosen.clipping();
    this.sigma = sigma;
    this.target = chosen.epsilon;
    this.delta = Objects.requireNonNull(chosen.delta);
    this.accountant = chosen.accountant;
    this.noise = chosen.noise == null ? NoiseSource.secure() : chosen.noise;
    this.left = new AtomicLong(left);
    this.ledger = chosen.ledger;
    this.bound = clipping.bound();
    this.listener = new PrivateSteps(this, clipping.extension(layers));
  }

  private static int stepsOfAnEpoch(double rate) {
    return (int) Math.max(1, Math.round(1 / rate));
  }

  /**
   * Begins to choose.
   *
   * @param net the network, which is initialised if it is not yet
   * @return the choices
   */
  public static Builder on(MultiLayerNetwork net) {
    net.init();
    return new Builder(net);
  }

  /**
   * Begins to choose.
   *
   * @param net the network, which is initialised if it is not yet
   * @return the choices
   */
  public static Builder on(ComputationGraph net) {
    net.init();
    return new Builder(net);
  }

  // ---- training ----

  /**
   * The listener that makes steps private. It belongs to the network that the engine is on.
   *
   * @return the listener, always the same
   */
  public TrainingListener listener() {
    return listener;
  }

  /**
   * The batches of an epoch, drawn anew each time, for a network with one input and one output.
   * Only these can be trained with. It must not be read ahead of the training, in another thread
   * say.
   *
   * @return an iterator; its {@code reset} begins another epoch
   * @throws IllegalStateException if the data has several inputs or outputs: {@link #multiIterator}
   *     is for these
   */
  public DataSetIterator iterator() {
    if (InputShapes.outputs(net) > 1 || batches.inputs() > 1) {
      throw new IllegalStateException(
          "The network has several inputs or outputs: use multiIterator().");
    }
    return poisson().single();
  }

  /**
   * The same for a network with several inputs or outputs.
   *
   * @return an iterator; its {@code reset} begins another epoch
   */
  public MultiDataSetIterator multiIterator() {
    return poisson().multi();
  }

  private PoissonIterator poisson() {
    return new PoissonIterator(this::draw, stepsOfAnEpoch, (int) Math.round(expected));
  }

  /**
   * For DL4J's early stopping: ends the training when the budget is spent.
   *
   * @return a condition that is true when no further step can be made
   */
  public IterationTerminationCondition termination() {
    return new Spent();
  }

  /** True when no further step can be made. */
  private final class Spent implements IterationTerminationCondition {
    private static final long serialVersionUID = 1L;

    @Override
    public void initialize() {}

    @Override
    public boolean terminate(double lastMiniBatchScore) {
      return left.get() == 0;
    }

    @Override
    public String toString() {
      return "PrivacyEngine.termination()";
    }
  }

  // ---- what is known ----

  /**
   * What was spent until now.
   *
   * @return ε, the accountant's upper bound; 0 before the first step
   */
  public double epsilon() {
    return accountant.epsilon(ledger, delta).upper();
  }

  /**
   * What was done until now, with what was done before if the engine has resumed.
   *
   * @return the ledger, which does not change any more
   */
  public PrivacyLedger ledger() {
    return ledger;
  }

  /**
   * The noise multiplier.
   *
   * @return σ, the standard deviation of the noise over that by which a sample moves the sum at
   *     most
   */
  public double noiseMultiplier() {
    return sigma;
  }

  /**
   * The probability of each sample to be in a batch.
   *
   * @return q
   */
  public double samplingRate() {
    return batches.rate();
  }

  /**
   * How many more steps can be made.
   *
   * @return the number
   */
  public long stepsLeft() {
    return left.get();
  }

  /**
   * How many steps an epoch has: in it each sample is expected once.
   *
   * @return 1/q, rounded
   */
  public int stepsPerEpoch() {
    return stepsOfAnEpoch;
  }

  /**
   * The bound R of the next step. It is private: an adaptive one follows from noisy counts.
   *
   * @return R; that of {@link Builder#clip} unless clipping is adaptive
   */
  public double bound() {
    return bound;
  }

  /**
   * Saves the network with its updater's state, as {@link ModelSerializer} does, and the ledger in
   * the same file.
   *
   * @param file where to
   * @throws IOException if it cannot be written
   */
  public void save(Path file) throws IOException {
    SavedLedger.save(net, ledger, file);
  }

  /**
   * The ledger of a network that was saved by {@link #save}, to go on with by {@link
   * Builder#resume}.
   *
   * @param file the saved network
   * @return the ledger
   * @throws IOException if the file cannot be read, or has none
   */
  public static PrivacyLedger ledgerOf(Path file) throws IOException {
    return SavedLedger.load(file);
  }

  /** Frees the memory that is kept between steps. */
  @Override
  public void close() {
    listener.evaluator().close();
  }

  // ---- for the listener ----

  Model network() {
    return net;
  }

  Clipping clipping() {
    return clipping;
  }

  double expectedBatch() {
    return expected;
  }

  NoiseSource noise() {
    return noise;
  }

  /** Draws a batch; answers the piece that the network is trained with. */
  private synchronized MultiDataSet draw() {
    checkListeners();
    if (drawn != null && !begun) {
      throw new IllegalStateException(
          "A batch was drawn, and no private step was made of the one before: add the engine's"
              + " listener() to the network, and let nothing read batches ahead of the training"
              + " (AsyncDataSetIterator).");
    }
    checkBudget();
    List<PoissonBatches.Piece> pieces = batches.draw(noise);
    drawn = pieces;
    begun = false;
    return pieces.get(pieces.size() - 1).data();
  }

  /** Steps are private by the listener alone, and if none behind it reads the batch again. */
  private void checkListeners() {
    Collection<TrainingListener> listeners =
        net instanceof ComputationGraph graph
            ? graph.getListeners()
            : ((MultiLayerNetwork) net).getListeners();
    if (listeners == null || !listeners.contains(listener)) {
      throw new IllegalStateException(
          "The network does not have the engine's listener, without which its steps are not"
              + " private: net.addListeners(engine.listener()).");
    }
    if (listeners.stream().anyMatch(Kfac.class::isInstance)) {
      throw new IllegalStateException(
          "The network has a Kfac listener, which multiplies the gradient by curvature of the batch"
              + " that is neither clipped nor noised: ε would be wrong. Take it off the network.");
    }
  }

  private void checkBudget() {
    if (left.get() > 0) {
      return;
    }
    double spent = epsilon();
    throw new PrivacyBudgetException(
        "No further step: ε = %.4f at δ = %s was spent%s. Stop here, or build another engine with a"
                .formatted(
                    spent,
                    delta,
                    target == null ? ", and all epochs are made" : ", of a budget of " + target)
            + " larger budget or more epochs, and resume(ledger()).",
        spent);
  }

  /** The pieces of the batch of which a network's gradient is to be computed. */
  synchronized List<PoissonBatches.Piece> begin(Model model) {
    if (model != net) {
      throw new IllegalStateException(
          "The listener hears of another network than its engine is on: a copy, or one that was"
              + " restored. Build an engine on that one, and resume(ledger()).");
    }
    checkListeners();
    List<PoissonBatches.Piece> pieces = drawn;
    INDArray fed =
        model instanceof ComputationGraph graph
            ? graph.getInput(0)
            : ((MultiLayerNetwork) model).getInput();
    if (pieces == null
        || begun
        || !isSame(fed, pieces.get(pieces.size() - 1).data().getFeatures(0))) {
      throw new IllegalStateException(
          "The network is trained with a batch that the engine has not drawn, or a second time with"
              + " one that it has: train with the engine's iterator() alone, in which every sample"
              + " is in a batch by chance. Otherwise ε would be wrong.");
    }
    begun = true;
    checkBudget();
    return pieces;
  }

  private static boolean isSame(INDArray fed, INDArray drawn) {
    return fed == drawn
        || (fed.data().address() == drawn.data().address()
            && Arrays.equals(fed.shape(), drawn.shape()));
  }

  /**
   * Counts a step.
   *
   * @param samples how many samples it has
   * @param clipped how many are clipped
   * @return the standard deviation of the gradient's noise
   */
  double record(double samples, double clipped) {
    ledger = ledger.plus(sigma, batches.rate(), 1);
    left.decrementAndGet();
    double deviation = clipping.gradientMultiplier(sigma, expected) * clipping.sensitivity(bound);
    if (clipping.isAdaptive()) {
      double spread = Clipping.countDeviation(sigma, expected);
      double count = samples - clipped - samples / 2 + noise.normals(1, spread)[0];
      bound = clipping.next(bound, count / expected + 0.5);
    }
    return deviation;
  }

  /** A refusal as the network's owner reads it. */
  RuntimeException told(Model model, RuntimeException reason) {
    return reason instanceof UnsupportedGraphException e
        ? PrivacyCheck.refusal(model, e.refusals())
        : reason;
  }

  // ---- choices ----

  /** The choices of a private training. */
  public static final class Builder {
    private final Model net;
    private PrivacyAccountant accountant = PrivacyAccountant.prv();
    private PrivacyLedger ledger = PrivacyLedger.empty();
    private Clipping.Kind kind = Clipping.Kind.FLAT;
    private double gamma = 0.01;
    private double quantile = 0.5;
    private int epochs = 1;
    private int most = Integer.MAX_VALUE;
    private @Nullable Double epsilon;
    private @Nullable Double delta;
    private @Nullable Double sigma;
    private @Nullable Double clip;
    private @Nullable Integer batch;
    private @Nullable NoiseSource noise;

    private Builder(Model net) {
      this.net = net;
    }

    /**
     * Chooses the budget: what may be spent with what was spent before.
     *
     * @param budget ε, above 0
     * @return this
     */
    public Builder epsilon(double budget) {
      epsilon = above("epsilon", budget);
      return this;
    }

    /**
     * Chooses δ, which belongs well below one over the number of samples.
     *
     * @param probability δ, between 0 and 1
     * @return this
     */
    public Builder delta(double probability) {
      if (!(probability > 0 && probability < 1)) {
        throw new IllegalArgumentException(
            "delta is " + probability + ", expected a number between 0 and 1, such as 1e-5");
      }
      delta = probability;
      return this;
    }

    /**
     * Chooses how long the training is: noise is as small as the budget allows for so many epochs.
     *
     * @param number how many epochs, 1 by default
     * @return this
     */
    public Builder epochs(int number) {
      epochs = (int) above("epochs", number);
      return this;
    }

    /**
     * Chooses the expected number of samples of a batch; by default an iterator's own.
     *
     * @param samples the number, at least 1 and at most that of the data set
     * @return this
     */
    public Builder batchSize(int samples) {
      batch = (int) above("batchSize", samples);
      return this;
    }

    /**
     * Chooses the bound R of the norms of samples' gradients.
     *
     * @param norm R, above 0; of adaptive clipping the first
     * @return this
     */
    public Builder clip(double norm) {
      clip = above("clip", norm);
      return this;
    }

    /**
     * Clips the gradient of each layer by itself, to R/√K for K layers, so that a sample moves the
     * sum by no more than R.
     *
     * @return this
     */
    public Builder perLayer() {
      kind = Clipping.Kind.PER_LAYER;
      return this;
    }

    /**
     * Divides samples' gradients by their norm plus γ, so that a sample moves the sum by no more
     * than 1 (Bu, Wang, Zha and Karypis, 2023, "Automatic clipping"). There is no bound to choose
     * then.
     *
     * @param stabiliser γ, above 0, commonly 0.01
     * @return this
     */
    public Builder automatic(double stabiliser) {
      kind = Clipping.Kind.AUTOMATIC;
      gamma = above("automatic", stabiliser);
      return this;
    }

    /**
     * Has R follow a quantile of the samples' norms, by a noisy count of those below it, whose cost
     * is in ε (Andrew, Thakkar, McMahan and Ramaswamy, 2021, "Differentially private learning with
     * adaptive clipping").
     *
     * @param share which share of the samples is not to be clipped, between 0 and 1
     * @return this
     */
    public Builder adaptive(double share) {
      if (!(share > 0 && share < 1)) {
        throw new IllegalArgumentException(
            "adaptive is " + share + ", expected a share between 0 and 1, such as 0.5");
      }
      kind = Clipping.Kind.ADAPTIVE;
      quantile = share;
      return this;
    }

    /**
     * Chooses the noise itself. The training ends when the epochs are made, or the budget is spent,
     * if there is one.
     *
     * @param multiplier σ, the standard deviation of the noise over the bound
     * @return this
     */
    public Builder noiseMultiplier(double multiplier) {
      sigma = above("noiseMultiplier", multiplier);
      return this;
    }

    /**
     * Chooses the accountant, {@link PrivacyAccountant#prv} by default.
     *
     * @param choice one that has an upper bound
     * @return this
     */
    public Builder accountant(PrivacyAccountant choice) {
      accountant = choice;
      return this;
    }

    /**
     * Goes on after a training of the same data: what it has spent counts. Noise is as before,
     * unless it is chosen.
     *
     * @param before what was done, {@link PrivacyEngine#ledger} or {@link PrivacyEngine#ledgerOf}
     * @return this
     */
    public Builder resume(PrivacyLedger before) {
      ledger = before;
      return this;
    }

    /**
     * Works through batches some samples at a time, to save memory: DL4J's own pass, and a score,
     * are of the last piece alone. Noise is added once.
     *
     * @param samples how many at most
     * @return this
     */
    public Builder pieces(int samples) {
      most = (int) above("pieces", samples);
      return this;
    }

    /** Random numbers that can be guessed, for tests. */
    Builder noise(NoiseSource source) {
      noise = source;
      return this;
    }

    private static double above(String what, double number) {
      if (!(number > 0 && Double.isFinite(number))) {
        throw new IllegalArgumentException(what + " is " + number + ", expected a number above 0");
      }
      return number;
    }

    private Clipping clipping() {
      return new Clipping(kind, clip == null ? 1 : clip, gamma, quantile);
    }

    /**
     * Makes the engine.
     *
     * @param data all samples
     * @return the engine
     * @throws PrivacyRefusedException if the network cannot be trained so; it lists every obstacle
     * @throws IllegalArgumentException if something was not chosen that has to be, or the budget
     *     allows for no step
     */
    public PrivacyEngine build(DataSet data) {
      return build(((org.nd4j.linalg.dataset.DataSet) data).toMultiDataSet());
    }

    /**
     * Makes the engine.
     *
     * @param data all samples, which are read now; its batch size is the expected one, unless
     *     {@link #batchSize} has another
     * @return the engine
     * @throws PrivacyRefusedException if the network cannot be trained so; it lists every obstacle
     * @throws IllegalArgumentException if something was not chosen that has to be, or the budget
     *     allows for no step
     */
    public PrivacyEngine build(DataSetIterator data) {
      if (batch == null) {
        batch = data.batch();
      }
      data.reset();
      List<org.nd4j.linalg.dataset.DataSet> all = new ArrayList<>();
      data.forEachRemaining(all::add);
      return build(org.nd4j.linalg.dataset.DataSet.merge(all));
    }

    /**
     * Makes the engine.
     *
     * @param data all samples
     * @return the engine
     * @throws PrivacyRefusedException if the network cannot be trained so; it lists every obstacle
     * @throws IllegalArgumentException if something was not chosen that has to be, or the budget
     *     allows for no step
     */
    public PrivacyEngine build(MultiDataSet data) {
      MultiDataSet typed = PoissonBatches.laidOut(data, net.params().dataType());
      int expected = chosenBatch(typed.getFeatures(0).size(0));
      double wanted = needed("delta(…)", delta);
      if (kind != Clipping.Kind.AUTOMATIC) {
        needed("clip(…)", clip);
      }
      PrivacyCheck.of(net, most < Integer.MAX_VALUE);
      PoissonBatches batches = new PoissonBatches(typed, expected, most);
      if (wanted * batches.samples() > 1) {
        log.warn(
            "delta {} is above one over the number of samples, {}: a promise that some sample is"
                + " published keeps to it.",
            wanted,
            batches.samples());
      }
      long planned = (long) epochs * stepsOfAnEpoch(batches.rate());
      double multiplier = multiplier(batches.rate(), planned);
      long left = steps(multiplier, batches.rate(), planned);
      PrivacyEngine engine = new PrivacyEngine(this, batches, multiplier, left, layers());
      engine.prepare(typed);
      return engine;
    }

    private int chosenBatch(long samples) {
      int chosen = (int) needed("batchSize(…)", batch == null ? null : (double) batch);
      if (chosen > samples) {
        throw new IllegalArgumentException(
            "batchSize is %d, expected at most the number of samples, %d"
                .formatted(chosen, samples));
      }
      return chosen;
    }

    private static double needed(String what, @Nullable Double value) {
      if (value == null) {
        throw new IllegalArgumentException(
            what + " was not chosen: PrivacyEngine.on(net)." + what + "….build(data)");
      }
      return value;
    }

    private double multiplier(double rate, long planned) {
      if (sigma != null) {
        return sigma;
      }
      List<PrivacyLedger.Phase> before = ledger.phases();
      if (!before.isEmpty()) {
        return before.get(before.size() - 1).noiseMultiplier();
      }
      double budget = needed("epsilon(…)", epsilon);
      return NoiseMultiplier.forTarget(
          budget, Objects.requireNonNull(delta), rate, planned, accountant);
    }

    /** How many steps the budget allows for, and not more than are planned. */
    private long steps(double multiplier, double rate, long planned) {
      if (epsilon == null || isWithin(multiplier, rate, planned)) {
        return planned;
      }
      long enough = 0;
      long tooMany = planned;
      while (tooMany - enough > 1) {
        long middle = enough + (tooMany - enough) / 2;
        if (isWithin(multiplier, rate, middle)) {
          enough = middle;
        } else {
          tooMany = middle;
        }
      }
      if (enough == 0) {
        throw new IllegalArgumentException(
            "epsilon %s at delta %s allows for no step with the noise multiplier %s%s: choose a larger"
                    .formatted(
                        epsilon,
                        delta,
                        multiplier,
                        ledger.phases().isEmpty() ? "" : " after what was spent before")
                + " budget or more noise");
      }
      return enough;
    }

    private boolean isWithin(double multiplier, double rate, long steps) {
      PrivacyLedger then = ledger.plus(multiplier, rate, steps);
      return accountant.epsilon(then, Objects.requireNonNull(delta)).upper()
          <= Objects.requireNonNull(epsilon);
    }

    private int layers() {
      Set<String> layers = new LinkedHashSet<>();
      net.paramTable().keySet().forEach(name -> layers.add(Clipping.layer(name)));
      return Math.max(1, layers.size());
    }
  }

  /** Makes the graph beforehand, unless it has to wait for what is drawn. */
  private void prepare(MultiDataSet data) {
    try {
      listener.evaluator().check(net);
      if (!NetworkConverter.draws(net, NetworkConverter.converters())) {
        listener.evaluator().prepare(net, BatchShape.of(data, InputShapes.outputs(net)));
      }
    } catch (UnsupportedGraphException e) {
      PrivacyRefusedException refused = PrivacyCheck.refusal(net, e.refusals());
      refused.initCause(e);
      throw refused;
    } catch (UnconvertibleNetworkException e) {
      PrivacyRefusedException refused = new PrivacyRefusedException(e.obstacles());
      refused.initCause(e);
      throw refused;
    }
  }
}
