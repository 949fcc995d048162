package org.backpack4j.samediff.check;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.backpack4j.samediff.Progress;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Compares results with brute force: of each parameter a random handful of entries and those that
 * are largest in an output, each for all samples.
 *
 * <p>Where a parameter's {@code grad} and {@code grad_batch} are both there, they are compared with
 * each other as well, at every entry: the samples' gradients and {@code grad_penalty} have to add
 * up to the gradient.
 *
 * <p>Outputs are {@code <parameter>.<field>} with the fields {@code grad}, {@code grad_penalty},
 * {@code grad_batch}, {@code batch_l2}, {@code sum_grad_squared}, {@code variance}, {@code
 * diag_ggn_exact}, {@code diag_ggn_exact_batch}, {@code diag_h}, {@code diag_h_batch}, {@code
 * sqrt_ggn_exact} (by the sums of its columns' squares) and {@code jacobian} (of one prediction).
 * Instances are immutable.
 */
public final class Verifier {
  private static final double DOUBLE_TOLERANCE = 1e-6;
  private static final double FLOAT_TOLERANCE = 1e-3;
  private static final double HALF_TOLERANCE = 5e-2;
  private static final String BATCH_L2 = ".batch_l2";

  /** So many entries are tried for each one that shall be compared, where there are kinks. */
  private static final int PATIENCE = 4;

  private final BruteForce bruteForce;
  private final int entries;
  private final long seed;
  private final OptionalDouble tolerance;
  private final int normLimit;
  private final Progress progress;

  Verifier(BruteForce bruteForce) {
    this(bruteForce, 4, 0, OptionalDouble.empty(), 200, Progress.NONE);
  }

  private Verifier(
      BruteForce bruteForce,
      int entries,
      long seed,
      OptionalDouble tolerance,
      int normLimit,
      Progress progress) {
    this.bruteForce = bruteForce;
    this.entries = entries;
    this.seed = seed;
    this.tolerance = tolerance;
    this.normLimit = normLimit;
    this.progress = progress;
  }

  /**
   * How many random entries of each parameter are compared.
   *
   * @param number at least 1; by default 4
   * @return a copy of this with that setting
   */
  public Verifier entries(int number) {
    if (number < 1) {
      throw new IllegalArgumentException(
          "At least one entry has to be compared, not " + number + ".");
    }
    return new Verifier(bruteForce, number, seed, tolerance, normLimit, progress);
  }

  /**
   * What the random choice begins with.
   *
   * @param newSeed by default 0
   * @return a copy of this with that setting
   */
  public Verifier seed(long newSeed) {
    return new Verifier(bruteForce, entries, newSeed, tolerance, normLimit, progress);
  }

  /**
   * The largest accepted difference, relative to the largest absolute entry of the output.
   *
   * @param relative by default 1e-6 for outputs of type double, 1e-3 for float, 5e-2 for those of
   *     parameters in half precision
   * @return a copy of this with that setting
   */
  public Verifier tolerance(double relative) {
    if (!(relative > 0)) {
      throw new IllegalArgumentException("The tolerance has to be positive, not " + relative + ".");
    }
    return new Verifier(
        bruteForce, entries, seed, OptionalDouble.of(relative), normLimit, progress);
  }

  /**
   * Up to which number of entries a parameter's {@code batch_l2} is compared: all are needed for
   * it.
   *
   * @param number by default 200
   * @return a copy of this with that setting
   */
  public Verifier normLimit(int number) {
    return new Verifier(bruteForce, entries, seed, tolerance, number, progress);
  }

  /**
   * Follows the comparison, which for a large graph takes minutes.
   *
   * @param listener is told of each parameter
   * @return a copy of this with that setting
   */
  public Verifier progress(Progress listener) {
    return new Verifier(bruteForce, entries, seed, tolerance, normLimit, listener);
  }

  /**
   * Compares results.
   *
   * @param results arrays by output name; outputs that are no field of a parameter are not checked
   * @return what was compared, and how it came out
   * @throws IllegalArgumentException if no result can be compared, or the predictions are not found
   * @throws java.util.concurrent.CancellationException if the thread is interrupted
   */
  public Verification verify(Map<String, INDArray> results) {
    Map<String, OutputCheck> checks = new LinkedHashMap<>();
    List<Parameter> parameters = bruteForce.parameterList();
    for (int k = 0; k < parameters.size(); k++) {
      progress.step("verify " + parameters.get(k).name(), k, parameters.size());
      checkEntries(parameters.get(k), results, checks);
      checkNorms(parameters.get(k), results, checks);
      checkSums(parameters.get(k), results, checks);
    }
    progress.step("verify", parameters.size(), parameters.size());
    if (checks.isEmpty()) {
      throw new IllegalArgumentException(
          "None of the results "
              + results.keySet()
              + " can be compared: an output is called as a parameter "
              + bruteForce.parameters()
              + ", a dot and a field such as grad_batch or diag_ggn_exact.");
    }
    List<OutputCheck> inOrder = new ArrayList<>();
    for (String output : results.keySet()) {
      OutputCheck known = checks.get(output);
      inOrder.add(
          known != null ? known : OutputCheck.skipped(output, "no field that brute force knows"));
    }
    return new Verification(inOrder);
  }

  private void checkEntries(
      Parameter parameter, Map<String, INDArray> results, Map<String, OutputCheck> checks) {
    Map<Quantity, Comparison> comparisons = new LinkedHashMap<>();
    for (Quantity quantity : Quantity.values()) {
      String output = quantity.of(parameter);
      INDArray result = results.get(output);
      if (result == null) {
        continue;
      }
      INDArray array = quantity.seen(result, parameter);
      if (quantity.ofPredictions() && bruteForce.measurements().predictionVariables() > 1) {
        checks.put(
            output, OutputCheck.skipped(output, "it is of several predictions, in some order"));
        continue;
      }
      if (quantity.ofSampleGradients() && bruteForce.measurements().mixing()) {
        checks.put(output, OutputCheck.skipped(output, "samples influence each other"));
        continue;
      }
      Comparison comparison =
          new Comparison(output, array, tolerance(parameter, array), rounding(array, quantity));
      String broken = comparison.broken(shape(quantity, parameter));
      if (broken.isEmpty()) {
        comparisons.put(quantity, comparison);
      } else {
        checks.put(output, OutputCheck.broken(output, broken));
      }
    }
    compare(parameter, comparisons);
    comparisons.forEach(
        (quantity, comparison) -> checks.put(quantity.of(parameter), comparison.result()));
  }

  private void compare(Parameter parameter, Map<Quantity, Comparison> comparisons) {
    if (comparisons.isEmpty()) {
      return;
    }
    Set<Long> done = new LinkedHashSet<>();
    for (Comparison comparison : comparisons.values()) {
      long largest = comparison.largestEntry() % parameter.length();
      if (done.add(largest)) {
        compareEntry(parameter, largest, comparisons);
      }
    }
    SplittableRandom random = new SplittableRandom(seed ^ parameter.name().hashCode());
    int certain = 0;
    for (int attempt = 0; attempt < PATIENCE * entries && certain < entries; attempt++) {
      long index = random.nextLong(parameter.length());
      if (done.add(index) && compareEntry(parameter, index, comparisons)) {
        certain++;
      }
    }
  }

  private boolean compareEntry(
      Parameter parameter, long index, Map<Quantity, Comparison> comparisons) {
    Entry entry = bruteForce.entry(parameter, index);
    boolean certain = true;
    for (Map.Entry<Quantity, Comparison> one : comparisons.entrySet()) {
      Estimate expected = one.getKey().measure(entry);
      certain &= one.getValue().add(index, parameter.length(), expected);
    }
    return certain;
  }

  private void checkNorms(
      Parameter parameter, Map<String, INDArray> results, Map<String, OutputCheck> checks) {
    String output = parameter.name() + BATCH_L2;
    INDArray array = results.get(output);
    if (array == null) {
      return;
    }
    if (bruteForce.measurements().mixing()) {
      checks.put(output, OutputCheck.skipped(output, "samples influence each other"));
      return;
    }
    if (parameter.length() > normLimit) {
      String reason =
          "all %d entries are needed, more than %d: see normLimit"
              .formatted(parameter.length(), normLimit);
      checks.put(output, OutputCheck.skipped(output, reason));
      return;
    }
    Comparison comparison =
        new Comparison(
            output,
            array,
            tolerance(parameter, array),
            rounding(array, Quantity.SUM_GRAD_SQUARED)); // a square, too
    String broken = comparison.broken(new long[] {bruteForce.samples()});
    if (!broken.isEmpty()) {
      checks.put(output, OutputCheck.broken(output, broken));
      return;
    }
    comparison.add(0, 1, norms(parameter));
    checks.put(output, comparison.result());
  }

  private void checkSums(
      Parameter parameter, Map<String, INDArray> results, Map<String, OutputCheck> checks) {
    String output = Quantity.GRAD_BATCH.of(parameter);
    INDArray gradient = results.get(Quantity.GRAD.of(parameter));
    INDArray rows = results.get(output);
    INDArray penalty = results.get(Quantity.GRAD_PENALTY.of(parameter));
    boolean broken =
        Stream.of(Quantity.GRAD, Quantity.GRAD_BATCH, Quantity.GRAD_PENALTY)
            .map(quantity -> checks.get(quantity.of(parameter)))
            .anyMatch(check -> check != null && check.verdict() == Outcome.FAILED);
    if (gradient == null || rows == null || broken || gradient.isEmpty() || rows.isEmpty()) {
      return;
    }
    if (!Arrays.equals(rows.shape(), shape(true, parameter))) {
      return; // of other samples, which is told where samples are compared
    }
    RowSums sums = new RowSums(parameter, gradient, rows, penalty);
    int worst = sums.worst();
    double limit = sums.limit(tolerance(parameter, rows));
    double missing = sums.missing(worst);
    if (penalty == null && !(Math.abs(missing) <= limit)) {
      Estimate known = bruteForce.entry(parameter, worst).penalty(); // there, and not handed in
      missing -= known.values()[0];
      limit += known.maxError();
    }
    if (!(Math.abs(missing) <= limit)) {
      checks.put(output, OutputCheck.broken(output, sums.describe(worst)));
    }
  }

  private Estimate norms(Parameter parameter) {
    Estimate norms = Estimate.zeros(bruteForce.samples());
    for (long index = 0; index < parameter.length(); index++) {
      Estimate gradients = bruteForce.entry(parameter, index).gradientBySample();
      for (int n = 0; n < norms.values().length; n++) {
        Estimate square = Moments.sumOfSquares(gradients.pick(n));
        norms.values()[n] += square.values()[0];
        norms.errors()[n] += square.errors()[0];
      }
    }
    return norms;
  }

  private long[] shape(Quantity quantity, Parameter parameter) {
    return quantity.ofPredictions()
        ? parameter.shape(bruteForce.measurements().experiment().predictions().length)
        : shape(quantity.bySample(), parameter);
  }

  private long[] shape(boolean bySample, Parameter parameter) {
    return bySample ? parameter.shape(bruteForce.samples()) : parameter.shape();
  }

  private DoubleUnaryOperator rounding(INDArray array, Quantity quantity) {
    Negligible negligible =
        quantity.ofPredictions()
            ? bruteForce.measurements().negligiblePredictions()
            : bruteForce.measurements().negligible();
    DataType type = array.dataType();
    return quantity.isSquare()
        ? largest -> negligible.roundingOfSquares(type, largest)
        : largest -> negligible.rounding(type);
  }

  private double tolerance(Parameter parameter, INDArray array) {
    DataType type = array.dataType();
    double standard =
        type == DataType.DOUBLE
            ? DOUBLE_TOLERANCE
            : type == DataType.FLOAT && !parameter.half() ? FLOAT_TOLERANCE : HALF_TOLERANCE;
    return tolerance.orElse(standard);
  }
}
