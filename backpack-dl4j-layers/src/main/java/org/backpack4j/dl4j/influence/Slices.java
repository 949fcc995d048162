package org.backpack4j.dl4j.influence;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Some samples of a batch. */
final class Slices {
  private Slices() {}

  /**
   * Samples of a batch.
   *
   * @param batch features, labels and masks, samples on their first axis
   * @param from the first sample
   * @param to the sample behind the last
   * @return copies of their parts; the batch itself if they are all of its samples
   */
  static MultiDataSet of(MultiDataSet batch, int from, int to) {
    if (from == 0 && to == batch.getFeatures(0).size(0)) {
      return batch;
    }
    return new org.nd4j.linalg.dataset.MultiDataSet(
        all(batch.getFeatures(), from, to),
        all(batch.getLabels(), from, to),
        all(batch.getFeaturesMaskArrays(), from, to),
        all(batch.getLabelsMaskArrays(), from, to));
  }

  private static @Nullable INDArray @Nullable [] all(
      @Nullable INDArray @Nullable [] arrays, int from, int to) {
    if (arrays == null) {
      return null;
    }
    @Nullable INDArray[] parts = new INDArray[arrays.length];
    for (int k = 0; k < arrays.length; k++) {
      INDArray array = arrays[k];
      parts[k] = array == null ? null : of(array, from, to);
    }
    return parts;
  }

  private static INDArray of(INDArray array, int from, int to) {
    INDArrayIndex[] indices = new INDArrayIndex[array.rank()];
    java.util.Arrays.fill(indices, NDArrayIndex.all());
    indices[0] = NDArrayIndex.interval(from, to);
    long[] shape = array.shape().clone();
    shape[0] = (long) to - from;
    return array.get(indices).dup('c').reshape('c', shape);
  }
}
