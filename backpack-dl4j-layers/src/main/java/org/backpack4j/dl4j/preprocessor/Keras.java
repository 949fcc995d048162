package org.backpack4j.dl4j.preprocessor;

import java.util.Arrays;
import org.backpack4j.dl4j.convert.FeatureMask;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.preprocessors.KerasFlattenRnnPreprocessor;
import org.deeplearning4j.preprocessors.PermutePreprocessor;
import org.deeplearning4j.preprocessors.ReshapePreprocessor;

/** Preprocessors that imports of Keras models leave in a network. */
final class Keras {
  private Keras() {}

  /** {@code KerasFlattenRnnPreprocessor}: time series as rows [N, T·F], in their own layout. */
  static Value flatten(KerasFlattenRnnPreprocessor conf, Site site) {
    return reshaped(site, -1, conf.getDepth() * conf.getTsLength());
  }

  /** {@code ReshapePreprocessor}: the same entries of each sample in another shape. */
  static Value reshape(ReshapePreprocessor conf, Site site) {
    long[] target = conf.getTargetShape();
    int from = conf.isHasMiniBatchDimension() ? 1 : 0;
    long[] shape = new long[target.length - from + 1];
    System.arraycopy(target, from, shape, 1, target.length - from);
    shape[0] = -1;
    return reshaped(site, shape);
  }

  private static Value reshaped(Site site, long... shape) {
    Value x = apart(site);
    long length = Arrays.stream(shape).skip(1).reduce(1, (a, b) -> a * b);
    if (length != x.sampleLength()) {
      throw site.refuse(
          "its input has the shape " + x + ", not " + length + " entries for each sample",
          "let the target shape hold as many entries as the input");
    }
    return new Value(site.sd().reshape(x.variable(), shape), shape);
  }

  /** {@code PermutePreprocessor}: other axes than the samples' exchanged. */
  static Value permute(PermutePreprocessor conf, Site site) {
    Value x = apart(site);
    int[] order = conf.getPermutationIndices();
    if (order.length + 1 == x.rank()) { // DL4J puts the samples' axis in front in its first pass
      int[] all = new int[x.rank()];
      System.arraycopy(order, 0, all, 1, order.length);
      order = all;
    }
    int[] sorted = order.clone();
    Arrays.sort(sorted);
    boolean fits = order.length == x.rank() && order[0] == 0;
    for (int k = 0; fits && k < sorted.length; k++) {
      fits = sorted[k] == k;
    }
    if (!fits) {
      throw site.refuse(
          "its input has the shape " + x + ", and its axes go to " + Arrays.toString(order),
          "let it permute all axes but the samples'");
    }
    long[] shape = new long[x.rank()];
    for (int k = 0; k < order.length; k++) {
      shape[k] = x.size(order[k]);
    }
    return new Value(site.sd().permute(x.variable(), order), shape);
  }

  /** {@code TensorFlowCnnToFeedForwardPreProcessor}: images as rows, the channels last. */
  static Value channelsLast(CnnToFeedForwardPreProcessor conf, Site site) {
    Value x = apart(site);
    if (x.rank() == 2) {
      return x;
    }
    if (x.rank() != 4) {
      throw site.refuse(
          "its input has the shape " + x + ", not that of images", "let it be fed images");
    }
    long length = x.sampleLength();
    return new Value(
        site.sd().reshape(site.sd().permute(x.variable(), 0, 2, 3, 1), -1, length), -1, length);
  }

  /** The input, whose samples must be apart, and not masked. */
  private static Value apart(Site site) {
    FeatureMask.refuse(site, "DL4J hands it on as it is, whatever becomes of the axes");
    Value x = site.input();
    if (x.steps() != 1) {
      throw site.refuse(
          "its input has a row for each step of time series", "bring them back into series first");
    }
    return x;
  }
}
