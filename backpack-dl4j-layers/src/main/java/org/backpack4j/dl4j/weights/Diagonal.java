package org.backpack4j.dl4j.weights;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.internal.trained.OpenGraphs;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.dataset.DataSetQuantities;
import org.backpack4j.samediff.dataset.DataSetResults;
import org.backpack4j.samediff.extension.Combination;
import org.backpack4j.samediff.extension.Extension;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * A curvature's diagonal and the gradient over a data set, of the mean of the samples' losses, in
 * double precision.
 *
 * @param diagonal for each trained parameter an array of its shape
 * @param gradient for each trained parameter its gradient
 * @param samples the number of samples
 */
record Diagonal(Map<String, INDArray> diagonal, Map<String, INDArray> gradient, long samples) {
  private static final String REMEDY =
      "take a diagonal, such as DiagGGNExact, DiagGGNMC or DiagHessian.";

  /**
   * Gathers over a data set.
   *
   * @param model the model
   * @param extension what is a diagonal, or a sum of squares
   * @param data the data set
   */
  static Diagonal of(TrainedModel model, Extension extension, MultiDataSetIterator data) {
    try (OpenGraphs graphs = model.open(List.of(), extension)) {
      return of(extension, DataSetQuantities.of(graphs).over(data));
    }
  }

  private static Diagonal of(Extension extension, DataSetResults results) {
    QuantityResults quantities = results.quantities();
    Combination combination = extension.combination("");
    if (combination.kind() != Combination.Kind.SUM) {
      throw new IllegalArgumentException(
          extension.getClass().getSimpleName() + " is no sum over samples: " + REMEDY);
    }
    double factor = scale(results, 1);
    double own = scale(results, combination.degree());
    Map<String, INDArray> diagonal = new LinkedHashMap<>();
    Map<String, INDArray> gradient = new LinkedHashMap<>();
    for (String output : quantities.outputs().keySet()) {
      String end = "." + extension.field();
      if (!output.endsWith(end)) {
        continue;
      }
      String name = output.substring(0, output.length() - end.length());
      INDArray slope = quantities.gradient(name).castTo(DataType.DOUBLE).mul(factor);
      INDArray found = quantities.get(name, extension).castTo(DataType.DOUBLE);
      if (!Arrays.equals(found.shape(), slope.shape())) {
        throw new IllegalArgumentException(
            "%s has the shape %s for \"%s\", not the parameter's own: "
                    .formatted(
                        extension.getClass().getSimpleName(), Arrays.toString(found.shape()), name)
                + REMEDY);
      }
      diagonal.put(name, found.mul(own));
      gradient.put(name, slope);
    }
    if (diagonal.isEmpty()) {
      throw new IllegalArgumentException(
          extension.getClass().getSimpleName() + " has no array for a parameter: " + REMEDY);
    }
    return new Diagonal(diagonal, gradient, results.samples());
  }

  /** From a sum in the scale of the losses to the mean of the samples' own. */
  private static double scale(DataSetResults results, double degree) {
    return Math.pow(results.normaliser(), degree) / results.samples();
  }
}
