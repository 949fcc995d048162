package org.backpack4j.dl4j.laplace;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.SplittableRandom;
import org.backpack4j.dl4j.internal.trained.OpenGraphs;
import org.backpack4j.dl4j.internal.trained.OutputLoss;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.DampedCurvature;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.backpack4j.samediff.dataset.BatchWeights;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.Jacobian;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

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
  private static final long BUDGET = 256L << 20;
  private static final double GAIN = 0.01;

  private final TrainedModel net;

  // choices
  private Form form = Form.KRON;
  private Columns columns = Columns.EXACT;
  private boolean lastLayer;
  private List<String> layers = List.of();
  private @Nullable String output;
  private boolean perLayer;
  private Map<String, Double> given = Map.of();
  private double everywhere = 1;
  private @Nullable Double fixedNoise;

  /** Whether the noise was found by tuning, and may be tuned again. */
  private boolean tuned;

  private Link link = Link.PROBIT;
  private int draws = 100;
  private long seed;
  private long budget = BUDGET;

  private @Nullable Fitted fitted;
  private @Nullable Variances variances;
  private @Nullable OpenGraphs graphs;

  private Laplace(TrainedModel net) {
    this.net = net;
  }

  /**
   * Of a network.
   *
   * @param net the trained network
   * @return a Laplace approximation with nothing fitted yet
   */
  public static Laplace of(MultiLayerNetwork net) {
    return new Laplace(TrainedModel.of(net));
  }

  /**
   * Of a network.
   *
   * @param net the trained network; of several outputs one is chosen by {@link #output}
   * @return a Laplace approximation with nothing fitted yet
   */
  public static Laplace of(ComputationGraph net) {
    return new Laplace(TrainedModel.of(net));
  }

  /**
   * Of a graph.
   *
   * @param sd the trained graph, with a training configuration that maps features and labels to
   *     placeholders
   * @return a Laplace approximation with nothing fitted yet
   */
  public static Laplace of(SameDiff sd) {
    return new Laplace(TrainedModel.of(sd));
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
    return choose(() -> form = Form.DIAGONAL);
  }

  /**
   * H has a block for each parameter, a Kronecker product B ⊗ A where the parameter is a weight
   * ({@code KFACExpand}). This is the default.
   *
   * @return this
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace kron() {
    return choose(() -> form = Form.KRON);
  }

  /**
   * As {@link #kron()}, with eigenvalues corrected in a second pass over the data ({@code EKFAC}).
   *
   * @return this
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace ekfac() {
    return choose(() -> form = Form.EKFAC);
  }

  /**
   * H is the whole matrix, of 10,000 parameters at most.
   *
   * @return this
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace full() {
    return choose(() -> form = Form.FULL);
  }

  /**
   * The weight and bias of the dense layer that the predictions come out of alone.
   *
   * @return this
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace lastLayer() {
    return choose(
        () -> {
          lastLayer = true;
          layers = List.of();
        });
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
    return choose(
        () -> {
          lastLayer = false;
          layers = List.of(names);
        });
  }

  /**
   * Chooses one of several outputs.
   *
   * @param name the output's name; of a graph that of its loss variable
   * @return this
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace output(String name) {
    return choose(() -> output = name);
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
    return choose(() -> columns = Columns.sampled(labels, drawnFrom));
  }

  /**
   * The prior has a precision for each layer, which {@link #tunePrior()} tunes one by one. Of a
   * SameDiff graph each parameter is a layer.
   *
   * @return this
   * @throws IllegalStateException if it is fitted already
   */
  public Laplace priorPerLayer() {
    return choose(() -> perLayer = true);
  }

  /**
   * Sets the prior's precision, 1 until then.
   *
   * @param precision δ, the same for all parameters, above 0
   * @return this
   * @throws IllegalArgumentException if it is not a finite number above 0
   */
  public Laplace priorPrecision(double precision) {
    everywhere = positive("The prior's precision", precision);
    given = Map.of();
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
    precisions.forEach((name, p) -> positive("The prior's precision of \"" + name + "\"", p));
    Map<String, Double> all = new LinkedHashMap<>(given);
    all.putAll(precisions);
    if (fitted != null) {
      checkNames(fitted, all.keySet());
    }
    given = all;
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
    fixedNoise = positive("The noise", variance);
    tuned = false;
    return changed();
  }

  /**
   * Chooses how probabilities are made of logits, {@link Link#PROBIT} by default.
   *
   * @param choice the link
   * @return this
   */
  public Laplace link(Link choice) {
    link = choice;
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
    if (count < 1) {
      throw new IllegalArgumentException(
          "At least one draw of logits is needed, not " + count + ".");
    }
    draws = count;
    seed = drawnFrom;
    return link(Link.SAMPLED);
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
    if (bytes < 1) {
      throw new IllegalArgumentException("A budget of " + bytes + " bytes is none.");
    }
    budget = bytes;
    return changed();
  }

  private static double positive(String what, @Nullable Double value) {
    if (value == null || !Double.isFinite(value) || value <= 0) {
      throw new IllegalArgumentException(
          what + " must be a finite number above 0, which makes P regular, not " + value + ".");
    }
    return value;
  }

  /** What depended on the prior, the noise or the budget is made again. */
  private Laplace changed() {
    variances = null;
    return this;
  }

  // ---- fitting ----

  /**
   * What fitting has found.
   *
   * @param gathered what H is made of
   * @param kind of the likelihood
   * @param curvature H
   * @param theta θ in H's layout
   * @param shapes of a batch
   * @param digest of all of the network's parameters
   */
  record Fitted(
      TrainedModel model,
      Gathering gathering,
      Gathering.Gathered gathered,
      OutputLoss.Kind kind,
      Curvature curvature,
      INDArray theta,
      TrainedModel.Shapes shapes,
      String digest) {

    ParameterLayout layout() {
      return curvature.layout();
    }

    boolean regression() {
      return kind == OutputLoss.Kind.SQUARED;
    }
  }

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
    return choose(() -> fit(Data.of(iterator)));
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
    return choose(() -> fit(Data.of(iterator)));
  }

  private TrainedModel model() {
    net.checkMapping();
    return net.ofOutput(output);
  }

  private void fit(Data data) {
    if (form == Form.FULL && columns.random()) {
      throw new IllegalArgumentException("full() is exact: leave sampled(…) away.");
    }
    TrainedModel model = model();
    MultiDataSet first = data.first();
    Located located = locate(model, first);
    Gathering gathering = new Gathering(model, located.chosen(), form, columns, located.scale());
    Gathering.Gathered gathered = gathering.over(data);
    Curvature curvature = gathering.curvature(gathered);
    Fitted made =
        new Fitted(
            model,
            gathering,
            gathered,
            located.kind(),
            curvature,
            theta(model, curvature.layout()),
            TrainedModel.Shapes.of(first),
            model.digest());
    checkNames(made, given.keySet());
    fitted = made;
  }

  private static INDArray theta(TrainedModel model, ParameterLayout layout) {
    Map<String, INDArray> values = new LinkedHashMap<>();
    for (String p : layout.names()) {
      values.put(p, model.array(p).castTo(DataType.DOUBLE).dup('c').reshape('c', layout.shape(p)));
    }
    return layout.join(values);
  }

  private record Located(List<String> chosen, OutputLoss.Kind kind, double scale) {}

  /** Which parameters it is of, and what the predictions come out of. */
  private Located locate(TrainedModel model, MultiDataSet batch) {
    List<String> all;
    Optional<Head> head;
    Likelihood likelihood;
    try (OpenGraphs some = model.open(List.of(), new Jacobian())) {
      GraphBatch fed = some.of(batch);
      all = fed.graph().parameters();
      likelihood = Likelihood.of(fed.graph());
      head = Head.of(fed.graph(), fed.feeds());
    }
    List<String> chosen = chosen(model, all, head.orElse(null));
    return new Located(chosen, likelihood.kind(), scale(model, chosen, likelihood, batch));
  }

  /** The factor of the loss, as a sum over samples, in front of −ln p. */
  private static double scale(
      TrainedModel model, List<String> parameters, Likelihood likelihood, MultiDataSet batch) {
    String z = likelihood.loss().predictions();
    try (OpenGraphs some = model.open(parameters, z)) {
      GraphBatch fed = some.of(batch);
      BatchWeights weights = fed.graph().batchWeights();
      List<String> names = new ArrayList<>(likelihood.loss().variables());
      names.add(z + ".grad");
      names.addAll(weights.variables());
      Map<String, INDArray> values = fed.graph().output(fed.feeds(), new LinkedHashSet<>(names));
      INDArray gradient = OutputLoss.rows(Objects.requireNonNull(values.get(z + ".grad")));
      double factor = likelihood.factor(likelihood.observe(values), gradient);
      return factor * weights.data(fed.graph().samples(fed.feeds()), values);
    }
  }

  private List<String> chosen(TrainedModel model, List<String> all, @Nullable Head head) {
    if (lastLayer) {
      if (head == null || !all.contains(head.weight())) {
        throw new IllegalArgumentException(
            "lastLayer() needs a dense layer with trained parameters right in front of the loss,"
                + " which was not found: name layers or parameters by layers(…). Trained"
                + " parameters are "
                + all
                + ".");
      }
      return all.stream().filter(p -> p.equals(head.weight()) || p.equals(head.bias())).toList();
    }
    return model.parameters(layers, all);
  }

  private static void checkNames(Fitted here, Set<String> names) {
    for (String name : names) {
      if (here.layout().names().stream().noneMatch(p -> here.model().isNamed(p, name))) {
        throw new IllegalArgumentException(
            "The prior's precision names \""
                + name
                + "\", which is neither a fitted parameter nor its layer; fitted are "
                + here.layout().names()
                + ".");
      }
    }
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
    Fitted before = unchanged();
    data.first();
    Gathering.Gathered gathered = before.gathering().more(data, before.gathered());
    fitted =
        new Fitted(
            before.model(),
            before.gathering(),
            gathered,
            before.kind(),
            before.gathering().curvature(gathered),
            before.theta(),
            before.shapes(),
            before.digest());
    return changed();
  }

  private Fitted fitted() {
    if (fitted == null) {
      throw new IllegalStateException("Nothing is fitted: fit(…) comes first.");
    }
    return fitted;
  }

  private Fitted unchanged() {
    Fitted here = fitted();
    if (!here.digest().equals(here.model().digest())) {
      throw new IllegalStateException(
          "The network's parameters have changed since fit(…): the approximation is around others."
              + " Fit again.");
    }
    return here;
  }

  // ---- the posterior ----

  /**
   * The prior's precisions.
   *
   * @return δ by parameter
   * @throws IllegalStateException if nothing is fitted
   */
  public Map<String, Double> priorPrecisions() {
    Fitted here = fitted();
    Map<String, Double> all = new LinkedHashMap<>();
    for (String p : here.layout().names()) {
      Double own = given.get(p);
      all.put(p, own != null ? own : given.getOrDefault(here.model().owner(p), everywhere));
    }
    return all;
  }

  /**
   * A regression's noise.
   *
   * @return σ²; nothing of a classifier
   * @throws IllegalStateException if nothing is fitted
   */
  public OptionalDouble noise() {
    return fitted().regression() ? OptionalDouble.of(sigma()) : OptionalDouble.empty();
  }

  /** σ²; 1 of a classifier. */
  private double sigma() {
    Fitted here = fitted();
    if (!here.regression()) {
      return 1;
    }
    if (fixedNoise != null) {
      return fixedNoise;
    }
    Sums sums = here.gathered().sums();
    if (sums.squaredError <= 0) {
      throw new IllegalStateException(
          "The network's predictions are the labels themselves, so that no noise can be fitted: set"
              + " it by noise(…).");
    }
    return sums.squaredError / sums.terms;
  }

  /** H / σ². */
  private Curvature scaled() {
    double sigma = sigma();
    Curvature curvature = fitted().curvature();
    return sigma == 1 ? curvature : curvature.scaled(1 / sigma); // scaled matrices forget factors
  }

  /** The blocks of P. */
  private List<DampedCurvature> blocks() {
    Map<String, Double> precisions = priorPrecisions();
    List<DampedCurvature> blocks = new ArrayList<>();
    for (Curvature block : scaled().blocks()) {
      Map<String, Double> own = new LinkedHashMap<>(precisions);
      own.keySet().retainAll(block.layout().names());
      blocks.add(block.damped(own));
    }
    return blocks;
  }

  private Evidence evidence(List<List<String>> groups) {
    Fitted here = fitted();
    return new Evidence(
        here.curvature(), here.gathered().sums(), here.regression(), groups, here.theta());
  }

  /** The parameters that share a precision: all, or those of each layer. */
  private List<List<String>> groups() {
    Fitted here = fitted();
    if (!perLayer) {
      return List.of(here.layout().names());
    }
    Map<String, List<String>> byLayer = new LinkedHashMap<>();
    for (String p : here.layout().names()) {
      byLayer.computeIfAbsent(here.model().owner(p), layer -> new ArrayList<>()).add(p);
    }
    return List.copyOf(byLayer.values());
  }

  /**
   * The logarithm of the marginal likelihood, by Laplace's method: ln p(D | θ) − ½ (ln det P − ln
   * det Λ + θᵀ Λ θ), the prior's mean being 0. It compares priors, and networks on the same data.
   *
   * @return the logarithm, of all samples together
   * @throws IllegalStateException if nothing is fitted
   */
  public double logMarginalLikelihood() {
    Fitted here = fitted();
    Map<String, Double> precisions = priorPrecisions();
    List<List<String>> each = here.layout().names().stream().map(List::of).toList();
    double[] own = here.layout().names().stream().mapToDouble(precisions::get).toArray();
    return evidence(each).at(own, sigma()).value();
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
    Fitted here = fitted();
    List<List<String>> groups = groups();
    Map<String, Double> now = priorPrecisions();
    double[] start =
        groups.stream().mapToDouble(g -> Objects.requireNonNull(now.get(g.get(0)))).toArray();
    boolean withNoise = here.regression() && tunesNoise();
    Evidence evidence = evidence(groups);
    Evidence.Maximum maximum = evidence.maximise(start, sigma(), withNoise);
    if (groups.size() == 1) {
      priorPrecision(maximum.precisions()[0]);
    } else {
      given = evidence.byParameter(maximum.precisions());
    }
    if (withNoise) {
      fixedNoise = maximum.noise();
      tuned = true;
    }
    return changed();
  }

  private boolean tunesNoise() {
    return fixedNoise == null || tuned;
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
    unchanged();
    validation.first();
    double before = everywhere;
    Map<String, Double> own = given;
    double best = Double.POSITIVE_INFINITY;
    double chosen = before;
    try {
      for (int k = 0; k <= 32; k++) {
        double precision = Math.pow(10, -4 + k / 4.0);
        priorPrecision(precision);
        double loss = loss(validation);
        if (loss < best) {
          best = loss;
          chosen = precision;
        }
      }
      if (Double.isInfinite(best)) {
        throw new IllegalArgumentException(
            "The loss of the validation data is no finite number at any precision: look at their"
                + " labels, and at the link.");
      }
    } catch (RuntimeException e) {
      everywhere = before;
      given = own;
      changed();
      throw e;
    }
    return priorPrecision(chosen);
  }

  /** The negative log-likelihood of predictions. */
  private double loss(Data data) {
    Predictor predictor = predictor();
    double sigma = sigma();
    double[] sum = new double[1];
    data.each(batch -> sum[0] += predictor.negativeLog(batch, sigma));
    return sum[0];
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
    return predict(features, null);
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
    return predict(batch.getFeatures(), batch.getFeaturesMaskArrays());
  }

  private Prediction predict(INDArray[] features, INDArray @Nullable [] masks) {
    Fitted here = unchanged();
    MultiDataSet batch = here.model().unlabelled(features, masks, here.shapes());
    List<Predictor.Rows> parts = new ArrayList<>();
    predictor().each(batch, (part, p) -> parts.add(new Predictor.Rows(part, p)));
    long samples = features[0].size(0);
    long[] shape = parts.get(0).shape(samples);
    return new Prediction(
        here.regression()
            ? null
            : laidOut(parts.stream().map(Predictor.Rows::probabilities).toList(), shape, samples),
        laidOut(parts.stream().map(p -> p.part().means()).toList(), shape, samples),
        laidOut(parts.stream().map(p -> p.part().variances()).toList(), shape, samples),
        here.regression() ? sigma() : null);
  }

  private INDArray laidOut(List<@Nullable INDArray> rows, long[] shape, long samples) {
    List<INDArray> all = rows.stream().map(Objects::requireNonNull).toList();
    INDArray joined = all.size() == 1 ? all.get(0) : Nd4j.concat(0, all.toArray(new INDArray[0]));
    return fitted().model().laidOut(joined, shape, samples);
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
    Fitted here = unchanged();
    MultiDataSet batch = here.model().unlabelled(features, null, here.shapes());
    List<INDArray> parts = new ArrayList<>();
    variances()
        .each(
            batch,
            Variances.Detail.MATRICES,
            part -> parts.add(Objects.requireNonNull(part.more())));
    return parts.size() == 1 ? parts.get(0) : Nd4j.concat(0, parts.toArray(new INDArray[0]));
  }

  private Variances variances() {
    if (variances == null) {
      variances = new Variances(graphs(), blocks(), budget);
    }
    return variances;
  }

  private OpenGraphs graphs() {
    if (graphs == null) {
      graphs = fitted().model().open(fitted().layout().names(), new Jacobian());
    }
    return graphs;
  }

  private Predictor predictor() {
    INDArray vectors = null;
    if (link == Link.SAMPLED && !fitted().regression()) {
      vectors = vectors(draws, seed);
    }
    return new Predictor(variances(), fitted().kind(), link, fitted().layout(), vectors);
  }

  /** Draws [n, D] of N(0, P⁻¹). */
  private INDArray vectors(int count, long drawnFrom) {
    SplittableRandom random = new SplittableRandom(drawnFrom);
    Map<String, INDArray> parts = new LinkedHashMap<>();
    for (DampedCurvature block : blocks()) {
      parts.putAll(block.layout().split(block.sample(count, random)));
    }
    return fitted().layout().joinRows(parts);
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
    Fitted here = fitted();
    if (count < 1) {
      throw new IllegalArgumentException("At least one draw is needed, not " + count + ".");
    }
    INDArray all = vectors(count, drawnFrom);
    return here.layout().split(all.addRowVector(here.theta()));
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
    return gradient().norm2Number().doubleValue();
  }

  private INDArray gradient() {
    Fitted here = fitted();
    Map<String, INDArray> parts =
        here.layout().split(here.gathered().sums().gradient(here.layout()).div(sigma()));
    Map<String, INDArray> theta = here.layout().split(here.theta());
    priorPrecisions()
        .forEach(
            (p, precision) ->
                Objects.requireNonNull(parts.get(p))
                    .addi(Objects.requireNonNull(theta.get(p)).mul(precision)));
    return here.layout().join(parts);
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
    Fitted here = fitted();
    List<String> notes = new ArrayList<>();
    Sums sums = here.gathered().sums();
    INDArray gradient = gradient();
    Map<String, INDArray> parts = here.layout().split(gradient.reshape(1, gradient.length()));
    double gain = 0;
    for (DampedCurvature block : blocks()) {
      INDArray own = block.layout().joinRows(parts);
      gain += 0.5 * own.mul(block.solve(own)).sumNumber().doubleValue();
    }
    if (gain > GAIN * sums.samples) {
      notes.add(
          "Training has not converged: the gradient of the log posterior has the length %.3g, and a Newton step would raise it by about %.3g a sample. The approximation is meant to be made around a maximum: train on, or choose a prior as strong as the weight decay of training."
              .formatted(gradientNorm(), gain / sums.samples));
    }
    List<Integer> unseen = new ArrayList<>();
    for (int k = 0; k < sums.seen.length; k++) {
      if (sums.seen[k] == 0) {
        unseen.add(k);
      }
    }
    if (!unseen.isEmpty()) {
      notes.add(
          "The data have no sample of the classes "
              + unseen
              + ": what the network answers about them rests on the prior alone.");
    }
    return notes;
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
    Fitted here = unchanged();
    LaplaceFile.Settings settings =
        new LaplaceFile.Settings(
            form,
            columns,
            output,
            perLayer,
            everywhere,
            given,
            fixedNoise,
            tuned,
            link,
            draws,
            seed,
            here.kind(),
            here.layout().names(),
            here.shapes(),
            here.digest());
    LaplaceFile.save(file, settings, here.gathered());
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
    return of(net).read(file);
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
    return of(net).read(file);
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
    return of(sd).read(file);
  }

  private Laplace read(Path file) throws IOException {
    LaplaceFile.Read read = LaplaceFile.load(file);
    LaplaceFile.Settings settings = read.settings();
    form = settings.form();
    columns = settings.columns();
    output = settings.output();
    perLayer = settings.perLayer();
    everywhere = settings.precision();
    given = settings.precisions();
    fixedNoise = settings.noise();
    tuned = settings.tuned();
    link = settings.link();
    draws = settings.draws();
    seed = settings.seed();
    TrainedModel model = model();
    if (!model.digest().equals(settings.digest())) {
      throw new IllegalArgumentException(
          file
              + " was fitted for a network with other parameters than this one: load the network"
              + " that was saved with it, or fit again.");
    }
    Gathering gathering =
        new Gathering(model, settings.parameters(), form, columns, read.gathered().sums().scale);
    Curvature curvature = gathering.curvature(read.gathered());
    fitted =
        new Fitted(
            model,
            gathering,
            read.gathered(),
            settings.kind(),
            curvature,
            theta(model, curvature.layout()),
            settings.shapes(),
            settings.digest());
    return this;
  }

  /** Frees what predictions keep; it is made again when it is needed. */
  @Override
  public void close() {
    if (graphs != null) {
      graphs.close();
    }
    graphs = null;
    variances = null;
  }
}
