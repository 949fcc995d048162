package org.backpack4j.dl4j.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.samediff.privacy.PrivacyAccountant;
import org.backpack4j.samediff.privacy.PrivacyLedger;
import org.deeplearning4j.earlystopping.termination.IterationTerminationCondition;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.util.ModelSerializer;
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
  private final PrivacyBudget budget;
  private final DrawnBatches drawn;
  private final NoisySums sums;
  private final PrivateSteps listener;

  private PrivacyEngine(
      Model net, PrivacyChoices chosen, PoissonBatches batches, PrivacyBudget budget) {
    this.net = net;
    this.batches = batches;
    this.budget = budget;
    Clipping clipping = chosen.clipping();
    NoiseSource noise = chosen.noise == null ? NoiseSource.secure() : chosen.noise;
    this.drawn = new DrawnBatches(batches, noise, budget);
    this.sums = new NoisySums(clipping, noise, budget.sigma(), batches.rate() * batches.samples());
    this.listener =
        new PrivateSteps(net, drawn, budget, sums, clipping.extension(PrivacyChoices.layers(net)));
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
    return new PoissonIterator(this::draw, stepsPerEpoch(), (int) Math.round(sums.expected()));
  }

  private MultiDataSet draw() {
    listener.checkListeners();
    return drawn.draw();
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
      return budget.left() == 0;
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
    return budget.epsilon();
  }

  /**
   * What was done until now, with what was done before if the engine has resumed.
   *
   * @return the ledger, which does not change any more
   */
  public PrivacyLedger ledger() {
    return budget.ledger();
  }

  /**
   * The noise multiplier.
   *
   * @return σ, the standard deviation of the noise over that by which a sample moves the sum at
   *     most
   */
  public double noiseMultiplier() {
    return budget.sigma();
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
    return budget.left();
  }

  /**
   * How many steps an epoch has: in it each sample is expected once.
   *
   * @return 1/q, rounded
   */
  public int stepsPerEpoch() {
    return batches.stepsOfAnEpoch();
  }

  /**
   * The bound R of the next step. It is private: an adaptive one follows from noisy counts.
   *
   * @return R; that of {@link Builder#clip} unless clipping is adaptive
   */
  public double bound() {
    return sums.bound();
  }

  /**
   * Saves the network with its updater's state, as {@link ModelSerializer} does, and the ledger in
   * the same file.
   *
   * @param file where to
   * @throws IOException if it cannot be written
   */
  public void save(Path file) throws IOException {
    SavedLedger.save(net, budget.ledger(), file);
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
    listener.close();
  }

  // ---- choices ----

  /** The choices of a private training. */
  public static final class Builder {
    private final Model net;
    private final PrivacyChoices chosen = new PrivacyChoices();

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
      chosen.epsilon = PrivacyChoices.above("epsilon", budget);
      return this;
    }

    /**
     * Chooses δ, which belongs well below one over the number of samples.
     *
     * @param probability δ, between 0 and 1
     * @return this
     */
    public Builder delta(double probability) {
      chosen.delta = PrivacyChoices.share("delta", probability, "number", "1e-5");
      return this;
    }

    /**
     * Chooses how long the training is: noise is as small as the budget allows for so many epochs.
     *
     * @param number how many epochs, 1 by default
     * @return this
     */
    public Builder epochs(int number) {
      chosen.epochs = (int) PrivacyChoices.above("epochs", number);
      return this;
    }

    /**
     * Chooses the expected number of samples of a batch; by default an iterator's own.
     *
     * @param samples the number, at least 1 and at most that of the data set
     * @return this
     */
    public Builder batchSize(int samples) {
      chosen.batch = (int) PrivacyChoices.above("batchSize", samples);
      return this;
    }

    /**
     * Chooses the bound R of the norms of samples' gradients.
     *
     * @param norm R, above 0; of adaptive clipping the first
     * @return this
     */
    public Builder clip(double norm) {
      chosen.clip = PrivacyChoices.above("clip", norm);
      return this;
    }

    /**
     * Clips the gradient of each layer by itself, to R/√K for K layers, so that a sample moves the
     * sum by no more than R.
     *
     * @return this
     */
    public Builder perLayer() {
      chosen.kind = Clipping.Kind.PER_LAYER;
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
      chosen.kind = Clipping.Kind.AUTOMATIC;
      chosen.gamma = PrivacyChoices.above("automatic", stabiliser);
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
      chosen.quantile = PrivacyChoices.share("adaptive", share, "share", "0.5");
      chosen.kind = Clipping.Kind.ADAPTIVE;
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
      chosen.sigma = PrivacyChoices.above("noiseMultiplier", multiplier);
      return this;
    }

    /**
     * Chooses the accountant, {@link PrivacyAccountant#prv} by default.
     *
     * @param choice one that has an upper bound
     * @return this
     */
    public Builder accountant(PrivacyAccountant choice) {
      chosen.accountant = choice;
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
      chosen.ledger = before;
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
      chosen.most = (int) PrivacyChoices.above("pieces", samples);
      return this;
    }

    /** Random numbers that can be guessed, for tests. */
    Builder noise(NoiseSource source) {
      chosen.noise = source;
      return this;
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
      if (chosen.batch == null) {
        chosen.batch = data.batch();
      }
      if (data.resetSupported()) {
        data.reset();
      }
      List<org.nd4j.linalg.dataset.DataSet> all = new ArrayList<>();
      data.forEachRemaining(all::add);
      if (all.isEmpty() || all.stream().anyMatch(batch -> batch.getLabels() == null)) {
        throw new IllegalArgumentException(
            all.isEmpty()
                ? "The iterator has no batch: hand over one that has all samples and was not read"
                    + " yet."
                : "The iterator has a batch without labels, from which there are no gradients.");
      }
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
      PoissonBatches batches =
          new PoissonBatches(typed, chosen.batch(typed.getFeatures(0).size(0)), chosen.most);
      double delta = chosen.delta();
      chosen.clipping(); // refused before the network is
      PrivacyCheck.of(net, chosen.most < Integer.MAX_VALUE);
      if (delta * batches.samples() > 1) {
        log.warn(
            "delta {} is above one over the number of samples, {}: a promise that some sample is"
                + " published keeps to it.",
            delta,
            batches.samples());
      }
      long planned = (long) chosen.epochs * batches.stepsOfAnEpoch();
      PrivacyBudget budget = new PrivacyBudget(chosen, delta, batches.rate(), planned);
      PrivacyEngine engine = new PrivacyEngine(net, chosen, batches, budget);
      engine.listener.prepare(typed);
      return engine;
    }
  }
}
