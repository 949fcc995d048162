package org.backpack4j.dl4j.explain;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * An explanation of a batch's predictions: for N samples and K classes of each how much each entry
 * of an input has to do with the score.
 */
public final class Explanation {
  private final Map<String, INDArray> attributions;
  private final int[][] classes;
  private final INDArray scores;
  private final @Nullable INDArray baseline;
  private final @Nullable INDArray residuals;

  Explanation(
      Map<String, INDArray> attributions,
      int[][] classes,
      INDArray scores,
      @Nullable INDArray baseline,
      @Nullable INDArray residuals) {
    this.attributions = new LinkedHashMap<>(attributions);
    this.classes = classes;
    this.scores = scores;
    this.baseline = baseline;
    this.residuals = residuals;
  }

  /**
   * What was explained by.
   *
   * @return the names of inputs, or those that {@link Explainer#at} named
   */
  public List<String> names() {
    return List.copyOf(attributions.keySet());
  }

  /**
   * The attributions of the only input.
   *
   * @return [N, K, F…], with F… the shape of a sample
   * @throws IllegalArgumentException if there are several
   */
  public INDArray attributions() {
    if (attributions.size() != 1) {
      throw new IllegalArgumentException(
          "There are attributions of " + attributions.keySet() + ": attributions(name).");
    }
    return attributions.values().iterator().next();
  }

  /**
   * The attributions of an input.
   *
   * @param name its name
   * @return [N, K, F…], with F… the shape of a sample
   * @throws IllegalArgumentException if there are none of that name
   */
  public INDArray attributions(String name) {
    INDArray found = attributions.get(name);
    if (found == null) {
      throw new IllegalArgumentException(
          "There are no attributions of \"" + name + "\"; there are those of " + names() + ".");
    }
    return found;
  }

  /**
   * The attributions of one sample for the first of its classes.
   *
   * @param sample its number in the batch
   * @return [F…]
   * @throws IllegalArgumentException if there are several inputs
   */
  public INDArray sample(int sample) {
    return part(attributions(), sample, 0);
  }

  /**
   * The attributions of one sample.
   *
   * @param name the input's name
   * @param sample the sample's number in the batch
   * @param index which of its classes, an index into {@link #classes()}
   * @return [F…]
   * @throws IllegalArgumentException if there are none of that name
   */
  public INDArray sample(String name, int sample, int index) {
    return part(attributions(name), sample, index);
  }

  private static INDArray part(INDArray all, int sample, int index) {
    INDArrayIndex[] where = new INDArrayIndex[all.rank()];
    Arrays.fill(where, NDArrayIndex.all());
    where[0] = NDArrayIndex.point(sample);
    where[1] = NDArrayIndex.point(index);
    return all.get(where).dup('c');
  }

  /**
   * The attributions of a sample's tokens or steps for the first of its classes: sums over one axis
   * of its embedding or time series, 0 for DL4J's [features, T], 1 for [T, features].
   *
   * @param sample the sample's number in the batch
   * @param axis the axis of a sample that is summed over
   * @return a number for each token
   * @throws IllegalArgumentException if there are several inputs, or a sample has not two axes
   */
  public double[] tokens(int sample, int axis) {
    INDArray one = sample(sample);
    if (one.rank() != 2) {
      throw new IllegalArgumentException(
          "A sample has the shape %s, not two axes, of features and of tokens."
              .formatted(Arrays.toString(one.shape())));
    }
    return one.castTo(DataType.DOUBLE).sum(axis).data().asDouble();
  }

  /**
   * The classes that were explained.
   *
   * @return for each sample K numbers; −1 for scores that {@link Explainer#weights} has weighed
   */
  public int[][] classes() {
    return Arrays.stream(classes).map(int[]::clone).toArray(int[][]::new);
  }

  /**
   * The scores f(x).
   *
   * @return [N, K]
   */
  public INDArray scores() {
    return scores.dup();
  }

  /**
   * The scores of the baseline f(x₀).
   *
   * @return [N, K]; empty unless the method is integrated gradients
   */
  public Optional<INDArray> baselineScores() {
    return Optional.ofNullable(baseline).map(INDArray::dup);
  }

  /**
   * How far integrated gradients are from complete: Σ attributions − (f(x) − f(x₀)), over all
   * inputs together. It is the error of the integral; more points make it less.
   *
   * @return [N, K]; empty unless the method is integrated gradients
   */
  public Optional<INDArray> residuals() {
    return Optional.ofNullable(residuals).map(INDArray::dup);
  }
}
