package org.backpack4j.dl4j.laplace;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.backpack4j.dl4j.internal.trained.OpenGraphs;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.Jacobian;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * A Laplace approximation of a trained network or graph (MacKay, 1992; Daxberger, Kristiadi, Immer,
 * Eschenhagen, Bauer and Hennig, 2021, "Laplace redux: effortless Bayesian deep learning"): its
 * weights are normally distributed around what training has found, N(θ, P⁻¹), with the precision P
 * = H / σ² + Λ of the data's curvature H and a prior's precision Λ.
 *
 * <pre>{@code
 * Laplace laplace = Laplace.of(net).kron().lastLayer().fit(trainIterator).tunePrior();
 * Prediction prediction = laplace.predict(features);
 * prediction.probabilities(); // calibrated
 * }</pre>
 *
 * <p><b>Scale.</b> H is the generalised Gauss-Newton matrix of the negative log-likelihood of all
 * samples together. That is the sum of cross-entropies; of a squared error it is ½ Σ (y − f)² / σ²,
 * whatever factor the loss has, and whether the loss is a sum or a mean: losses are brought to this
 * scale. Penalties of the loss (l1, l2) are left aside: the prior stands in their place.
 *
 * <p><b>Likelihoods.</b> The cross-entropy of a softmax, whose rows are classes (time steps are
 * rows of their own), or of sigmoids, and the squared error, whose noise σ² is fitted. Others are
 * refused.
 *
 * <p><b>Forms.</b> H is Kronecker-factored by default; {@link #diagonal()}, {@link #ekfac()} and
 * {@link #full()} are the others. It is of all trained parameters, unless {@link #lastLayer()} or
 * {@link #layers} say otherwise.
 *
 * <p><b>Memory.</b> Predictive variances J P⁻¹ Jᵀ never need the whole Jacobian [N, C, P]: the last
 * layer's part comes from its inputs and from P's eigenvectors, that of other layers one by one for
 * a few samples at a time, within {@link #memoryBudget}.
 *
 * <p>The network is seen as in evaluation: without dropout, batch normalisation with its running
 * statistics. It is only read. After {@link #fit} its parameters have to stay as they are; other
 * ones are refused. Not for several threads at once.
 */
public final class Laplace implements AutoCloseable {
  private final TrainedModel net;
  private final Choices choices;
  private final Prior prior;
  private @Nullable Fitted fitted;

  // made when they are needed
  private @Nullable Posterior posterior;
  private @Nullable Predictions predictions;
  private @Nullable OpenGraphs graphs;

  private Laplace(TrainedModel net, Choices choices, Prior prior) {
    this.net = net;
    this.choices = choices;
    this.prior = prior;
  }

  private static Laplace of(TrainedModel net) {
    return new Laplace(net, new Choices(), new Prior());
  }

  /**
   * Of a network.
   *
   * @param net the trained network
   * @return a Laplace approximation with nothing fitted yet
   */
  public static Laplace of(MultiLayerNetwork net) {
    return of(TrainedModel.of(net));
  }

  /**
   * Of a network.
   *
   * @param net the trained network; of several outputs one is chosen by {@link #output}
   * @return a Laplace approximation with nothing fitted yet
   */
  public static Laplace of(ComputationGraph net) {
    return of(TrainedModel.of(net));
  }

  /**
   * Of a graph.
   *
   * @param sd the trained graph, with a training configuration that maps features and labels to
   *     placeholders
   * @return a Laplace approximation with nothing fitted yet
   */
  public static Laplace of(SameDiff sd) {
    return of(TrainedModel.of(sd));
  }

  // ---- choices ----

  private Laplace choose(Runnable choice) {
    if (fitted != null) {
      throw new IllegalStateException(
          "It is fitted already: what it is of has to be chosen before fit(…).");
    }
    choice.run();
    return this;
  }

  /**
   * H is its diagonal.
   *
   * @return this
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace diagonal() {
    return choose(() -> choices.form = Form.DIAGONAL);
  }

  /**
   * H has a block for each parameter, a Kronecker product B ⊗ A where the parameter is a weight
   * ({@code KFACExpand}). This is the default.
   *
   * @return this
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace kron() {
    return choose(() -> choices.form = Form.KRON);
  }

  /**
   * As {@link #kron()}, with eigenvalues corrected in a second pass over the data ({@code EKFAC}).
   *
   * @return this
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace ekfac() {
    return choose(() -> choices.form = Form.EKFAC);
  }

  /**
   * H is the whole matrix, of 10,000 parameters at most.
   *
   * @return this
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace full() {
    return choose(() -> choices.form = Form.FULL);
  }

  /**
   * The weight and bias of the dense layer that the predictions come out of alone.
   *
   * @return this
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace lastLayer() {
    return choose(() -> choices.parameters(true, List.of()));
  }

  /**
   * Some layers alone.
   *
   * @param names names of layers or of parameters, {@code conv1} or {@code conv1_W}; numbers of
   *     layers of a MultiLayerNetwork
   * @return this
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace layers(String... names) {
    return choose(() -> choices.parameters(false, List.of(names)));
  }

  /**
   * Chooses one of several outputs.
   *
   * @param name the output's name; of a graph that of its loss variable
   * @return this
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace output(String name) {
    return choose(() -> choices.output = name);
  }

  /**
   * H is estimated at labels that are drawn from the model, instead of summed over all classes: for
   * networks with many.
   *
   * @param labels how many labels are drawn for each sample
   * @param drawnFrom the seed
   * @return this
   * @throws IllegalStateException if it is fitted already
   * @throws IllegalArgumentException if there is not at least one label
   */
  public Laplace sampled(int labels, long drawnFrom) {
    return choose(() -> choices.columns = Columns.sampled(labels, drawnFrom));
  }

  /**
   * The prior has a precision for each layer, which {@link #tunePrior()} tunes one by one. Of a
   * SameDiff graph each parameter is a layer.
   *
   * @return this
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace priorPerLayer() {
    return choose(() -> choices.perLayer = true);
  }

  /**
   * Sets the prior's precision, 1 until then.
   *
   * @param precision δ, the same for all parameters, above 0
   * @return this
   * @throws IllegalArgumentException if it is not a finite number above 0
   */
  public Laplace priorPrecision(double precision) {
    prior.all(precision);
    return changed();
  }

  /**
   * Sets the prior's precisions of layers; others keep theirs.
   *
   * @param precisions by names of layers or parameters, each above 0
   * @return this
   * @throws IllegalArgumentException if one is not a finite number above 0, or names nothing that
   *     is fitted
   */
  public Laplace priorPrecision(Map<String, Double> precisions) {
    prior.some(precisions, fitted);
    return changed();
  }

  /**
   * Sets a regression's noise, which otherwise is fitted: by {@link #fit} to the mean squared
   * error, by {@link #tunePrior()} to the maximum of the marginal likelihood.
   *
   * @param variance σ², above 0
   * @return this
   * @throws IllegalArgumentException if it is not a finite number above 0
   */
  public Laplace noise(double variance) {
    prior.noise(variance);
    return changed();
  }

  /**
   * Chooses how probabilities are made of logits, {@link Link#PROBIT} by default.
   *
   * @param choice the link
   * @return this
   */
  public Laplace link(Link choice) {
    choices.link = choice;
    return this;
  }

  /**
   * Chooses {@link Link#SAMPLED}.
   *
   * @param count how many logits are drawn, 100 by default
   * @param drawnFrom the seed
   * @return this
   * @throws IllegalArgumentException if there is not at least one
   */
  public Laplace sampledLogits(int count, long drawnFrom) {
    choices.logits(count, drawnFrom);
    return this;
  }

  /**
   * Says how much memory predictions may take beside the network's own passes: a few arrays of
   * samples × predictions × parameters of a layer. A batch is cut into as many parts as needed; a
   * single sample is worked through whatever it takes. The pass that makes the Jacobians of layers
   * before the last is one of the network's, with as many cotangents as there are predictions.
   *
   * @param bytes the bytes, 256 MiB by default
   * @return this
   * @throws IllegalArgumentException if there is none
   */
  public Laplace memoryBudget(long bytes) {
    choices.budget(bytes);
    return changed();
  }

  /** What depended on the prior, the noise or the budget is made again. */
  private Laplace changed() {
    posterior = null;
    predictions = null;
    return this;
  }

  // ---- fitting ----

  /**
   * Fits the precision to the training data.
   *
   * @param iterator the training data
   * @return this
   * @throws IllegalArgumentException if the data are empty, a sample makes numbers that are not
   *     finite (it is named), two passes see different data, or the loss is no likelihood
   * @throws org.backpack4j.dl4j.UnconvertibleNetworkException if the network cannot be converted
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the curvature cannot be had
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace fit(DataSetIterator iterator) {
    return fit(Data.of(iterator));
  }

  /**
   * Fits the precision to the training data.
   *
   * @param iterator the training data
   * @return this
   * @throws IllegalArgumentException as {@link #fit(DataSetIterator)}
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace fit(MultiDataSetIterator iterator) {
    return fit(Data.of(iterator));
  }

  private Laplace fit(Data data) {
    return choose(
        () -> {
          Fitted made = new Fitting(model(), choices).fit(data);
          prior.check(made);
          fitted = made;
        });
  }

  /** The network with the loss of the chosen output. */
  private TrainedModel model() {
    net.checkMapping();
    return net.ofOutput(choices.output);
  }

  /**
   * Goes on with data beside those before: what comes out is what {@link #fit} of all of them
   * together would have given, to rounding. With {@link #ekfac()} the eigenvectors remain those of
   * the first data.
   *
   * @param iterator the new data alone
   * @return this
   * @throws IllegalArgumentException as {@link #fit(DataSetIterator)}
   * @throws IllegalStateException if nothing is fitted, or the network's parameters have changed
   */
  public Laplace update(DataSetIterator iterator) {
    return update(Data.of(iterator));
  }

  /**
   * Goes on with data beside those before.
   *
   * @param iterator the new data alone
   * @return this
   * @throws IllegalArgumentException as {@link #fit(DataSetIterator)}
   * @throws IllegalStateException if nothing is fitted, or the network's parameters have changed
   */
  public Laplace update(MultiDataSetIterator iterator) {
    return update(Data.of(iterator));
  }

  private Laplace update(Data data) {
    fitted = fitted().unchanged().with(data);
    return changed();
  }

  private Fitted fitted() {
    if (fitted == null) {
      throw new IllegalStateException("Nothing is fitted: fit(…) comes first.");
    }
    return fitted;
  }

  private Posterior posterior() {
    if (posterior == null) {
      posterior = new Posterior(fitted(), prior);
    }
    return posterior;
  }

  // ---- the posterior ----

  /**
   * The prior's precisions.
   *
   * @return δ by parameter
   * @throws IllegalStateException if nothing is fitted
   */
  public Map<String, Double> priorPrecisions() {
    return prior.precisions(fitted());
  }

  /**
   * A regression's noise.
   *
   * @return σ²; nothing of a classifier
   * @throws IllegalStateException if nothing is fitted
   */
  public OptionalDouble noise() {
    return fitted().regression()
        ? OptionalDouble.of(prior.sigma(fitted()))
        : OptionalDouble.empty();
  }

  /**
   * The logarithm of the marginal likelihood, by Laplace's method: ln p(D | θ) − ½ (ln det P − ln
   * det Λ + θᵀ Λ θ), the prior's mean being 0. It compares priors, and networks on the same data.
   *
   * @return the logarithm, of all samples together
   * @throws IllegalStateException if nothing is fitted
   */
  public double logMarginalLikelihood() {
    return posterior().logMarginalLikelihood();
  }

  /**
   * Tunes the prior's precision, or, with {@link #priorPerLayer()}, each layer's, to a maximum of
   * the marginal likelihood, and a regression's noise with it unless {@link #noise(double)} has set
   * that.
   *
   * @return this
   * @throws IllegalStateException if nothing is fitted
   */
  public Laplace tunePrior() {
    PriorTuning.byEvidence(fitted(), prior, choices.perLayer);
    return changed();
  }

  /**
   * Chooses the prior's precision, one for all parameters, among 10⁻⁴ … 10⁴ (33 values) by the loss
   * of predictions for other data: the negative log-likelihood of the {@link #link}'s
   * probabilities, of a regression that of N(f, variance + σ²).
   *
   * @param validation data that the network was not trained with
   * @return this
   * @throws IllegalArgumentException if there is no batch, or a prediction is no finite number
   * @throws IllegalStateException if nothing is fitted, or the network's parameters have changed
   */
  public Laplace tunePrior(DataSetIterator validation) {
    return tunePrior(Data.of(validation));
  }

  /**
   * Chooses the prior's precision by the loss of predictions for other data.
   *
   * @param validation data that the network was not trained with
   * @return this
   * @throws IllegalArgumentException if there is no batch, or a prediction is no finite number
   * @throws IllegalStateException if nothing is fitted, or the network's parameters have changed
   */
  public Laplace tunePrior(MultiDataSetIterator validation) {
    return tunePrior(Data.of(validation));
  }

  private Laplace tunePrior(Data validation) {
    fitted().unchanged();
    validation.first();
    try {
      PriorTuning.byLoss(prior, () -> changed().predictions().loss(validation));
    } finally {
      changed();
    }
    return this;
  }

  // ---- predictions ----

  /**
   * Predicts.
   *
   * @param features for each input an array [N, …]
   * @return means, variances and probabilities
   * @throws IllegalArgumentException if there is no sample, shapes do not fit, or a sample's
   *     prediction is no finite number (it is named)
   * @throws IllegalStateException if nothing is fitted, or the network's parameters have changed
   */
  public Prediction predict(INDArray... features) {
    return current().predict(features, null);
  }

  /**
   * Predicts, with masks of the features.
   *
   * @param batch features and their masks; labels are not looked at
   * @return means, variances and probabilities
   * @throws IllegalArgumentException as {@link #predict(INDArray...)}
   * @throws IllegalStateException if nothing is fitted, or the network's parameters have changed
   */
  public Prediction predict(MultiDataSet batch) {
    return current().predict(batch.getFeatures(), batch.getFeaturesMaskArrays());
  }

  /**
   * The covariances J P⁻¹ Jᵀ of the predictions' classes: N C² numbers, which {@link #predict} does
   * not need.
   *
   * @param features for each input an array [N, …]
   * @return [N, C, C], of time series [N T, C, C], sample by sample
   * @throws IllegalArgumentException as {@link #predict(INDArray...)}
   * @throws IllegalStateException if nothing is fitted, or the network's parameters have changed
   */
  public INDArray covariances(INDArray... features) {
    return current().covariances(features);
  }

  /** Predictions of the network that was fitted, and is still the same. */
  private Predictions current() {
    fitted().unchanged();
    return predictions();
  }

  private Predictions predictions() {
    if (graphs == null) {
      graphs = fitted().model().open(fitted().layout().names(), new Jacobian());
    }
    if (predictions == null) {
      predictions = new Predictions(posterior(), graphs, choices);
    }
    return predictions;
  }

  /**
   * Draws parameters of the posterior N(θ, P⁻¹): networks that agree with the data.
   *
   * @param count how many
   * @param drawnFrom the seed
   * @return for each fitted parameter [count, P…], of type DOUBLE in 'c' order
   * @throws IllegalArgumentException if there is not at least one
   * @throws IllegalStateException if nothing is fitted
   */
  public Map<String, INDArray> sample(int count, long drawnFrom) {
    return posterior().sample(count, drawnFrom);
  }

  /**
   * The curvature H of the data, at a noise of 1.
   *
   * @return the matrix, in the layout of the fitted parameters
   * @throws IllegalStateException if nothing is fitted
   */
  public Curvature curvature() {
    return fitted().curvature();
  }

  /**
   * The length of the gradient of the negative log posterior at the trained parameters, which is
   * zero at its maximum.
   *
   * @return ‖g‖
   * @throws IllegalStateException if nothing is fitted
   */
  public double gradientNorm() {
    return posterior().gradient().norm2Number().doubleValue();
  }

  /**
   * What is to be known of the approximation: that training has not converged, with the gradient's
   * norm and what a Newton step would gain, where that is more than 0.01 a sample; classes that the
   * data do not have, about which it can only be unsure.
   *
   * @return sentences; none if there is nothing to say
   * @throws IllegalStateException if nothing is fitted
   */
  public List<String> notes() {
    return posterior().notes();
  }

  // ---- files ----

  /**
   * Saves what was fitted, beside the network's own file: sums over the data, prior and noise, to
   * the last bit, and a checksum of the network's parameters, not the parameters themselves. A file
   * that is there is replaced once the new one is whole.
   *
   * @param file where to
   * @throws IOException if it cannot be written
   * @throws IllegalStateException if nothing is fitted, or the network's parameters have changed
   */
  public void save(Path file) throws IOException {
    LaplaceFile.save(file, choices, prior, fitted().unchanged());
  }

  /**
   * Loads what was fitted.
   *
   * @param file where from
   * @param net the network that it was fitted for, loaded from its own file
   * @return the approximation, equal to the last bit to what was saved
   * @throws IOException if it cannot be read, or is no such file
   * @throws IllegalArgumentException if the network has other parameters than it was fitted for
   */
  public static Laplace load(Path file, MultiLayerNetwork net) throws IOException {
    return load(file, TrainedModel.of(net));
  }

  /**
   * Loads what was fitted.
   *
   * @param file where from
   * @param net the network that it was fitted for, loaded from its own file
   * @return the approximation, equal to the last bit to what was saved
   * @throws IOException if it cannot be read, or is no such file
   * @throws IllegalArgumentException if the network has other parameters than it was fitted for
   */
  public static Laplace load(Path file, ComputationGraph net) throws IOException {
    return load(file, TrainedModel.of(net));
  }

  /**
   * Loads what was fitted.
   *
   * @param file where from
   * @param sd the graph that it was fitted for, with its training configuration
   * @return the approximation, equal to the last bit to what was saved
   * @throws IOException if it cannot be read, or is no such file
   * @throws IllegalArgumentException if the graph has other parameters than it was fitted for
   */
  public static Laplace load(Path file, SameDiff sd) throws IOException {
    return load(file, TrainedModel.of(sd));
  }

  private static Laplace load(Path file, TrainedModel net) throws IOException {
    LaplaceFile.Read read = LaplaceFile.load(file);
    Laplace made = new Laplace(net, read.choices(), read.prior());
    made.fitted = read.fitted(file, made.model());
    return made;
  }

  /** Frees what predictions keep; it is made again when it is needed. */
  @Override
  public void close() {
    if (graphs != null) {
      graphs.close();
    }
    graphs = null;
    changed();
  }
}
