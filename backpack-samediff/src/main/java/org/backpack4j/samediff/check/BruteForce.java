package org.backpack4j.samediff.check;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.function.Function;
import org.backpack4j.samediff.Progress;
import org.backpack4j.samediff.internal.interpret.RandomOps;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.internal.rewrite.InferenceDropoutToIdentity;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Gradients and curvature of a graph by brute force, to check other ways of computing them: central
 * differences of forward evaluations, in double precision, on a copy of the graph that is in double
 * precision throughout.
 *
 * <pre>{@code
 * double[] expected = BruteForce.on(model, feeds).diagGgnExact(0, 17, 1234);
 * BruteForce.on(model, feeds).verify(graph.output(feeds, "W.grad", "W.diag_ggn_exact")).orThrow();
 * }</pre>
 *
 * <p>The numbers are BackPACK's: a sample's part of the loss is scaled as in the whole batch, so
 * that the samples' gradients add up to the gradient of the loss. Entries of parameters are counted
 * in 'c' order; without a parameter's name, through all {@link #parameters()} one after the other.
 *
 * <p>The loss has to be a function L(z) of predictions z; the Gauss-Newton matrix's second
 * derivatives are those of L. The predictions are found where the loss is one of SameDiff's loss
 * ops, or scaled and added up from several; else name them with {@link #predictions(String...)}: a
 * loss that is written out has gradients without that, but no Gauss-Newton matrix. Terms of
 * parameters alone (penalties) are in {@link #gradient()} and in nothing else.
 *
 * <p>Each entry costs some ten evaluations of the graph, up to forty near kinks: this is for chosen
 * entries, and whole gradients of small networks only. Parameters and feeds are copied by {@link
 * #on}; what becomes of them later does not matter. Instances are immutable, and can be used by
 * several threads, which take turns.
 */
public final class BruteForce {
  /** An error above this fraction of the largest number asked for is worth an exception. */
  private static final double CERTAIN = 1e-6;

  /** The person's graph in double precision, as it was when asked. */
  private final SameDiff graph;

  private final Map<String, INDArray> feeds;
  private final List<String> losses;
  private final List<Parameter> parameters;

  /** Empty: to be found. */
  private final List<String> predictions;

  private final int sampleAxis;
  private final OptionalInt batchSize;

  /** Made when first needed, as options may still change. */
  private @Nullable LossDerivatives measurements;

  private BruteForce(
      SameDiff graph,
      Map<String, INDArray> feeds,
      List<String> losses,
      List<Parameter> parameters,
      List<String> predictions,
      int sampleAxis,
      OptionalInt batchSize) {
    this.graph = graph;
    this.feeds = feeds;
    this.losses = losses;
    this.parameters = parameters;
    this.predictions = predictions;
    this.sampleAxis = sampleAxis;
    this.batchSize = batchSize;
  }

  /**
   * Takes a graph as it is now.
   *
   * @param graph a graph with a loss; it is copied
   * @param feeds an array for each placeholder that the loss needs, one batch of samples; copied
   * @return brute force with the default options
   * @throws IllegalArgumentException if the graph has no loss, or a feed does not fit its
   *     placeholder
   * @throws UnsupportedOperationException if the loss needs random numbers or control flow
   */
  public static BruteForce on(SameDiff graph, Map<String, INDArray> feeds) {
    List<String> losses = Losses.of(graph);
    Map<String, INDArray> copies = Feeds.checked(graph, feeds, losses);
    SameDiff copy = DoubleCopy.of(graph);
    InferenceDropoutToIdentity.apply(copy);
    ReferenceInterpreter.order(copy, losses).forEach(RandomOps::refuse);
    List<Parameter> parameters = Parameter.all(copy, losses, graph);
    return new BruteForce(copy, copies, losses, parameters, List.of(), 0, OptionalInt.empty());
  }

  /**
   * Names the predictions.
   *
   * @param names the variables of which the loss is a function; by default, what its loss ops
   *     compare with labels
   * @return a copy of this with that option
   * @throws IllegalArgumentException if a name is unknown, or none is given
   */
  public BruteForce predictions(String... names) {
    for (String name : names) {
      SDVariable variable = graph.getVariable(name);
      if (variable == null || !variable.dataType().isFPType()) {
        throw new IllegalArgumentException(
            "\""
                + name
                + "\" cannot be the predictions: the graph has no floating-point variable"
                + " of that name.");
      }
    }
    if (names.length == 0) {
      throw new IllegalArgumentException("Name at least one variable as the predictions.");
    }
    List<String> chosen = Arrays.stream(names).distinct().toList();
    return new BruteForce(graph, feeds, losses, parameters, chosen, sampleAxis, batchSize);
  }

  /**
   * Names the sample axis of the placeholders.
   *
   * @param axis the axis, from 0; by default 0. Where the predictions have their samples is found
   *     out
   * @return a copy of this with that option
   */
  public BruteForce sampleAxis(int axis) {
    if (axis < 0) {
      throw new IllegalArgumentException(
          "The sample axis is " + axis + ": count it from the front, from 0 on.");
    }
    return new BruteForce(graph, feeds, losses, parameters, predictions, axis, batchSize);
  }

  /**
   * Says how many samples the feeds hold.
   *
   * @param samples the number; by default, the smallest extent but 1 at the sample axis of those
   *     arrays whose placeholder leaves it open (of all arrays, if none does)
   * @return a copy of this with that option
   */
  public BruteForce batchSize(int samples) {
    if (samples < 1) {
      throw new IllegalArgumentException("The number of samples is " + samples + ", less than 1.");
    }
    OptionalInt given = OptionalInt.of(samples);
    return new BruteForce(graph, feeds, losses, parameters, predictions, sampleAxis, given);
  }

  /**
   * Chooses parameters, and the order in which their entries are counted.
   *
   * @param names names of parameters; by default all of the graph's, in the order in which its ops
   *     use them, those that the loss does not depend on last
   * @return a copy of this with that option
   * @throws IllegalArgumentException if one is not a parameter, or none is given
   */
  public BruteForce parameters(String... names) {
    List<Parameter> chosen = Arrays.stream(names).distinct().map(this::parameter).toList();
    if (chosen.isEmpty()) {
      throw new IllegalArgumentException("Name at least one parameter.");
    }
    return new BruteForce(graph, feeds, losses, chosen, predictions, sampleAxis, batchSize);
  }

  /**
   * The parameters.
   *
   * @return their names, in the order in which entries are counted
   */
  public List<String> parameters() {
    return parameters.stream().map(Parameter::name).toList();
  }

  /**
   * The number of samples in the feeds.
   *
   * @return N
   */
  public int samples() {
    return measurements().samples();
  }

  /**
   * The gradient of the loss, penalties included.
   *
   * @return for each parameter an array of its shape
   * @throws UncertainException if an entry is too near to a kink
   */
  public Map<String, INDArray> gradient() {
    return forEachEntry(Entry::gradient);
  }

  /**
   * One entry of {@link #gradient()}.
   *
   * @param parameter the parameter's name
   * @param index the entry, in 'c' order
   * @return the derivative
   * @throws UncertainException if it is too near to a kink
   */
  public double gradient(String parameter, long index) {
    return number(Entry::gradient, parameter, index);
  }

  /**
   * The gradient of one sample's part of the loss, BackPACK's {@code grad_batch[n]}. With a mean
   * over N samples it is 1/N times the gradient of that sample's own loss.
   *
   * @param sample the number n of the sample
   * @return for each parameter an array of its shape
   * @throws UncertainException if an entry is too near to a kink
   */
  public Map<String, INDArray> gradientOfSample(int sample) {
    Objects.checkIndex(sample, samples());
    refuseMixing();
    return forEachEntry(entry -> entry.gradientOfSample(sample));
  }

  /**
   * The gradients of all samples for one parameter, BackPACK's {@code grad_batch}.
   *
   * @param parameter the parameter's name
   * @return an array [N, P…]
   * @throws UncertainException if an entry is too near to a kink
   */
  public INDArray batchGrad(String parameter) {
    refuseMixing();
    Parameter chosen = parameter(parameter);
    double[][] byEntry = all(chosen, Entry::gradientBySample);
    int samples = samples();
    double[] bySample = new double[samples * byEntry.length];
    for (int k = 0; k < bySample.length; k++) {
      bySample[k] = byEntry[k % byEntry.length][k / byEntry.length];
    }
    return Arrays64.toArray(bySample, chosen.shape(samples));
  }

  /**
   * One entry of the gradients of all samples.
   *
   * @param parameter the parameter's name
   * @param index the entry, in 'c' order
   * @return N derivatives
   * @throws UncertainException if they are too near to a kink
   */
  public double[] gradientsOfEntry(String parameter, long index) {
    refuseMixing();
    return numbers(Entry::gradientBySample, parameter, index);
  }

  /**
   * BackPACK's {@code sum_grad_squared} at one entry.
   *
   * @param parameter the parameter's name
   * @param index the entry, in 'c' order
   * @return the sum over the samples of the squared derivative
   */
  public double sumGradSquared(String parameter, long index) {
    refuseMixing();
    return number(entry -> Moments.sumOfSquares(entry.gradientBySample()), parameter, index);
  }

  /**
   * BackPACK's {@code variance} at one entry.
   *
   * @param parameter the parameter's name
   * @param index the entry, in 'c' order
   * @return the mean of the squared derivatives less the square of their mean
   */
  public double variance(String parameter, long index) {
    refuseMixing();
    return number(entry -> Moments.variance(entry.gradientBySample()), parameter, index);
  }

  /**
   * BackPACK's {@code batch_l2} of one parameter.
   *
   * @param parameter the parameter's name
   * @return for each of the N samples the squared norm of its gradient
   */
  public double[] batchL2(String parameter) {
    refuseMixing();
    double[] norms = new double[samples()];
    for (double[] gradients : all(parameter(parameter), Entry::gradientBySample)) {
      Arrays.setAll(norms, n -> norms[n] + gradients[n] * gradients[n]);
    }
    return norms;
  }

  /**
   * The sum of the samples' clipped gradients, {@code clipped_grad}: Σₙ min(1, R/(‖gₙ‖ + 1e-6)) gₙ,
   * the norm over all {@link #parameters()}.
   *
   * @param bound R, above 0
   * @param divisor what the loss divides the sum over the samples by, so that gₙ is the gradient of
   *     the sample's own loss: their number for a mean, 1 for a sum
   * @return for each parameter an array of its shape
   * @throws UncertainException if an entry is too near to a kink
   */
  public Map<String, INDArray> clippedGradient(double bound, double divisor) {
    Map<String, INDArray> rows = new LinkedHashMap<>();
    parameters().forEach(name -> rows.put(name, batchGrad(name).muli(divisor)));
    Map<String, INDArray> sums = new LinkedHashMap<>();
    for (int n = 0; n < samples(); n++) {
      double square = 0;
      for (INDArray all : rows.values()) {
        double norm = all.slice(n).norm2Number().doubleValue();
        square += norm * norm;
      }
      double weight = Math.min(1, bound / (Math.sqrt(square) + 1e-6));
      int sample = n;
      rows.forEach(
          (name, all) ->
              sums.merge(name, all.slice(sample).mul(weight), (sum, more) -> sum.addi(more)));
    }
    return sums;
  }

  /**
   * The diagonal of the generalised Gauss-Newton matrix at chosen entries, as the function {@code
   * autograd_diag_ggn_exact(x, y, model, loss_function, idx=…)} of BackPACK's tutorials computes
   * it.
   *
   * @param indices entries, counted through all {@link #parameters()} in 'c' order
   * @return for each the sum over the samples of uₙᵀ (∂²L/∂zₙ²) uₙ, u = ∂z/∂θ
   * @throws UncertainException if an entry is too near to a kink
   */
  public double[] diagGgnExact(long... indices) {
    return diagonal(Entry::ggn, indices);
  }

  /**
   * The same at one entry of a parameter.
   *
   * @param parameter the parameter's name
   * @param index the entry, in 'c' order
   * @return the entry of the diagonal
   * @throws UncertainException if it is too near to a kink
   */
  public double diagGgnExact(String parameter, long index) {
    return number(Entry::ggn, parameter, index);
  }

  /**
   * Each sample's part of {@link #diagGgnExact(String, long)}, BackPACK's {@code
   * diag_ggn_exact_batch}.
   *
   * @param parameter the parameter's name
   * @param index the entry, in 'c' order
   * @return N numbers that add up to the entry of the diagonal
   * @throws UncertainException if they are too near to a kink
   */
  public double[] batchDiagGgnExact(String parameter, long index) {
    return numbers(Entry::ggnBySample, parameter, index);
  }

  /**
   * The diagonal of the loss's Hessian at chosen entries, without penalties; second differences of
   * the loss, which are far less exact near kinks than everything else here.
   *
   * @param indices entries, counted through all {@link #parameters()} in 'c' order
   * @return the second derivatives
   * @throws UncertainException if an entry is too near to a kink
   */
  public double[] hessianDiagonal(long... indices) {
    return diagonal(Entry::hessian, indices);
  }

  /**
   * The same at one entry of a parameter.
   *
   * @param parameter the parameter's name
   * @param index the entry, in 'c' order
   * @return the second derivative
   * @throws UncertainException if it is too near to a kink
   */
  public double hessianDiagonal(String parameter, long index) {
    return number(Entry::hessian, parameter, index);
  }

  /**
   * Compares results with brute force at a handful of entries, with the default settings of {@link
   * #verifier()}.
   *
   * @param results arrays by output name, {@code <parameter>.<field>}; others are passed over
   * @return what was compared, and how it came out
   */
  public Verification verify(Map<String, INDArray> results) {
    return verifier().verify(results);
  }

  /**
   * A comparison whose settings can be changed.
   *
   * @return one with the default settings
   */
  public Verifier verifier() {
    return new Verifier(this);
  }

  /** All parameters with their shapes. */
  List<Parameter> parameterList() {
    return parameters;
  }

  /** One entry, to be measured. */
  Entry entry(Parameter parameter, long index) {
    Progress.check("brute force, before " + parameter.describe(index));
    return measurements().entry(parameter, index);
  }

  /** Everything that belongs to all entries; made once. */
  synchronized LossDerivatives measurements() {
    LossDerivatives known = measurements;
    if (known == null) {
      List<String> names = parameters();
      NetworkLossSplit split =
          predictions.isEmpty()
              ? NetworkLossSplit.find(graph, losses, names)
              : NetworkLossSplit.at(graph, losses, names, predictions);
      Batch batch = Batch.of(graph, feeds, sampleAxis, batchSize);
      FiniteDifferenceModel experiment =
          new FiniteDifferenceModel(graph, feeds, parameters, losses, split.outputs());
      known = new LossDerivatives(experiment, batch, split.curved());
      measurements = known;
    }
    return known;
  }

  private void refuseMixing() {
    if (measurements().mixing()) {
      throw new UnsupportedOperationException(
          "The predictions for a sample depend on other samples (batch normalisation in training"
              + " mode, an operation over the batch axis?): there is no gradient of one sample.");
    }
  }

  private Parameter parameter(String name) {
    return parameters.stream()
        .filter(parameter -> parameter.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "\"" + name + "\" is not one of the parameters " + parameters() + "."));
  }

  private double number(Function<Entry, Estimate> quantity, String parameter, long index) {
    return numbers(quantity, parameter, index)[0];
  }

  private double[] numbers(Function<Entry, Estimate> quantity, String name, long index) {
    Parameter parameter = parameter(name);
    checkIndex(index, parameter.length(), "\"" + name + "\"");
    ErrorBound certainty = certainty();
    Estimate estimate = quantity.apply(entry(parameter, index));
    certainty.add(parameter, index, estimate);
    certainty.require();
    return estimate.values();
  }

  private double[] diagonal(Function<Entry, Estimate> quantity, long... indices) {
    long length = parameters.stream().mapToLong(Parameter::length).sum();
    for (long index : indices) {
      checkIndex(index, length, "the parameters " + parameters());
    }
    ErrorBound certainty = certainty();
    double[] values = new double[indices.length];
    for (int k = 0; k < indices.length; k++) {
      long rest = indices[k];
      int place = 0;
      while (rest >= parameters.get(place).length()) {
        rest -= parameters.get(place++).length();
      }
      Estimate estimate = quantity.apply(entry(parameters.get(place), rest));
      certainty.add(parameters.get(place), rest, estimate);
      values[k] = estimate.values()[0];
    }
    certainty.require();
    return values;
  }

  private static void checkIndex(long index, long length, String what) {
    if (index < 0 || index >= length) {
      throw new IndexOutOfBoundsException(
          "There is no entry " + index + ": " + what + " has entries 0 to " + (length - 1) + ".");
    }
  }

  private Map<String, INDArray> forEachEntry(Function<Entry, Estimate> quantity) {
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    for (Parameter parameter : parameters) {
      double[] values = Arrays.stream(all(parameter, quantity)).mapToDouble(v -> v[0]).toArray();
      arrays.put(parameter.name(), Arrays64.toArray(values, parameter.shape()));
    }
    return arrays;
  }

  private double[][] all(Parameter parameter, Function<Entry, Estimate> quantity) {
    ErrorBound certainty = certainty();
    double[][] values = new double[Math.toIntExact(parameter.length())][];
    for (int index = 0; index < values.length; index++) {
      Estimate estimate = quantity.apply(entry(parameter, index));
      certainty.add(parameter, index, estimate);
      values[index] = estimate.values();
    }
    certainty.require();
    return values;
  }

  private ErrorBound certainty() {
    return new ErrorBound(CERTAIN, measurements().negligible().error());
  }
}
