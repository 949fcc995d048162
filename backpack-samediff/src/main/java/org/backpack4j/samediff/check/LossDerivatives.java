package org.backpack4j.samediff.check;

import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/**
 * An experiment whose predictions are known by sample, with the derivatives of the loss in them.
 *
 * <p>The loss is a function L(z) of the predictions z, in which each sample n has its own entries
 * zₙ.
 */
final class LossDerivatives {
  private static final double UNMOVED = 1e-9;

  /** How much larger than the predictions the numbers are that they are sums of. */
  private static final double TERMS = 16;

  private static final int RECENT = 16;

  private final FiniteDifferenceModel experiment;
  private final int samples;
  private final int[] owners;
  private final boolean mixing;
  private final boolean curved;
  private final double[] middle;
  private final double[] loss;
  private final Negligible negligible;

  /** For each prediction, once it was needed: how the loss changes as it alone moves. */
  private final Map<Integer, Estimate> single = new ConcurrentHashMap<>();

  /** The entries that were asked for last: one is often asked for several quantities. */
  private final Map<String, Entry> recent =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Entry> eldest) {
          return size() > RECENT;
        }
      };

  LossDerivatives(FiniteDifferenceModel experiment, Batch batch, boolean curved) {
    this.experiment = experiment;
    this.samples = batch.size();
    this.curved = curved;
    this.middle = experiment.predictions();
    this.loss = experiment.loss(middle);
    this.negligible = new Negligible(loss[0]);
    requireFinite(batch);
    this.owners = owners(batch);
    this.mixing = mixing(batch);
  }

  /** NaN is not NaN: nothing could be told of what follows from it, least of all by whom it is. */
  private void requireFinite(Batch batch) {
    String where = "";
    int offset = 0;
    for (Map.Entry<String, long[]> entry : experiment.predictionShapes().entrySet()) {
      Parameter shape = new Parameter(entry.getKey(), entry.getValue());
      int length = Math.toIntExact(shape.length());
      for (int k = 0; k < length && where.isEmpty(); k++) {
        if (!Double.isFinite(middle[offset + k])) {
          where =
              "The predictions \"%s\" are not finite: %s is at %s"
                  .formatted(entry.getKey(), middle[offset + k], shape.position(k));
        }
      }
      offset += length;
    }
    if (where.isEmpty() && !Double.isFinite(loss[0])) {
      where = "The loss is " + loss[0];
    }
    if (!where.isEmpty()) {
      throw new IllegalArgumentException(
          where
              + ", and brute force can tell nothing of what follows from that."
              + batch.notFinite()
              + " Leave such samples out, or compare with parameters for which all is finite.");
    }
  }

  /** The places of the predictions' entries, those of the first sample first. */
  int[] bySample() {
    return IntStream.range(0, owners.length)
        .boxed()
        .sorted(Comparator.comparingInt(k -> owners[k]))
        .mapToInt(k -> k)
        .toArray();
  }

  /** How many variables the predictions are. */
  int predictionVariables() {
    return experiment.predictionShapes().size();
  }

  private int[] owners(Batch batch) {
    double[] rotated = experiment.predictions(batch.withSamples(n -> (n + 1) % samples));
    int[] all = new int[middle.length];
    int offset = 0;
    for (Map.Entry<String, long[]> entry : experiment.predictionShapes().entrySet()) {
      int length = Math.toIntExact(new Parameter(entry.getKey(), entry.getValue()).length());
      double[] part = Arrays.copyOfRange(middle, offset, offset + length);
      double[] moved = Arrays.copyOfRange(rotated, offset, offset + length);
      int[] own = new SampleLayout(entry.getKey(), entry.getValue(), samples, part, moved).owners();
      System.arraycopy(own, 0, all, offset, length);
      offset += length;
    }
    return all;
  }

  /**
   * Exchanges every other sample for its neighbour: the predictions for the rest should not care.
   */
  private boolean mixing(Batch batch) {
    double[] others = experiment.predictions(batch.withSamples(n -> n - n % 2));
    double tolerance = UNMOVED * Estimate.maxAbs(middle);
    return IntStream.range(0, middle.length)
        .anyMatch(k -> owners[k] % 2 == 0 && !(Math.abs(others[k] - middle[k]) <= tolerance));
  }

  /** What there is to say about an entry of a parameter. */
  synchronized Entry entry(Parameter parameter, long index) {
    return recent.computeIfAbsent(
        parameter.describe(index), key -> new Entry(this, parameter, index));
  }

  FiniteDifferenceModel experiment() {
    return experiment;
  }

  /** The number of samples N. */
  int samples() {
    return samples;
  }

  /** Whether the predictions for a sample were seen to depend on other samples. */
  boolean mixing() {
    return mixing;
  }

  /**
   * Makes sure that second derivatives in the predictions mean something.
   *
   * @throws IllegalArgumentException if the predictions are not known
   */
  void requireCurvature() {
    if (!curved) {
      throw new IllegalArgumentException(
          "There is a loss without a loss op of SameDiff's: name the outputs that it is a function"
              + " of, as in .predictions(\"logits\"), to have its Gauss-Newton matrix.");
    }
  }

  /** The loss, as an array of one entry. */
  double[] loss() {
    return loss;
  }

  /** What is nothing beside the predictions. They end long sums whose terms are larger. */
  Negligible negligiblePredictions() {
    return new Negligible(TERMS * Math.max(1, Estimate.maxAbs(middle)));
  }

  /** What is nothing beside the loss. */
  Negligible negligible() {
    return negligible;
  }

  /** A direction in the predictions without the entries of other samples. */
  double[] ofSample(double[] direction, int sample) {
    return IntStream.range(0, direction.length)
        .mapToDouble(k -> owners[k] == sample ? direction[k] : 0)
        .toArray();
  }

  /**
   * The loss of each sample's predictions in {@code other}, those of all others being as they are.
   */
  double[] lossBySample(double[] other) {
    double[] losses = new double[samples];
    for (int n = 0; n < samples; n++) {
      double[] mixed = middle.clone();
      for (int k = 0; k < mixed.length; k++) {
        mixed[k] = owners[k] == n ? other[k] : mixed[k];
      }
      losses[n] = experiment.loss(mixed)[0];
    }
    return losses;
  }

  /**
   * The first and the second derivative of t ↦ L(z + t u) at 0.
   *
   * @param direction u, known to within its errors δ
   * @return both derivatives. What δ adds to their errors is bounded entry by entry: Σ |∂L/∂zₖ| δₖ
   *     for the first, and by Cauchy and Schwarz' inequality 2 √(uᵀHu) r + r² with r = Σ √Hₖₖ δₖ
   *     for the second, where H, the Hessian of L, is positive
   */
  Estimate along(Estimate direction) {
    double[] u = direction.values();
    double scale = Estimate.maxAbs(u);
    Estimate exact = scale == 0 ? Estimate.zeros(2) : alongUnit(u, scale);
    double first = exact.errors()[0];
    double root = 0;
    for (int k = 0; k < u.length; k++) {
      if (direction.errors()[k] > Derivatives.GOOD * scale) {
        Estimate own = single.computeIfAbsent(k, this::alongSingle);
        first += (Math.abs(own.values()[0]) + own.errors()[0]) * direction.errors()[k];
        root += Math.sqrt(Math.abs(own.values()[1]) + own.errors()[1]) * direction.errors()[k];
      }
    }
    double curvature = exact.values()[1];
    double second = exact.errors()[1] + 2 * Math.sqrt(Math.abs(curvature)) * root + root * root;
    return new Estimate(exact.values(), new double[] {first, second});
  }

  private Estimate alongSingle(int entry) {
    double[] unit = new double[middle.length];
    unit[entry] = 1;
    return alongUnit(unit, 1);
  }

  private Estimate alongUnit(double[] direction, double scale) {
    Curve curve =
        t -> {
          double[] moved = middle.clone();
          for (int k = 0; k < moved.length; k++) {
            moved[k] += t * (direction[k] / scale);
          }
          return experiment.loss(moved);
        };
    Estimate unit = Derivatives.slopeAndCurvature(curve, loss);
    double[] values = {unit.values()[0] * scale, unit.values()[1] * scale * scale};
    double[] errors = {unit.errors()[0] * scale, unit.errors()[1] * scale * scale};
    return new Estimate(values, errors);
  }
}
