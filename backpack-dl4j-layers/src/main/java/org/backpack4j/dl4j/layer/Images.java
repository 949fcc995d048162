package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;

/** How DL4J slides windows over images, along one axis. */
final class Images {
  private Images() {}

  /** The axis of the channels. */
  static int channels(CNN2DFormat format) {
    return format == CNN2DFormat.NCHW ? 1 : 3;
  }

  /** The axis of the height; the width is next. */
  static int height(CNN2DFormat format) {
    return format == CNN2DFormat.NCHW ? 2 : 1;
  }

  /** The shape of images. */
  static long[] shape(CNN2DFormat format, long channels, long height, long width) {
    return format == CNN2DFormat.NCHW
        ? new long[] {-1, channels, height, width}
        : new long[] {-1, height, width, channels};
  }

  /** Refuses what is no image. */
  static void check(Site site, Value x) {
    if (x.rank() != 4) {
      throw site.refuse(
          "its input has the shape " + x + ", not that of images",
          "let a preprocessor bring it into the layout of images");
    }
  }

  /**
   * The number of positions of a window.
   *
   * @param extent the image's extent
   * @param kernel the window's
   * @param stride the step
   * @param padding what is added on each side; not used in mode Same
   * @param dilation the distance between taps
   */
  static long positions(
      ConvolutionMode mode, long extent, int kernel, int stride, int padding, int dilation) {
    if (mode == ConvolutionMode.Same) {
      return (extent + stride - 1) / stride;
    }
    long span = dilation * (kernel - 1L) + 1;
    return (extent + 2L * padding - span) / stride + 1;
  }
}
