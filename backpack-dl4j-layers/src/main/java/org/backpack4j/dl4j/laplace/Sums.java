package org.backpack4j.dl4j.laplace;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.backpack4j.dl4j.internal.trained.OutputLoss;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.extension.Combination;
import org.backpack4j.samediff.extension.Extension;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What has been gathered of the data so far, all of it sums over samples but factors A. */
final class Sums {
  /** Quantities by output name, in the graph's order, for a loss that is a sum; gradients too. */
  final Map<String, INDArray> outputs = new LinkedHashMap<>();

  /** Which axes of a weight are its outputs', by the names of factors. */
  final Map<String, List<Integer>> axes = new TreeMap<>();

  long samples;

  /** Likelihood terms: entries of predictions that count. */
  double terms;

  /** Σ ln p of a classifier. */
  double logLikelihood;

  /** Σ (y − f)² of a regression. */
  double squaredError;

  /** How often each class was seen; empty of a regression. */
  double[] seen = {};

  /** The factor of the loss, a sum over samples, in front of ½ (y − f)² or of −ln p. */
  double scale = 1;

  /** What brought the curvature of the last pass's loss to that of the negative log-likelihood. */
  double factor = 1;

  /** Adds observed labels and predictions. */
  void add(Likelihood likelihood, Likelihood.Observed batch) {
    if (batch.predictions().length() == 0) {
      return;
    }
    terms += batch.weights().sumNumber().doubleValue();
    if (likelihood.kind() == OutputLoss.Kind.SQUARED) {
      INDArray off = batch.labels().sub(batch.predictions());
      squaredError += off.muli(off).muli(batch.weights()).sumNumber().doubleValue();
      return;
    }
    logLikelihood += likelihood.logLikelihood(batch.predictions(), batch.labels(), batch.weights());
    double[] here = batch.labels().mul(batch.weights()).sum(0).data().asDouble();
    if (seen.length == 0) {
      seen = new double[here.length];
    }
    for (int k = 0; k < here.length; k++) {
      seen[k] += here[k];
    }
  }

  /**
   * Takes an extension's quantities over.
   *
   * @param normaliser what the loss is divided by: the number of samples of a mean
   */
  void put(QuantityResults results, List<Extension> extensions, double normaliser) {
    factor = normaliser / scale;
    results
        .outputs()
        .forEach(
            (name, array) -> {
              INDArray wide = array.castTo(DataType.DOUBLE).dup('c');
              outputs.put(
                  name,
                  combination(name, extensions) == Combination.Kind.MEAN
                      ? wide
                      : wide.muli(factor));
            });
  }

  private static Combination.Kind combination(String name, List<Extension> extensions) {
    for (Extension extension : extensions) {
      int at = name.lastIndexOf("." + extension.field() + ".");
      if (at >= 0) {
        return extension.combination(name.substring(at + extension.field().length() + 2)).kind();
      }
    }
    return Combination.Kind.SUM;
  }

  /** These and others together. */
  Sums plus(Sums other, List<Extension> extensions) {
    if (!outputs.keySet().equals(other.outputs.keySet())) {
      throw new IllegalArgumentException(
          "The new data have the quantities "
              + other.outputs.keySet()
              + ", those before "
              + outputs.keySet()
              + ".");
    }
    Sums all = new Sums();
    all.samples = samples + other.samples;
    all.terms = terms + other.terms;
    all.logLikelihood = logLikelihood + other.logLikelihood;
    all.squaredError = squaredError + other.squaredError;
    all.scale = scale;
    all.axes.putAll(axes);
    all.seen = seen.clone();
    for (int k = 0; k < seen.length; k++) {
      all.seen[k] += other.seen[k];
    }
    outputs.forEach(
        (name, array) -> {
          INDArray added = Objects.requireNonNull(other.outputs.get(name));
          boolean mean = combination(name, extensions) == Combination.Kind.MEAN;
          double before = mean ? (double) samples / all.samples : 1;
          double after = mean ? (double) other.samples / all.samples : 1;
          all.outputs.put(name, array.mul(before).addi(added.mul(after)));
        });
    return all;
  }

  /** The quantities as an extension has them. */
  QuantityResults results(List<Extension> extensions) {
    return new QuantityResults(new LinkedHashMap<>(outputs), extensions, Map.of(), axes);
  }

  /** All gradients as they stand in a vector of a layout's parameters. */
  INDArray gradient(org.backpack4j.samediff.curvature.ParameterLayout layout) {
    Map<String, INDArray> parts = new LinkedHashMap<>();
    layout.names().forEach(p -> parts.put(p, outputs.getOrDefault(p + ".grad", Nd4j.empty())));
    return layout.join(parts);
  }

  @Override
  public String toString() {
    return samples + " samples, " + Arrays.toString(seen);
  }
}
