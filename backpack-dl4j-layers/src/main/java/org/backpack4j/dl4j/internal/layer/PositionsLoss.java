package org.backpack4j.dl4j.internal.layer;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/**
 * A loss of each position of images or volumes; the positions are the rows [N·positions, C]. A mask
 * is one of samples [N, 1], of positions (with one channel, or without that axis), or of single
 * values.
 */
final class PositionsLoss {
  private final ConversionContext context;
  private final LayerOutput x;
  private final int channels;

  /**
   * A loss.
   *
   * @param context the layer
   * @param x its input, images or volumes
   * @param channels the axis of the channels, 1 or the last
   */
  PositionsLoss(ConversionContext context, LayerOutput x, int channels) {
    this.context = context;
    this.x = x;
    this.channels = channels;
  }

  /** Adds the loss, if the layer is an output; answers σ(x). */
  LayerOutput of(ILossFunction loss, IActivation activation, @Nullable LayerOutput mask) {
    LayerOutput rows = rows(x);
    if (context.output()) {
      long columns = context.labelColumns(loss, x.size(channels));
      long[] shape = Images.with(x.shape(), channels, columns);
      LayerOutput labels = rows(new LayerOutput(context.labels(shape), shape));
      long positions = x.sampleLength() / x.size(channels);
      context.loss(
          loss, activation, rows, labels.variable(), mask == null ? null : spread(mask), positions);
    }
    long[] last = moved(x.shape());
    SDVariable apart = context.sd().reshape(context.activate(activation, rows).variable(), last);
    int[] back = IntStream.range(0, x.rank()).map(k -> k < channels ? k : k - 1).toArray();
    back[channels] = x.rank() - 1;
    return x.with(context.sd().permute(apart, back));
  }

  /** Images as rows. */
  private LayerOutput rows(LayerOutput images) {
    int[] order = IntStream.range(0, x.rank()).map(k -> k < channels ? k : k + 1).toArray();
    order[x.rank() - 1] = channels;
    long width = images.size(channels);
    SDVariable last = context.sd().permute(images.variable(), order);
    return new LayerOutput(context.sd().reshape(last, -1, width), -1, width);
  }

  /** A shape with the channels last. */
  private long[] moved(long[] shape) {
    long[] last = shape.clone();
    System.arraycopy(shape, channels + 1, last, channels, shape.length - channels - 1);
    last[shape.length - 1] = shape[channels];
    return last;
  }

  /** The mask as rows. */
  private LayerOutput spread(LayerOutput mask) {
    long[] one = x.shape();
    one[channels] = 1;
    long[] shape = one.clone();
    if (mask.rank() == x.rank()) {
      shape = mask.shape();
    } else if (mask.rank() == 2) {
      Arrays.fill(shape, 1, shape.length, 1);
    }
    SDVariable fitted = context.sd().reshape(mask.variable(), shape);
    long[] all = one.clone();
    all[0] = 1;
    SDVariable everywhere = fitted.mul(context.constant(Nd4j.ones(context.type(), all)));
    one[channels] = shape[channels];
    return rows(new LayerOutput(everywhere, one));
  }
}
