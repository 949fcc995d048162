package org.backpack4j.dl4j.influence;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.backpack4j.dl4j.influence.Preconditioner.Damping;
import org.backpack4j.dl4j.influence.Preconditioner.Wish;
import org.backpack4j.dl4j.internal.trained.BatchIterator;
import org.backpack4j.dl4j.internal.trained.OpenGraphs;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.backpack4j.samediff.dataset.BatchException;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.GradProduct;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Which training samples helped and which harmed a trained network on a test sample, and which
 * training samples are likely to be labelled wrongly:
 *
 * <pre>{@code
 * Influence influence = Influence.on(net).fit(trainIterator);
 * InfluenceReport report = influence.of(testExample);
 * report.topHarmful(10);                      // training samples that raise the test loss
 * influence.selfInfluence().highest(100);     // labels to look at first
 * }</pre>
 *
 * <p><b>Scale.</b> A score is the predicted change of the loss of the test sample if the training
 * sample is left out, in units of that loss. The training loss is taken for a sum of the samples'
 * losses ℓₙ (a mean over N times N), the other samples keep their weight, and the parameters go
 * from a minimum to the next one: Δ = g_qᵀ (Σₙ Cₙ + N δ)⁻¹ gₙ, which is g_qᵀ (C̄ + δ)⁻¹ gₙ / N with
 * the mean C̄ of the curvatures Cₙ. <b>Sign.</b> Above 0 the test loss would rise without the
 * sample: it helps. Below 0 it would fall: the sample harms. The products of gradients of other
 * tools, without the division by N, have the same sign.
 *
 * <p>Training gradients of single samples are never kept: gradients of test samples, some of them
 * at once, are multiplied by the inverse curvature, and contracted with the training samples batch
 * by batch, of dense layers and tables without making a gradient at all. A call of {@link #of(
 * DataSet)} goes over the training data once for each block of up to 64 test samples. Every pass
 * has to see the same samples in the same order, which is checked.
 *
 * <p>The network is taken as in evaluation: no dropout, running statistics of batch normalisation.
 * It must not be trained between {@link Builder#fit} and the questions, which is checked as well.
 * l1, l2 and weight decay are not part of the loss; a strength of l2 can be given as {@link
 * Builder#damping}. Not for several threads at once.
 *
 * <p>Source: Koh and Liang, 2017, "Understanding black-box predictions via influence functions";
 * Grosse et al., 2023, "Studying large language model generalization with influence functions";
 * Park et al., 2023, "TRAK: attributing model behavior at scale"; Pruthi, Liu, Kale and
 * Sundararajan, 2020, "Estimating training data influence by tracing gradient descent".
 */
public final class Influence implements AutoCloseable {
  private final TrainedModel model;
  private final List<String> parameters;
  private final TrainingData data;
  private final Scorer scorer;
  private final GradientScorer gradients;
  private final String digest;

  private Influence(
      TrainedModel model,
      List<String> parameters,
      TrainingData data,
      Scorer scorer,
      String digest) {
    this.model = model;
    this.parameters = parameters;
    this.data = data;
    this.scorer = scorer;
    this.digest = digest;
    this.gradients = new GradientScorer(model, parameters, data, null);
  }

  /**
   * Of a network.
   *
   * @param net a trained network, initialised
   * @return choices, whose {@link Builder#fit} reads the training data
   */
  public static Builder on(MultiLayerNetwork net) {
    return new Builder(TrainedModel.of(net));
  }

  /**
   * Of a network.
   *
   * @param net a trained network, initialised
   * @return choices, whose {@link Builder#fit} reads the training data
   */
  public static Builder on(ComputationGraph net) {
    return new Builder(TrainedModel.of(net));
  }

  /**
   * Of a SameDiff graph.
   *
   * @param graph a trained graph with a loss variable, whose training configuration maps data sets
   *     to placeholders
   * @return choices, whose {@link Builder#fit} reads the training data
   */
  public static Builder on(SameDiff graph) {
    TrainedModel model = TrainedModel.of(graph);
    model.checkMapping();
    return new Builder(model);
  }

  /** How influence is worked out. Each call changes and answers the builder. */
  public static final class Builder {
    private enum Method {
      EKFAC,
      KRON,
      DIAGONAL,
      FULL,
      GRADIENTS,
      TRAK
    }

    private final TrainedModel model;
    private final List<String> layers = new ArrayList<>();
    private Method method = Method.EKFAC;
    private Columns columns = Columns.EXACT;
    private double damping = Double.NaN;
    private int dimension;
    private long seed;

    private Builder(TrainedModel model) {
      this.model = model;
    }

    /**
     * By Kronecker factors with corrected eigenvalues, the default (George et al., 2018; Grosse et
     * al., 2023): two passes over the training data to fit, each position of a convolution or a
     * sequence counted as a sample. A bias has a block of its own.
     *
     * @return this
     */
    public Builder ekfac() {
      method = Method.EKFAC;
      return this;
    }

    /**
     * By Kronecker factors: one pass to fit.
     *
     * @return this
     */
    public Builder kron() {
      method = Method.KRON;
      return this;
    }

    /**
     * By the diagonal of the generalised Gauss-Newton matrix: one pass to fit, and no eigenvectors,
     * which for factors of some thousand rows take minutes.
     *
     * @return this
     */
    public Builder diagonal() {
      method = Method.DIAGONAL;
      return this;
    }

    /**
     * By the whole generalised Gauss-Newton matrix, for models of at most 8192 parameters.
     *
     * @return this
     */
    public Builder full() {
      method = Method.FULL;
      return this;
    }

    /**
     * By products of gradients, g_qᵀ gₙ / N, without curvature (TracIn of one checkpoint; Pruthi et
     * al., 2020). A score is the change of the test loss, to first order, if the sample is left out
     * of one step of gradient descent on the mean loss with a learning rate of 1.
     *
     * @return this
     */
    public Builder gradientDotProduct() {
      method = Method.GRADIENTS;
      return this;
    }

    /**
     * By TRAK (Park et al., 2023): gradients of the margin ln(p / (1 − p)) projected by random
     * signs, and a linear regression on the projections. Of classifiers alone; of one checkpoint.
     *
     * @param projectionDimension k, the length of the projections; some hundred to some thousand,
     *     below the number of training samples
     * @param randomSeed the seed of the signs
     * @return this
     * @throws IllegalArgumentException if the length is not at least 1
     */
    public Builder trak(int projectionDimension, long randomSeed) {
      if (projectionDimension < 1) {
        throw new IllegalArgumentException(
            "A projection needs at least one dimension, not " + projectionDimension + ".");
      }
      method = Method.TRAK;
      dimension = projectionDimension;
      seed = randomSeed;
      return this;
    }

    /**
     * Draws labels from the model in the place of the exact generalised Gauss-Newton matrix, for
     * networks of many outputs: the sampled Fisher matrix, unbiased.
     *
     * @param labels how many labels are drawn for each sample
     * @param randomSeed the seed
     * @return this
     * @throws IllegalArgumentException if there is not at least one
     */
    public Builder sampled(int labels, long randomSeed) {
      columns = Columns.sampled(labels, randomSeed);
      return this;
    }

    /**
     * Chooses the damping δ. Without, it is a tenth of the mean eigenvalue of each parameter's
     * block (Grosse et al., 2023), and 0 for {@link #trak}.
     *
     * @param delta what is added to the curvature of the mean loss, at least 0: a strength of l2 is
     *     part of the true curvature, and belongs here. For {@link #trak} the λ that is added to
     *     ΦᵀΦ
     * @return this
     * @throws IllegalArgumentException if it is negative or no finite number
     */
    public Builder damping(double delta) {
      if (!(delta >= 0 && Double.isFinite(delta))) {
        throw new IllegalArgumentException(
            "The damping is " + delta + ", expected a finite number of at least 0.");
      }
      damping = delta;
      return this;
    }

    /**
     * Takes the parameters of some layers alone, as if the others were fixed.
     *
     * @param names layers by DL4J's names, the numbers of a {@code MultiLayerNetwork}'s layers
     *     (counted from 0), or names of parameters
     * @return this
     */
    public Builder layers(String... names) {
      layers.addAll(Arrays.asList(names));
      return this;
    }

    /**
     * Reads the training data: once to know them again, and once or twice for the curvature.
     *
     * @param training the data that the network was trained with, in a fixed order; kept, and read
     *     again for each question
     * @return what answers questions
     * @throws IllegalArgumentException if the data are empty, the iterator cannot be reset, a layer
     *     is unknown, or the network cannot be had for the method
     * @throws BatchException if a batch cannot be used, NaN in a sample say, which is named
     * @throws IllegalStateException if two passes read other data
     * @throws ArithmeticException if the curvature is singular with the damping
     */
    public Influence fit(DataSetIterator training) {
      return fit(TrainingData.of(training));
    }

    /**
     * Reads the training data: once to know them again, and once or twice for the curvature.
     *
     * @param training the data that the network was trained with, in a fixed order; kept, and read
     *     again for each question
     * @return what answers questions
     * @throws IllegalArgumentException if the data are empty, the iterator cannot be reset, a layer
     *     is unknown, or the network cannot be had for the method
     * @throws BatchException if a batch cannot be used, NaN in a sample say, which is named
     * @throws IllegalStateException if two passes read other data
     * @throws ArithmeticException if the curvature is singular with the damping
     */
    public Influence fit(MultiDataSetIterator training) {
      return fit(TrainingData.of(training));
    }

    private Influence fit(TrainingData data) {
      data.read();
      List<String> parameters = parameters(data.first());
      String digest = model.digest();
      return new Influence(model, parameters, data, scorer(parameters, data), digest);
    }

    /** The parameters of the chosen layers. */
    private List<String> parameters(MultiDataSet batch) {
      try (OpenGraphs opened = model.open(List.of())) {
        return model.parameters(layers, opened.of(batch).graph().parameters());
      }
    }

    private Scorer scorer(List<String> parameters, TrainingData data) {
      if (method == Method.TRAK) {
        double lambda = Double.isNaN(damping) ? 0 : damping;
        return new TrakScorer(model, parameters, data, dimension, seed, lambda);
      }
      Wish wish = new Wish(model, parameters, data, new Damping(damping));
      Preconditioner preconditioner =
          switch (method) {
            case EKFAC -> Preconditioner.ekfac(wish, columns);
            case KRON -> Preconditioner.kron(wish, columns);
            case DIAGONAL -> Preconditioner.diagonal(wish, columns);
            case FULL -> Preconditioner.full(wish);
            case GRADIENTS, TRAK -> null;
          };
      return new GradientScorer(model, parameters, data, preconditioner);
    }
  }

  // ---- influence on test samples ----

  /**
   * The influence on test samples.
   *
   * @param test one sample or several, each with its label, as a batch
   * @return a score for each of them and each training sample
   * @throws BatchException if a test sample cannot be used, which is named
   * @throws IllegalStateException if the training data are read otherwise than by {@link
   *     Builder#fit}, or the parameters have changed since
   */
  public InfluenceReport of(DataSet test) {
    return of(test.toMultiDataSet());
  }

  /**
   * The influence on test samples.
   *
   * @param test one sample or several, each with its labels, as a batch
   * @return a score for each of them and each training sample
   * @throws BatchException if a test sample cannot be used, which is named
   * @throws IllegalStateException if the training data are read otherwise than by {@link
   *     Builder#fit}, or the parameters have changed since
   */
  public InfluenceReport of(MultiDataSet test) {
    return ofAll(Passes.of(test));
  }

  /**
   * The influence on the samples of a test set. Scores take 8 bytes for each pair of a test and a
   * training sample.
   *
   * @param test the test set; reset before, if it can be
   * @return a score for each of them and each training sample
   * @throws BatchException if a test sample cannot be used, which is named
   * @throws IllegalArgumentException if there is no test sample
   * @throws IllegalStateException if the training data are read otherwise than by {@link
   *     Builder#fit}, or the parameters have changed since
   */
  public InfluenceReport of(DataSetIterator test) {
    return ofAll(BatchIterator.of(test));
  }

  /**
   * The influence on the samples of a test set. Scores take 8 bytes for each pair of a test and a
   * training sample.
   *
   * @param test the test set; reset before, if it can be
   * @return a score for each of them and each training sample
   * @throws BatchException if a test sample cannot be used, which is named
   * @throws IllegalArgumentException if there is no test sample
   * @throws IllegalStateException if the training data are read otherwise than by {@link
   *     Builder#fit}, or the parameters have changed since
   */
  public InfluenceReport of(MultiDataSetIterator test) {
    return ofAll(test);
  }

  private InfluenceReport ofAll(MultiDataSetIterator test) {
    checkParameters();
    if (test.resetSupported()) {
      test.reset();
    }
    List<double[]> scores = new ArrayList<>();
    List<TestSample> samples = new ArrayList<>();
    Scorer.Queries queries = scorer.queries(scores::add);
    while (test.hasNext()) {
      MultiDataSet next = test.next();
      if (next.getFeatures(0).size(0) > 0) {
        queries.add(next, samples.size());
        samples.addAll(TestSample.of(next));
      }
    }
    queries.finish();
    if (samples.isEmpty()) {
      throw new IllegalArgumentException(
          "There is no test sample: the iterator or batch is empty.");
    }
    return new InfluenceReport(samples, scores, scorer.meaning(), notes(samples), data);
  }

  private List<String> notes(List<TestSample> samples) {
    List<String> notes = new ArrayList<>(scorer.notes());
    Set<Integer> seen = new TreeSet<>();
    Arrays.stream(data.classes()).forEach(seen::add);
    Set<Integer> unseen = new TreeSet<>();
    samples.stream().map(TestSample::label).filter(c -> !seen.contains(c)).forEach(unseen::add);
    if (!unseen.isEmpty()) {
      notes.add(
          "No training sample is of the classes "
              + unseen
              + ", which test samples have: what helps these is not among the training data, and"
              + " scores tell only of samples that pull towards other classes.");
    }
    return notes;
  }

  // ---- the training samples themselves ----

  /**
   * Each training sample's influence on itself, gₙᵀ (Σ C + N δ)⁻¹ gₙ: the predicted rise of its own
   * loss if it were left out. Wrongly labelled samples have large ones, for only they themselves
   * speak for their labels (Koh and Liang, 2017, section 5.4).
   *
   * @return a score for each training sample
   * @throws IllegalStateException if the training data are read otherwise than by {@link
   *     Builder#fit}, or the parameters have changed since
   */
  public SampleScores selfInfluence() {
    checkParameters();
    return new SampleScores(scorer.meaningOfSelf(), scorer.self(), data.classes());
  }

  /**
   * The norm of each training sample's gradient, of its own loss (GraNd; Paul, Ganguli and
   * Dziugaite, 2021, "Deep learning on a data diet").
   *
   * @return ‖∂ℓₙ/∂θ‖ for each training sample, over the chosen layers
   * @throws IllegalStateException if the training data are read otherwise than by {@link
   *     Builder#fit}, or the parameters have changed since
   */
  public SampleScores gradientNorms() {
    checkParameters();
    double[] norms = Arrays.stream(gradients.squaredNorms()).map(Math::sqrt).toArray();
    return new SampleScores(
        "The Euclidean norm of the gradient of the sample's own loss by the parameters.",
        norms,
        data.classes());
  }

  /**
   * The norm of each training sample's error, ‖p − y‖ of its probabilities and label (EL2N; Paul,
   * Ganguli and Dziugaite, 2021); of a squared error that of predictions and targets. Of networks
   * with one output, with a cross-entropy or a squared error.
   *
   * @return ‖p − y‖ for each training sample, over all entries of its output that count
   * @throws IllegalArgumentException if the network has another loss, or several outputs
   * @throws IllegalStateException if the training data are read otherwise than by {@link
   *     Builder#fit}, or the parameters have changed since
   */
  public SampleScores el2n() {
    checkParameters();
    double[] norms = new double[data.samples()];
    int next = 0;
    try (OpenGraphs opened = model.open(parameters, GradProduct.ofCotangents(1))) {
      MultiDataSetIterator batches = data.pass();
      batches.reset();
      while (batches.hasNext()) {
        MultiDataSet batch = batches.next();
        int count = (int) batch.getFeatures(0).size(0);
        if (count == 0) {
          continue;
        }
        GraphBatch fed = opened.of(batch);
        INDArray errors = Errors.of(fed);
        INDArray own = errors.reshape('c', count, errors.length() / count).norm2(1);
        for (int n = 0; n < count; n++) {
          double norm = own.getDouble(n);
          if (!Double.isFinite(norm)) {
            throw new IllegalArgumentException(
                "Training sample "
                    + next
                    + " has an error that is not finite: its features, its label or the parameters"
                    + " are not. Leave it out, or mend it.");
          }
          norms[next++] = norm;
        }
      }
    }
    return new SampleScores(
        "The Euclidean distance between the sample's probabilities (or predictions) and its label.",
        norms,
        data.classes());
  }

  /**
   * What is to be known of all scores: that the network is not at a minimum, say.
   *
   * @return sentences; none if there is nothing
   */
  public List<String> notes() {
    return scorer.notes();
  }

  /**
   * The parameters that influence goes through.
   *
   * @return their names
   */
  public List<String> parameters() {
    return List.copyOf(parameters);
  }

  /** Frees the memory that graphs keep between questions; they are made again when needed. */
  @Override
  public void close() {
    scorer.close();
    gradients.close();
  }

  /** The matrix that gradients are multiplied by, for tests. */
  Preconditioner preconditioner() {
    return Objects.requireNonNull(((GradientScorer) scorer).preconditioner());
  }

  private void checkParameters() {
    if (!model.digest().equals(digest)) {
      throw new IllegalStateException(
          "The parameters have changed since fit(…): the network was trained or loaded. Curvature"
              + " and gradients would be of two networks: call fit(…) again.");
    }
  }

  /**
   * A test sample as a report tells of it.
   *
   * @param label its class, −1 if its label is none
   * @param picture it as a picture, a data URI; null if it is no image
   */
  record TestSample(int label, @Nullable String picture) {
    /** The samples of a batch. */
    static List<TestSample> of(MultiDataSet batch) {
      int[] classes = Labels.classes(batch);
      List<TestSample> all = new ArrayList<>();
      for (int k = 0; k < classes.length; k++) {
        all.add(
            new TestSample(
                classes[k],
                org.backpack4j.dl4j.internal.report.Picture.of(batch.getFeatures(0), k)));
      }
      return all;
    }
  }
}
