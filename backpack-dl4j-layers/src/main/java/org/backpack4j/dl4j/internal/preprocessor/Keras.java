package org.backpack4j.dl4j.internal.preprocessor;

import java.util.Arrays;
import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.preprocessors.KerasFlattenRnnPreprocessor;
import org.deeplearning4j.preprocessors.PermutePreprocessor;
import org.deeplearning4j.preprocessors.ReshapePreprocessor;

/** Preprocessors that imports of Keras models leave in a network. */
final class Keras {
  private Keras() {}

  /** {@code KerasFlattenRnnPreprocessor}: time series as rows [N, T·F], in their own layout. */
  static LayerOutput flatten(KerasFlattenRnnPreprocessor conf, ConversionContext context) {
    return reshaped(context, -1, conf.getDepth() * conf.getTsLength());
  }

  /** {@code ReshapePreprocessor}: the same entries of each sample in another shape. */
  static LayerOutput reshape(ReshapePreprocessor conf, ConversionContext context) {
    long[] target = conf.getTargetShape();
    int from = conf.isHasMiniBatchDimension() ? 1 : 0;
    long[] shape = new long[target.length - from + 1];
    System.arraycopy(target, from, shape, 1, target.length - from);
    shape[0] = -1;
    return reshaped(context, shape);
  }

  private static LayerOutput reshaped(ConversionContext context, long... shape) {
    LayerOutput x = apart(context);
    long length = Arrays.stream(shape).skip(1).reduce(1, (a, b) -> a * b);
    if (length != x.sampleLength()) {
      throw context.refuse(
          "its input has the shape " + x + ", not " + length + " entries for each sample",
          "let the target shape hold as many entries as the input");
    }
    return new LayerOutput(context.sd().reshape(x.variable(), shape), shape);
  }

  /** {@code PermutePreprocessor}: other axes than the samples' exchanged. */
  static LayerOutput permute(PermutePreprocessor conf, ConversionContext context) {
    LayerOutput x = apart(context);
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
      throw context.refuse(
          "its input has the shape " + x + ", and its axes go to " + Arrays.toString(order),
          "let it permute all axes but the samples'");
    }
    long[] shape = new long[x.rank()];
    for (int k = 0; k < order.length; k++) {
      shape[k] = x.size(order[k]);
    }
    return new LayerOutput(context.sd().permute(x.variable(), order), shape);
  }

  /** {@code TensorFlowCnnToFeedForwardPreProcessor}: images as rows, the channels last. */
  static LayerOutput channelsLast(CnnToFeedForwardPreProcessor conf, ConversionContext context) {
    LayerOutput x = apart(context);
    if (x.rank() == 2) {
      return x;
    }
    if (x.rank() != 4) {
      throw context.refuse(
          "its input has the shape " + x + ", not that of images", "let it be fed images");
    }
    long length = x.sampleLength();
    return new LayerOutput(
        context.sd().reshape(context.sd().permute(x.variable(), 0, 2, 3, 1), -1, length),
        -1,
        length);
  }

  /** The input, whose samples must be apart, and not masked. */
  private static LayerOutput apart(ConversionContext context) {
    FeatureMask.refuse(context, "DL4J hands it on as it is, whatever becomes of the axes");
    LayerOutput x = context.input();
    if (x.steps() != 1) {
      throw context.refuse(
          "its input has a row for each step of time series", "bring them back into series first");
    }
    return x;
  }
}
