package org.backpack4j.samediff.internal.dataset;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.dataset.DataSetResults;
import org.backpack4j.samediff.extension.Combination;
import org.backpack4j.samediff.extension.Extension;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Sums over the samples of a data set, or of a part of it.
 *
 * <p>With S the sum over all samples that the loss divides by D, and Dᵦ what it divides by in a
 * batch b, a result Qᵦ of degree p is gathered as Σ Dᵦᵖ Qᵦ and answered over Dᵖ, D = Σ Dᵦ.
 */
final class Totals {
  /** What has been gathered, by name. */
  final Map<String, Sum> sums = new LinkedHashMap<>();

  /** Of Kronecker factors of weights' outputs, which of the weight's axes are their rows. */
  final Map<String, List<Integer>> outputAxes = new LinkedHashMap<>();

  /** For each loss variable its value. */
  final Map<String, LossMean> losses = new LinkedHashMap<>();

  final BatchLooks looks = new BatchLooks();
  long batches;
  long samples;
  double data;
  double penalty;

  /** Whether the losses, and penalties, are divided by nothing. */
  boolean sumsData;

  boolean sumsPenalties;

  /** The checksum of all batches so far. */
  long contents;

  /** Notes what arrays do not tell of a graph's results. */
  void note(ExtendedGraph graph) {
    graph
        .outputNames()
        .forEach(name -> graph.outputAxes(name).ifPresent(axes -> outputAxes.put(name, axes)));
  }

  /**
   * Adds a batch.
   *
   * @param exact what is summed up, in double precision
   * @param gradients the sums of the samples' gradients, by parameter
   * @param results all results
   * @param own what the losses are divided by
   * @param ownPenalty what penalties are divided by
   */
  void take(
      KnownGraph known,
      Map<String, INDArray> exact,
      Map<String, INDArray> gradients,
      Map<String, INDArray> results,
      long count,
      double own,
      double ownPenalty) {
    for (String loss : known.losses(results)) {
      double weight = known.weights().loss(loss, count, results);
      double value = Doubles.total(Objects.requireNonNull(results.get(loss)));
      losses.computeIfAbsent(loss, l -> new LossMean(known.weights().sums(l))).add(value, weight);
    }
    known.quantities().values().stream()
        .filter(q -> !q.is(Combination.Kind.ROWS))
        .forEach(
            q -> {
              INDArray result = Objects.requireNonNull(exact.get(q.name()));
              DataType type = Objects.requireNonNull(results.get(q.name())).dataType();
              Sum sum =
                  sums.computeIfAbsent(
                      q.name(), n -> new Sum(q.combination(), type, result.shape()));
              switch (q.combination().kind()) {
                case MEAN -> sum.add(result, count);
                case VARIANCE ->
                    sum.merge(
                        result.muli(own * own * count),
                        Objects.requireNonNull(gradients.get(q.parameter())).muli(own / count),
                        count,
                        samples);
                default -> {
                  if (!q.isPenalty()) {
                    sum.add(result, Math.pow(own, q.combination().degree()));
                  } else if (samples == 0) {
                    sum.add(result, ownPenalty); // the same in each batch
                  }
                }
              }
            });
    batches++;
    samples += count;
    sumsData = known.weights().sums();
    sumsPenalties = known.weights().sumsPenalties();
    data = sumsData ? 1 : data + own;
    penalty = sumsPenalties ? 1 : penalty + ownPenalty;
  }

  // ---- parts of a data set ----

  /**
   * Adds what was gathered of other samples, which is used up.
   *
   * @throws IllegalArgumentException if they are no parts of one data set; then nothing is added
   */
  void merge(Totals other) {
    if (samples == 0 || other.samples == 0) {
      takeOver(other);
      return;
    }
    checkLike(other);
    sums.forEach(
        (name, sum) -> {
          if (!isPenalty(name)) { // which is the same in each batch
            sum.merge(Objects.requireNonNull(other.sums.get(name)), other.samples, samples);
          }
        });
    losses.forEach((loss, mean) -> mean.merge(Objects.requireNonNull(other.losses.get(loss))));
    looks.keep(other.looks.all());
    batches += other.batches;
    samples += other.samples;
    data = sumsData ? 1 : data + other.data;
    penalty = sumsPenalties ? 1 : penalty + other.penalty;
    other.close();
  }

  /** Adds samples to none, or none to samples. */
  private void takeOver(Totals other) {
    batches += other.batches;
    if (other.samples == 0) {
      return;
    }
    outputAxes.putAll(other.outputAxes);
    sums.putAll(other.sums);
    other.sums.clear();
    losses.putAll(other.losses);
    looks.keep(other.looks.all());
    samples = other.samples;
    data = other.data;
    penalty = other.penalty;
    sumsData = other.sumsData;
    sumsPenalties = other.sumsPenalties;
  }

  private void checkLike(Totals other) {
    if (!sums.keySet().equals(other.sums.keySet())
        || !losses.keySet().equals(other.losses.keySet())
        || sumsData != other.sumsData
        || sumsPenalties != other.sumsPenalties) {
      throw new IllegalArgumentException(
          "Two partitions have other quantities, or losses that divide by other things: "
              + sums.keySet()
              + " and "
              + other.sums.keySet()
              + ".");
    }
    boolean means =
        sums.values().stream().anyMatch(s -> s.combination().kind() == Combination.Kind.MEAN);
    looks.check(other.looks.all(), means, "in another partition");
    other.sums.forEach((name, sum) -> checkFits(name, sum.sum(), "in another partition"));
  }

  private static boolean isPenalty(String name) {
    return name.endsWith("." + Quantity.PENALTY);
  }

  /**
   * Refuses a result that is of another shape than before.
   *
   * @param where where it was of another, in an error
   */
  void checkFits(String name, INDArray result, String where) {
    Sum sum = sums.get(name);
    if (sum != null && !sum.fits(result)) {
      throw new IllegalArgumentException(
          "\"%s\" is of the shape %s, %s %s: give samples one shape."
              .formatted(
                  name,
                  Arrays.toString(result.shape()),
                  where,
                  Arrays.toString(sum.sum().shape())));
    }
  }

  // ---- what has been gathered ----

  /** The sums' bytes. */
  long bytes() {
    return sums.values().stream().mapToLong(Sum::bytes).sum();
  }

  /**
   * The quantities of all samples so far.
   *
   * @throws IllegalArgumentException if there is no sample
   */
  DataSetResults results(List<Extension> extensions) {
    if (samples == 0) {
      throw new IllegalArgumentException(
          batches == 0
              ? "The data set is empty: the iterator has no batch. One that has been read to its"
                  + " end has to be reset."
              : "The data set has no sample: its " + batches + " batches are empty.");
    }
    Map<String, INDArray> outputs = new LinkedHashMap<>();
    sums.forEach(
        (name, sum) -> outputs.put(name, sum.result(samples, isPenalty(name) ? penalty : data)));
    outputs.forEach(
        (name, array) -> {
          INDArray gradient =
              isPenalty(name)
                  ? outputs.get(
                      name.substring(0, name.length() - Quantity.PENALTY.length())
                          + Quantity.GRADIENT)
                  : null;
          if (gradient != null) {
            gradient.addi(array);
          }
        });
    double loss = losses.values().stream().mapToDouble(LossMean::value).sum();
    return new DataSetResults(
        new QuantityResults(outputs, extensions, Map.of(), outputAxes),
        samples,
        batches,
        data,
        Double.isNaN(loss) ? OptionalDouble.empty() : OptionalDouble.of(loss));
  }

  /** Lets go of the memory. */
  void close() {
    sums.values().forEach(Sum::close);
    sums.clear();
  }
}
