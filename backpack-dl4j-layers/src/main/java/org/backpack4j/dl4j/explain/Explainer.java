package org.backpack4j.dl4j.explain;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Explains predictions of a trained network: how much of a class's score is due to each entry of
 * the input.
 *
 * <pre>{@code
 * Explanation e = Explainer.of(net).integratedGradients(50).explain(images);
 * HeatMap.of(e.sample(0)).over(images.slice(0)).write(Path.of("why.png"));
 * }</pre>
 *
 * <p>A score is what goes into the softmax or sigmoid of an output (a logit); an output without one
 * is taken as it is, and so are all with {@link #probabilities()}. Of a SameDiff graph the scores
 * are the predictions that its loss compares with labels, or the variable that {@link #output}
 * names; their classes are on the last axis. The class is the predicted one, unless {@link
 * #classes}, {@link #classOfEach}, {@link #allClasses} or {@link #weights} say otherwise.
 *
 * <p>The network is in evaluation mode: batch normalisation has its running statistics, and there
 * is no dropout. It is only read, and its parameters are those at the call. All samples of a batch
 * go together; no sample has a part in another's explanation. Numbers of words have no derivative:
 * name the embedding layer by {@link #at}, and the explanation is of what it answers.
 *
 * <p>Graphs are kept from call to call, until {@link #close}. Not for several threads at once.
 */
public final class Explainer implements AutoCloseable {
  private final ExplainedModel model;
  private @Nullable String output;
  private List<String> points = List.of();
  private boolean probabilities;
  private Target target = Target.PREDICTED;
  private Method.Baselines baselines = new Method.Baselines(0, List.of());
  private Choice choice = b -> new Method.IntegratedGradients(50, Quadrature.GAUSS_LEGENDRE, b);

  /** A method, made when the baselines are known. */
  private interface Choice {
    Method method(Method.Baselines baselines);
  }

  private Explainer(ExplainedModel model) {
    this.model = model;
  }

  /**
   * Explains a network.
   *
   * @param net the network, which is initialised if it is not yet
   * @return an explainer of its predicted classes by integrated gradients
   */
  public static Explainer of(MultiLayerNetwork net) {
    return new Explainer(new ExplainedNetwork(net));
  }

  /**
   * Explains a network.
   *
   * @param net the network, which is initialised if it is not yet
   * @return an explainer of its predicted classes by integrated gradients
   */
  public static Explainer of(ComputationGraph net) {
    return new Explainer(new ExplainedNetwork(net));
  }

  /**
   * Explains a SameDiff graph. Its training configuration maps features to placeholders; without
   * one, {@link #at} names what is explained, and batches are given by placeholder.
   *
   * @param sd the graph
   * @return an explainer of its predicted classes by integrated gradients
   */
  public static Explainer of(SameDiff sd) {
    return new Explainer(new ExplainedSameDiff(sd));
  }

  // ---- of what ----

  /**
   * Chooses the output, where there are several.
   *
   * @param name an output of the network, or a variable [N, …, classes] of a SameDiff graph
   * @return this explainer
   */
  public Explainer output(String name) {
    output = name;
    return this;
  }

  /**
   * Chooses what is explained by, in the place of the inputs.
   *
   * @param names inputs, layers or vertices, whose activations it then is (of a layer of a
   *     MultiLayerNetwork its number); placeholders or variables of a SameDiff graph
   * @return this explainer
   */
  public Explainer at(String... names) {
    points = List.of(names);
    return this;
  }

  /**
   * Explains the predicted class of each sample, which is the default.
   *
   * @return this explainer
   */
  public Explainer predictedClass() {
    target = target.with(Target.Kind.PREDICTED);
    return this;
  }

  /**
   * Explains chosen classes, for every sample.
   *
   * @param classes their numbers from 0 on
   * @return this explainer
   * @throws IllegalArgumentException if there is none
   */
  public Explainer classes(int... classes) {
    if (classes.length == 0) {
      throw new IllegalArgumentException("classes(…) wants at least one class.");
    }
    target = target.with(Target.Kind.LISTED, classes);
    return this;
  }

  /**
   * Explains one class of each sample, such as its label.
   *
   * @param classes for each sample of the batches to come the number of a class
   * @return this explainer
   */
  public Explainer classOfEach(int... classes) {
    target = target.with(Target.Kind.OF_EACH, classes);
    return this;
  }

  /**
   * Explains every class.
   *
   * @return this explainer
   */
  public Explainer allClasses() {
    target = target.with(Target.Kind.ALL);
    return this;
  }

  /**
   * Explains a sum of scores with given weights: a difference of two classes, say, or the scores of
   * several positions.
   *
   * @param weights a weight for each score, of the scores' shape [N, …], or [ …] for all samples
   * @return this explainer
   */
  public Explainer weights(INDArray weights) {
    target = target.weighing(weights);
    return this;
  }

  /**
   * Chooses the position where an output has a score for each: a step of a time series, a pixel.
   *
   * @param indices an index for each axis but the samples' and the classes'; −1 is the last
   * @return this explainer
   */
  public Explainer position(long... indices) {
    target = target.at(indices);
    return this;
  }

  /**
   * Explains the outputs as they are, behind softmax or sigmoid. Of a SameDiff graph {@link
   * #output} names the variable that has them.
   *
   * @return this explainer
   */
  public Explainer probabilities() {
    probabilities = true;
    return this;
  }

  // ---- how ----

  /**
   * By the gradient ∂f/∂x: what a small change of each entry does.
   *
   * @return this explainer
   */
  public Explainer gradients() {
    choice = b -> new Method.Gradients(false);
    return this;
  }

  /**
   * By gradient × input, x ∘ ∂f/∂x: of a network without biases whose activation functions are
   * relu, the entries add up to the score.
   *
   * @return this explainer
   */
  public Explainer gradientTimesInput() {
    choice = b -> new Method.Gradients(true);
    return this;
  }

  /**
   * By the mean gradient around the input (SmoothGrad; Smilkov et al., 2017), (1/n) Σ ∂f/∂x (x + σ
   * ε). Each sample's noise depends on the seed and its place in the batch alone; ND4J's generator
   * is neither read nor moved.
   *
   * @param draws n
   * @param sigma σ, in units of the input
   * @param seed the seed
   * @return this explainer
   * @throws IllegalArgumentException if n is less than 1, or σ is not above 0
   */
  public Explainer smoothGrad(int draws, double sigma, long seed) {
    if (draws < 1 || !(sigma > 0 && Double.isFinite(sigma))) {
      throw new IllegalArgumentException(
          "smoothGrad(" + draws + ", " + sigma + ", …): at least one draw, and σ above 0.");
    }
    choice = b -> new Method.SmoothGrad(draws, sigma, seed);
    return this;
  }

  /**
   * By integrated gradients (Sundararajan et al., 2017) with Gauss and Legendre's nodes: (x − x₀) ∘
   * ∫ ∂f/∂x along the straight line from the baseline x₀ to x. They add up to f(x) − f(x₀), up to
   * the error of the integral, which {@link Explanation#residuals()} tells.
   *
   * @param points how many points of the line, at least 1
   * @return this explainer
   * @throws IllegalArgumentException if there is none
   */
  public Explainer integratedGradients(int points) {
    return integratedGradients(points, Quadrature.GAUSS_LEGENDRE);
  }

  /**
   * The same with a choice of the rule.
   *
   * @param points how many points of the line, at least 1
   * @param rule where they are
   * @return this explainer
   * @throws IllegalArgumentException if there are too few
   */
  public Explainer integratedGradients(int points, Quadrature rule) {
    if (points < 1) {
      throw new IllegalArgumentException("integratedGradients(" + points + "): at least 1 point.");
    }
    rule.rule(points);
    choice = b -> new Method.IntegratedGradients(points, rule, b);
    return this;
  }

  /**
   * Chooses the baseline x₀ of integrated gradients, 0 by default.
   *
   * @param value the value of every entry
   * @return this explainer
   */
  public Explainer baseline(double value) {
    baselines = new Method.Baselines(value, List.of());
    return this;
  }

  /**
   * Chooses the baselines x₀ of integrated gradients.
   *
   * @param arrays for each input, or each name of {@link #at}, an array of one sample's shape or of
   *     all samples'
   * @return this explainer
   */
  public Explainer baseline(INDArray... arrays) {
    baselines = new Method.Baselines(0, List.of(arrays));
    return this;
  }

  // ---- explaining ----

  /**
   * Explains the predictions for a batch.
   *
   * @param features an array [N, …] for each input
   * @return the explanation
   * @throws IllegalArgumentException if the batch does not fit, has something that is not finite,
   *     or a choice is none of the model's
   * @throws org.backpack4j.dl4j.UnconvertibleNetworkException if the network cannot be converted;
   *     it lists every obstacle
   * @throws org.backpack4j.samediff.UnsupportedGraphException if derivatives cannot be had; it
   *     lists every reason
   */
  public Explanation explain(INDArray... features) {
    return explain(new org.nd4j.linalg.dataset.MultiDataSet(features, null));
  }

  /**
   * Explains the predictions for a batch with masks. Labels are not read.
   *
   * @param batch features and their mask
   * @return the explanation
   * @throws IllegalArgumentException as {@link #explain(INDArray...)}
   */
  public Explanation explain(DataSet batch) {
    INDArray mask = batch.getFeaturesMaskArray();
    return explain(
        new org.nd4j.linalg.dataset.MultiDataSet(
            new INDArray[] {batch.getFeatures()},
            batch.getLabels() == null ? null : new INDArray[] {batch.getLabels()},
            mask == null ? null : new INDArray[] {mask},
            null));
  }

  /**
   * Explains the predictions for a batch with masks. Labels are not read.
   *
   * @param batch features and their masks
   * @return the explanation
   * @throws IllegalArgumentException as {@link #explain(INDArray...)}
   */
  public Explanation explain(MultiDataSet batch) {
    return explain(model.of(batch, choices()));
  }

  /**
   * Explains the predictions of a SameDiff graph for a batch by placeholder.
   *
   * @param feeds an array for each placeholder that the scores need
   * @return the explanation
   * @throws IllegalArgumentException as {@link #explain(INDArray...)}
   */
  public Explanation explain(Map<String, INDArray> feeds) {
    return explain(model.of(feeds, choices()));
  }

  private ExplainedModel.Choice choices() {
    return new ExplainedModel.Choice(output, points, probabilities);
  }

  private Explanation explain(ExplainedModel.Cut cut) {
    ExplainedGraph graph = cut.graph();
    Map<String, INDArray> values = graph.values(cut.feeds());
    values.forEach((name, value) -> finite("\"" + name + "\"", value, "Mend or leave it out."));
    INDArray scores = graph.scores(cut.feeds(), values);
    finite(
        "The output",
        scores,
        "The features are finite; the parameters or what they add up to may not be.");
    Target.Chosen chosen = target.of(scores, graph.classAxis());
    Method method = choice.method(baselines);
    List<Method.Shares> shares = new ArrayList<>();
    for (INDArray weights : chosen.weights()) {
      shares.add(method.of(new Method.Asked(graph, cut.feeds(), values, weights)));
    }
    return explanation(method, chosen, values, shares);
  }

  private static Explanation explanation(
      Method method,
      Target.Chosen chosen,
      Map<String, INDArray> values,
      List<Method.Shares> shares) {
    Map<String, INDArray> together = new LinkedHashMap<>();
    List<double[]> sums = new ArrayList<>();
    shares.forEach(s -> sums.add(new double[chosen.classes().length]));
    values.forEach(
        (name, value) -> {
          INDArray[] parts =
              shares.stream().map(s -> s.shares().get(name)).toArray(INDArray[]::new);
          for (int k = 0; k < parts.length; k++) {
            add(parts[k].data().asDouble(), sums.get(k));
          }
          together.put(name, Nd4j.stack(1, parts).castTo(value.dataType()));
        });
    INDArray scores = columns(shares.stream().map(Method.Shares::scores).toList());
    INDArray baseline = null;
    INDArray residuals = null;
    if (method.isComplete()) {
      baseline = columns(shares.stream().map(Method.Shares::baseline).toList());
      residuals = columns(sums).subi(scores).addi(baseline);
    }
    return new Explanation(together, chosen.classes(), scores, baseline, residuals);
  }

  /** Adds up each sample's entries; arrays are in 'c' order. */
  private static void add(double[] entries, double[] sums) {
    int length = entries.length / sums.length;
    for (int k = 0; k < entries.length; k++) {
      sums[k / length] += entries[k];
    }
  }

  private static INDArray columns(List<double[]> columns) {
    return Nd4j.createFromArray(columns.toArray(new double[0][])).transpose().dup('c');
  }

  private static void finite(String what, INDArray array, String remedy) {
    if (Double.isFinite(array.castTo(DataType.DOUBLE).sumNumber().doubleValue())) {
      return;
    }
    for (long n = 0; n < array.size(0); n++) {
      double[] sample = array.slice(n).dup('c').castTo(DataType.DOUBLE).data().asDouble();
      if (!Arrays.stream(sample).allMatch(Double::isFinite)) {
        throw new IllegalArgumentException(
            "%s of sample %d has an entry that is not finite. %s".formatted(what, n, remedy));
      }
    }
  }

  /** Frees the memory that graphs keep; they are made again when they are needed. */
  @Override
  public void close() {
    model.close();
  }
}
