package org.backpack4j.dl4j.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Batches of a data set in which each sample is, or is not, independently of all others, with the
 * same probability.
 *
 * <p>Batches are filled up with the data set's first sample to one of few sizes, since a graph is
 * planned for each size; what fills up has the weight zero. A batch without a sample is nothing
 * else. Large batches come in pieces.
 */
final class PoissonBatches {
  private final MultiDataSet data;
  private final int samples;
  private final double rate;
  private final int step;
  private final int most;

  /**
   * Some of a batch's samples.
   *
   * @param data the samples, and what fills them up
   * @param weights one for each sample, zero for what fills up
   */
  record Piece(MultiDataSet data, double[] weights) {}

  /**
   * Batches of a data set.
   *
   * @param data the data, in the type of the network
   * @param expected the expected number of samples of a batch
   * @param most the largest number of samples of a piece
   */
  PoissonBatches(MultiDataSet data, double expected, int most) {
    this.data = data;
    this.samples = (int) data.getFeatures(0).size(0);
    this.rate = expected / samples;
    this.most = most;
    this.step = Math.max(1, Math.min(most, (int) Math.ceil(Math.sqrt(expected))));
  }

  /** The data in a network's type, rows one behind the other in memory. */
  static MultiDataSet laidOut(MultiDataSet data, DataType type) {
    return new org.nd4j.linalg.dataset.MultiDataSet(
        laidOut(data.getFeatures(), type),
        laidOut(data.getLabels(), type),
        laidOut(data.getFeaturesMaskArrays(), type),
        laidOut(data.getLabelsMaskArrays(), type));
  }

  private static INDArray @Nullable [] laidOut(INDArray @Nullable [] arrays, DataType type) {
    return arrays == null
        ? null
        : Arrays.stream(arrays)
            .map(a -> a == null ? null : (a.dataType().isFPType() ? a.castTo(type) : a).dup('c'))
            .toArray(INDArray[]::new);
  }

  int inputs() {
    return data.getFeatures().length;
  }

  int samples() {
    return samples;
  }

  double rate() {
    return rate;
  }

  /** How many batches an epoch has: in it each sample is expected once. */
  int stepsOfAnEpoch() {
    return (int) Math.max(1, Math.round(1 / rate));
  }

  /**
   * Draws a batch.
   *
   * @param source the random numbers
   * @return its pieces, at least one
   */
  List<Piece> draw(NoiseSource source) {
    int[] rows = new int[samples];
    int count = 0;
    for (int n = 0; n < samples; n++) {
      if (source.uniform() < rate) {
        rows[count++] = n;
      }
    }
    List<Piece> pieces = new ArrayList<>();
    int from = 0;
    do {
      int to = Math.min(count, from + most);
      pieces.add(piece(Arrays.copyOfRange(rows, from, to)));
      from = to;
    } while (from < count);
    return pieces;
  }

  private Piece piece(int[] rows) {
    int size = Math.max(step, (rows.length + step - 1) / step * step);
    int[] filled = Arrays.copyOf(rows, Math.max(rows.length, Math.min(size, most)));
    double[] weights = new double[filled.length];
    Arrays.fill(weights, 0, rows.length, 1);
    MultiDataSet part =
        new org.nd4j.linalg.dataset.MultiDataSet(
            rows(data.getFeatures(), filled),
            rows(data.getLabels(), filled),
            rows(data.getFeaturesMaskArrays(), filled),
            rows(data.getLabelsMaskArrays(), filled));
    return new Piece(part, weights);
  }

  private static INDArray @Nullable [] rows(INDArray @Nullable [] arrays, int[] rows) {
    return arrays == null
        ? null
        : Arrays.stream(arrays).map(a -> a == null ? null : rows(a, rows)).toArray(INDArray[]::new);
  }

  private static INDArray rows(INDArray array, int[] rows) {
    long[] shape = array.shape().clone();
    long each = array.length() / shape[0];
    shape[0] = rows.length;
    INDArray flat = array.reshape('c', array.size(0), each);
    return Nd4j.pullRows(flat, 1, rows, 'c').reshape('c', shape);
  }
}
