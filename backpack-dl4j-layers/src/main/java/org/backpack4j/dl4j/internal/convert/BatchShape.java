package org.backpack4j.dl4j.internal.convert;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * The shapes of a batch but for the number of samples. A graph is made for one of these.
 *
 * @param features for each network input its shape; −1 where the samples are
 * @param labels for each output the shape of its labels; empty if it is not known
 * @param featureMasks for each network input the shape of its mask; empty if it has none
 * @param labelMasks for each output the shape of its labels' mask; empty if there is none
 * @param given the shapes of what belongs to one iteration
 */
public record BatchShape(
    List<List<Long>> features,
    List<List<Long>> labels,
    List<List<Long>> featureMasks,
    List<List<Long>> labelMasks,
    IterationState.Shapes given) {

  /**
   * The shapes of features without masks.
   *
   * @param features for each network input the shape of one sample
   * @param outputs the number of outputs
   * @return the shapes
   */
  public static BatchShape of(List<long[]> features, int outputs) {
    return new BatchShape(
        features.stream().map(f -> withSamples(f)).toList(),
        unknown(outputs),
        features.stream().map(f -> List.<Long>of()).toList(),
        unknown(outputs),
        IterationState.Shapes.NONE);
  }

  private static List<List<Long>> unknown(int count) {
    return IntStream.range(0, count).mapToObj(k -> List.<Long>of()).toList();
  }

  private static List<Long> withSamples(long[] sample) {
    long[] shape = new long[sample.length + 1];
    shape[0] = -1;
    System.arraycopy(sample, 0, shape, 1, sample.length);
    return Arrays.stream(shape).boxed().toList();
  }

  /**
   * The shapes of a batch.
   *
   * @param features the features
   * @param labels the labels: null, or for each output an array or null
   * @param featureMasks their masks: null, or for each input a mask or null
   * @param labelMasks the labels' masks: null, or for each output a mask or null
   * @param outputs the number of outputs
   * @return the shapes
   */
  public static BatchShape of(
      INDArray[] features,
      @Nullable INDArray @Nullable [] labels,
      @Nullable INDArray @Nullable [] featureMasks,
      @Nullable INDArray @Nullable [] labelMasks,
      int outputs) {
    return new BatchShape(
        Arrays.stream(features).map(BatchShape::shape).toList(),
        shapes(labels, outputs),
        shapes(featureMasks, features.length),
        shapes(labelMasks, outputs),
        IterationState.Shapes.NONE);
  }

  /**
   * The shapes of a batch.
   *
   * @param batch features and labels, and their masks
   * @param outputs the number of outputs
   * @return the shapes
   */
  public static BatchShape of(MultiDataSet batch, int outputs) {
    return of(
        batch.getFeatures(),
        batch.getLabels(),
        batch.getFeaturesMaskArrays(),
        batch.getLabelsMaskArrays(),
        outputs);
  }

  /**
   * The same with what belongs to one iteration.
   *
   * @param shapes its shapes
   * @return the shapes of all
   */
  public BatchShape with(IterationState.Shapes shapes) {
    return new BatchShape(features, labels, featureMasks, labelMasks, shapes);
  }

  /**
   * The same with labels that are not known yet.
   *
   * @return the other shapes
   */
  public BatchShape withoutLabels() {
    return new BatchShape(features, unknown(labels.size()), featureMasks, labelMasks, given);
  }

  private static List<List<Long>> shapes(@Nullable INDArray @Nullable [] arrays, int count) {
    return IntStream.range(0, count)
        .mapToObj(k -> arrays == null ? List.<Long>of() : shape(arrays[k]))
        .toList();
  }

  private static List<Long> shape(@Nullable INDArray array) {
    if (array == null) {
      return List.of();
    }
    long[] shape = array.shape().clone();
    shape[0] = -1;
    return Arrays.stream(shape).boxed().toList();
  }

  static long[] array(List<Long> shape) {
    return shape.stream().mapToLong(Long::longValue).toArray();
  }
}
