package org.backpack4j.dl4j.train;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.internal.train.QuantityListener;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.KFACExpand;
import org.backpack4j.samediff.extension.KFACReduce;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

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
    QuantityListener.Adapters.add(Kfac.class, kfac -> kfac.steps);
  }

  private final Extension extension;
  private final PreconditionedSteps steps;

  private Kfac(Extension extension) {
    this.extension = extension;
    steps = new PreconditionedSteps(extension);
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
    steps.damping().damping(positive("The damping", delta));
    return this;
  }

  /**
   * Has damping added to the product of Kronecker factors, exactly, in the place of √δ to each of
   * them, divided among them by their traces (Martens and Grosse's π).
   *
   * @return this listener
   */
  public Kfac exactDamping() {
    steps.exactDamping();
    return this;
  }

  /**
   * Has the eigenvalues of the product of Kronecker factors replaced by the second moments of the
   * batches' columns along its eigenvectors (George et al., 2018, "Fast approximate natural
   * gradient descent in a Kronecker-factored eigenbasis"), which is nearer to the curvature.
   * Eigenvectors are those of the last inverse; second moments are a moving average of their own,
   * which begins anew with each inverse. Damping is added exactly. Each step whose curvature goes
   * into the average costs another pass.
   *
   * @return this listener
   * @throws IllegalArgumentException if the curvature has no Kronecker factors
   */
  public Kfac correctedEigenvalues() {
    steps.correctEigenvalues(extension);
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
    steps.decay(share);
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
    steps.every(factors, inverses);
    return this;
  }

  /**
   * Limits a step: where ḡᵀ (C + δ)⁻¹ ḡ is above κ, the preconditioned gradient is made shorter, so
   * that it is κ. With a learning rate η a step then changes the quadratic model by no more than
   * the order of η κ.
   *
   * @param kappa κ, above 0; there is no limit by default
   * @return this listener
   * @throws IllegalArgumentException if it is not above 0 and finite, or an exact learning rate is
   *     chosen
   */
  public Kfac normConstraint(double kappa) {
    double checked = positive("The norm constraint", kappa);
    if (steps.model().isExact()) {
      throw contradiction();
    }
    steps.constraint(checked);
    return this;
  }

  private static IllegalArgumentException contradiction() {
    return new IllegalArgumentException(
        "A norm constraint changes the length of a step, an exact learning rate or momentum chooses"
            + " it: choose one of them.");
  }

  /**
   * Has the damping adapted as Levenberg and Marquardt do (Martens and Grosse, section 6.5). Every
   * T steps the batch's loss is evaluated again after the step, with the same random numbers, and ρ
   * is the change of the loss divided by that of the quadratic model ḡᵀs + ½ sᵀ (G + δ) s, with s
   * the change of the parameters and G the exact generalised Gauss-Newton matrix of the batch. With
   * ω = (19/20)ᵀ, δ is multiplied by ω where ρ is above 3/4, and divided by ω where it is below
   * 1/4.
   *
   * @param interval T, at least 1; Martens and Grosse have 5
   * @return this listener
   * @throws IllegalArgumentException if it is less than 1
   */
  public Kfac adaptDamping(int interval) {
    if (interval < 1) {
      throw new IllegalArgumentException(
          "adaptDamping(" + interval + "): it is a number of steps, at least 1.");
    }
    steps.damping().every(interval);
    return this;
  }

  /**
   * Has the length of each step chosen by the quadratic model of its batch (Martens and Grosse,
   * section 7): with Δ = −(C + δ)⁻¹ ḡ the step is α Δ, α = −ḡᵀΔ / (Δᵀ (G + δ) Δ), where products
   * with G, the exact generalised Gauss-Newton matrix of the batch, are computed in each step. The
   * updater must be {@code new Sgd(1)}, without l1, l2, weight decay, gradient normalization and
   * constraints.
   *
   * @return this listener
   * @throws IllegalArgumentException if a norm constraint is chosen
   */
  public Kfac exactLearningRate() {
    if (steps.isConstrained()) {
      throw contradiction();
    }
    steps.model().exactLearningRate();
    return this;
  }

  /**
   * The same with momentum: a step is α Δ + μ s, with s the step before, and α and μ those of the
   * quadratic model's minimum. The updater must be as for {@link #exactLearningRate}.
   *
   * @return this listener
   * @throws IllegalArgumentException if a norm constraint is chosen
   */
  public Kfac exactMomentum() {
    exactLearningRate();
    steps.model().exactMomentum();
    return this;
  }

  /**
   * Has inverses factorised on another thread. A step uses the last that is finished, so that
   * trainings do not repeat each other to the last bit. The first is waited for. The thread ends
   * with what it factorises, and {@link #close} waits for that; if it fails, the next step tells.
   *
   * @return this listener
   */
  public Kfac inversesInBackground() {
    steps.factoriseOn(Inverses.threads());
    return this;
  }

  /**
   * Adds a callback.
   *
   * @param callback is told after each step what it was made with
   * @return this listener
   */
  public Kfac onStep(Consumer<KfacStep> callback) {
    steps.onStep(callback);
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
   * DataSet)} does, and what the quadratic model needs if it is asked.
   *
   * @param net the network
   * @param batch a batch as the network will be trained with
   * @return this listener
   * @throws org.backpack4j.dl4j.UnconvertibleNetworkException if the network cannot be converted
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the quantity cannot be had
   * @throws IllegalStateException if something behind the gradient would change an exact step
   */
  public Kfac check(Model net, DataSet batch) {
    return check(net, batch.toMultiDataSet());
  }

  /**
   * Tells what stands in the way for batches as this one, as {@link BackPackListener#check(Model,
   * MultiDataSet)} does, and what the quadratic model needs if it is asked.
   *
   * @param net the network
   * @param batch a batch as the network will be trained with
   * @return this listener
   * @throws org.backpack4j.dl4j.UnconvertibleNetworkException if the network cannot be converted
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the quantity cannot be had
   * @throws IllegalStateException if something behind the gradient would change an exact step
   */
  public Kfac check(Model net, MultiDataSet batch) {
    steps.check(net, batch);
    return this;
  }

  // ---- DL4J ----

  @Override
  public void onForwardPass(Model model, List<INDArray> activations) {
    steps.onForwardPass(model, activations);
  }

  @Override
  public void onForwardPass(Model model, Map<String, INDArray> activations) {
    steps.onForwardPass(model, activations);
  }

  @Override
  public void onBackwardPass(Model model) {
    steps.onBackwardPass(model);
  }

  /**
   * Preconditions the gradient.
   *
   * @throws IllegalStateException if the curvature cannot be had, or something behind the gradient
   *     would change a step of exact length, with the reason
   */
  @Override
  public void onGradientCalculation(Model model) {
    steps.onGradientCalculation(model);
  }

  @Override
  public void iterationDone(Model model, int iteration, int epoch) {
    steps.iterationDone(model, iteration, epoch);
  }

  /** Frees the memory that evaluations keep, and waits for an inverse on another thread. */
  @Override
  public void close() {
    steps.close();
  }
}
