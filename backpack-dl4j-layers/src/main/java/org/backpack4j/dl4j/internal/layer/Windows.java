package org.backpack4j.dl4j.internal.layer;

import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;

/**
 * How DL4J slides windows along the axes of images and volumes.
 *
 * @param mode whether the input is padded to as many positions as strides fit in (Same)
 * @param kernel the extents of the window
 * @param stride the steps
 * @param padding what is added on each side; not used in mode Same
 * @param dilation the distances between taps
 */
record Windows(ConvolutionMode mode, int[] kernel, int[] stride, int[] padding, int[] dilation) {

  boolean same() {
    return mode == ConvolutionMode.Same;
  }

  PaddingMode paddingMode() {
    return same() ? PaddingMode.SAME : PaddingMode.VALID;
  }

  /** The padding that an op is given. */
  int pad(int axis) {
    return same() ? 0 : padding[axis];
  }

  /** The span of the window along an axis. */
  long span(int axis) {
    return dilation[axis] * (kernel[axis] - 1L) + 1;
  }

  /** The number of the window's positions along an axis. */
  long positions(int axis, long extent) {
    if (same()) {
      return (extent + stride[axis] - 1) / stride[axis];
    }
    return (extent + 2L * padding[axis] - span(axis)) / stride[axis] + 1;
  }

  /** The extent that has so many positions: what a transposed convolution answers. */
  long transposed(int axis, long positions) {
    if (same()) {
      return positions * stride[axis];
    }
    return stride[axis] * (positions - 1) + span(axis) - 2L * padding[axis];
  }

  /** The shape with the axes from {@code first} on replaced by the numbers of positions. */
  long[] over(long[] shape, int first) {
    long[] out = shape.clone();
    IntStream.range(0, kernel.length).forEach(k -> out[first + k] = positions(k, shape[first + k]));
    return out;
  }

  /** The shape with the axes from {@code first} on replaced by the transposed extents. */
  long[] transposedOver(long[] shape, int first) {
    long[] out = shape.clone();
    IntStream.range(0, kernel.length)
        .forEach(k -> out[first + k] = transposed(k, shape[first + k]));
    return out;
  }
}
