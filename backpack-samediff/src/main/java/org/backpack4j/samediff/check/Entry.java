package org.backpack4j.samediff.check;

import java.util.Arrays;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * What differences say about one entry θ of a parameter. Everything is worked out when first asked
 * for and kept.
 *
 * <p>With u = ∂z/∂θ, the change of the predictions, and uₙ its part for sample n, the derivative of
 * sample n's part of the loss is the slope of t ↦ L(z + t uₙ), and its part of the generalised
 * Gauss-Newton matrix's diagonal, uₙᵀ (∂²L/∂z²) uₙ, the second derivative (Schraudolph, "Fast
 * curvature matrix-vector products for second-order gradient descent", 2002). Neither a Jacobian
 * nor a Hessian is formed.
 */
final class Entry {
  /**
   * The first step, times the entry's own size where that is above 1. Powers of two, so that θ + t
   * is exact.
   */
  private static final int STEP_EXPONENT = -9;

  private static final double SUM_TOLERANCE = 1e-6;

  private final LossDerivatives measurements;
  private final Parameter parameter;
  private final long index;

  private final Supplier<Estimate> gradient;
  private final Supplier<Estimate> penalty;
  private final Supplier<Estimate> column;
  private final Supplier<Estimate> ggn;
  private final Supplier<Estimate[]> bySample;
  private final Supplier<Estimate> hessian;
  private final Supplier<Estimate> hessianBySample;

  Entry(LossDerivatives measurements, Parameter parameter, long index) {
    this.measurements = measurements;
    this.parameter = parameter;
    this.index = index;
    FiniteDifferenceModel experiment = measurements.experiment();
    Curve predictions = experiment.predictionsAlong(parameter, index);
    gradient = once(this::wholeGradient);
    penalty = once(() -> slope(experiment.penaltyAlong(parameter, index), measurements.loss()));
    column = once(() -> slope(predictions, experiment.predictions()));
    ggn = once(() -> measurements.along(column()).pick(1));
    bySample = once(this::alongEachSample);
    hessian = once(() -> curvature(t -> experiment.loss(predictions.at(t)), measurements.loss()));
    hessianBySample = once(() -> hessianBySample(predictions));
  }

  private static <T> Supplier<T> once(Supplier<T> supplier) {
    return new Supplier<>() {
      private @Nullable T value;

      @Override
      public synchronized T get() {
        T known = value;
        if (known == null) {
          known = supplier.get();
          value = known;
        }
        return known;
      }
    };
  }

  /** The derivative of the whole loss, penalties included: one number. */
  Estimate gradient() {
    return gradient.get();
  }

  /**
   * The difference of the whole loss, and the same put together from the predictions. Where kinks
   * of many samples spoil the former, near and far ones, it may not show in that alone; the latter
   * takes each prediction at steps that keep clear of its own kinks.
   */
  private Estimate wholeGradient() {
    Curve loss = measurements.experiment().lossAlong(parameter, index);
    Estimate whole = Derivatives.slopeOfLoss(loss, measurements.loss(), firstStep());
    Estimate along = measurements.along(column()).pick(0);
    double sum = along.values()[0] + penalty().values()[0];
    double error = along.maxError() + penalty().maxError();
    double gap = Math.abs(whole.values()[0] - sum);
    boolean contradiction = gap > whole.maxError() + error;
    Estimate doubted = Estimate.of(whole.values()[0], whole.maxError() + (contradiction ? gap : 0));
    return doubted.best(Estimate.of(sum, error));
  }

  /** The derivative of what depends on parameters beside the predictions: one number. */
  Estimate penalty() {
    return penalty.get();
  }

  /** The derivative of each sample's part of the loss: N numbers. */
  Estimate gradientBySample() {
    return bySample.get()[0];
  }

  /** The entry of the generalised Gauss-Newton matrix's diagonal: one number. */
  Estimate ggn() {
    measurements.requireCurvature();
    return ggn.get();
  }

  /** Each sample's part of {@link #ggn()}: N numbers. */
  Estimate ggnBySample() {
    measurements.requireCurvature();
    Estimate ggn = bySample.get()[1];
    checkSum(ggn);
    return ggn;
  }

  /** The second derivative of the loss without penalties: one number. */
  Estimate hessian() {
    return hessian.get();
  }

  /** Each sample's part of {@link #hessian()}: N numbers. */
  Estimate hessianBySample() {
    return hessianBySample.get();
  }

  /** One of {@link #gradientBySample()}, without working out the others. */
  Estimate gradientOfSample(int sample) {
    return alongSample(sample).pick(0);
  }

  /** The derivative of each sample's predictions, V numbers for each of N samples. */
  Estimate predictions() {
    int[] order = measurements.bySample();
    Estimate column = column();
    Estimate sorted = Estimate.zeros(order.length);
    for (int k = 0; k < order.length; k++) {
      sorted.set(k, column.pick(order[k]));
    }
    return sorted;
  }

  private Estimate column() {
    return column.get();
  }

  private Estimate[] alongEachSample() {
    int samples = measurements.samples();
    Estimate slopes = Estimate.zeros(samples);
    Estimate curvatures = Estimate.zeros(samples);
    for (int n = 0; n < samples; n++) {
      Estimate both = alongSample(n);
      slopes.set(n, both.pick(0));
      curvatures.set(n, both.pick(1));
    }
    return new Estimate[] {slopes, curvatures};
  }

  /** The samples' parts of the diagonal add up to it, unless the loss couples samples. */
  private void checkSum(Estimate bySample) {
    double sum = Arrays.stream(bySample.values()).sum();
    double size = Arrays.stream(bySample.values()).map(Math::abs).sum();
    double error = Arrays.stream(bySample.errors()).sum() + ggn().maxError();
    double rounding = measurements.negligible().roundingOfSquares(DataType.DOUBLE, size);
    if (Math.abs(sum - ggn().values()[0]) > SUM_TOLERANCE * size + 2 * error + rounding) {
      throw new UnsupportedOperationException(
          "The loss is no sum over samples: at "
              + parameter.describe(index)
              + " the samples' parts of the Gauss-Newton diagonal add up to "
              + sum
              + ", but it is "
              + ggn().values()[0]
              + ". There is no part of the loss that belongs to one sample.");
    }
  }

  private Estimate alongSample(int sample) {
    double[] values = measurements.ofSample(column().values(), sample);
    double[] errors = measurements.ofSample(column().errors(), sample);
    return measurements.along(new Estimate(values, errors));
  }

  private Estimate hessianBySample(Curve predictions) {
    double[] middle = new double[measurements.samples()];
    Arrays.fill(middle, measurements.loss()[0]);
    return curvature(t -> measurements.lossBySample(predictions.at(t)), middle);
  }

  private Estimate slope(Curve curve, double[] middle) {
    return Derivatives.slope(curve, middle, firstStep());
  }

  private Estimate curvature(Curve curve, double[] middle) {
    return Derivatives.curvature(curve, middle, firstStep());
  }

  private double firstStep() {
    double value = Math.abs(measurements.experiment().value(parameter, index));
    return Math.scalb(1.0, STEP_EXPONENT + (value > 1 ? Math.getExponent(value) : 0));
  }
}
