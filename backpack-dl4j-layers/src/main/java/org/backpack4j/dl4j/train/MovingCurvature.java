package org.backpack4j.dl4j.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.extension.Extension;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A moving average over batches of the quantity that a curvature matrix is made of: of each
 * Kronecker factor, or of a diagonal. What the first batches lack in weight is made up for.
 */
final class MovingCurvature {
  private final Extension extension;
  private final Map<String, INDArray> averages = new LinkedHashMap<>();

  /** The last batch's, for the shapes of the parameters. */
  private QuantityResults shape = new QuantityResults(Map.of(), List.of());

  /** What the weights of the batches add up to. */
  private double whole;

  MovingCurvature(Extension extension) {
    this.extension = extension;
  }

  Extension extension() {
    return extension;
  }

  /**
   * Adds a batch.
   *
   * @param results its quantities
   * @param decay how much of the average it leaves
   */
  void add(QuantityResults results, double decay) {
    shape = results;
    whole = decay * whole + (1 - decay);
    results
        .outputs()
        .forEach(
            (name, array) -> {
              if (name.contains("." + extension.field())) {
                INDArray now = array.castTo(DataType.DOUBLE).mul(1 - decay);
                INDArray before = averages.putIfAbsent(name, now);
                if (before != null) {
                  before.muli(decay).addi(now);
                }
              }
            });
  }

  /** The averages in the place of the last batch's quantities, in arrays of their own. */
  QuantityResults results() {
    Map<String, INDArray> arrays = new LinkedHashMap<>(shape.outputs());
    Map<String, List<Integer>> axes = new LinkedHashMap<>();
    averages.forEach(
        (name, average) -> {
          arrays.put(name, average.div(whole));
          shape.outputAxes(name).ifPresent(a -> axes.put(name, a));
        });
    return new QuantityResults(arrays, List.of(extension), Map.of(), axes);
  }

  /** The matrix of the averages. */
  Curvature curvature() {
    return Curvature.of(results(), extension);
  }
}
