package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.Convolution3D;

/** Where images and volumes have their axes. */
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

  /** The axis of the channels of volumes. */
  static int channels(Convolution3D.DataFormat format) {
    return format == Convolution3D.DataFormat.NCDHW ? 1 : 4;
  }

  /** The axis of the depth; height and width are next. */
  static int depth(Convolution3D.DataFormat format) {
    return format == Convolution3D.DataFormat.NCDHW ? 2 : 1;
  }

  /** The input, which must be images (rank 4) or volumes (rank 5). */
  static LayerOutput input(ConversionContext context, int rank) {
    LayerOutput x = context.input();
    if (x.rank() != rank) {
      throw context.refuse(
          "its input has the shape " + x + ", not that of " + (rank == 4 ? "images" : "volumes"),
          "let a preprocessor bring it into that layout");
    }
    return x;
  }

  /** A shape with another number of channels. */
  static long[] with(long[] shape, int axis, long channels) {
    long[] out = shape.clone();
    out[axis] = channels;
    return out;
  }
}
