package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** {@code LossLayer}: a loss of σ(x), without parameters. */
final class LossLayerConverter implements LayerConverter<LossLayer> {
  @Override
  public void check(LossLayer conf, Obstacles obstacles) {
    obstacles.loss(conf.getLossFn(), conf.getActivationFn());
  }

  @Override
  public LayerOutput convert(LossLayer conf, ConversionContext context) {
    LayerOutput x = context.input();
    LayerOutput mask = mask(context, x.sampleLength());
    add(conf.getLossFn(), conf.getActivationFn(), x, mask, context);
    LayerOutput y = context.activate(conf.getActivationFn(), x);
    return mask != null && mask.size(1) == 1 ? Rows.masked(y, mask) : y;
  }

  /** The mask of the loss of rows [N, C]: [N, 1] or [N, C], or null. */
  static @Nullable LayerOutput mask(ConversionContext context, long columns) {
    LayerOutput mask = context.lossMask();
    boolean fits =
        mask == null || (mask.rank() == 2 && (mask.size(1) == 1 || mask.size(1) == columns));
    if (!fits) {
      throw context.refuse(
          "its mask has the shape " + mask, "let it be [N, 1], or one of the outputs' own shape");
    }
    return mask;
  }

  /** Adds the loss of rows, if the layer is an output. */
  static void add(
      ILossFunction loss,
      IActivation activation,
      LayerOutput z,
      @Nullable LayerOutput mask,
      ConversionContext context) {
    if (!context.output()) {
      return;
    }
    if (z.rank() != 2) {
      throw context.refuse(
          "its input has the shape " + z + ", not [N, F]", "let a preprocessor bring it into rows");
    }
    if (z.steps() != 1) {
      throw context.refuse(
          "its input has a row for each time step, whose loss DL4J divides by the number of rows",
          "use an RnnOutputLayer or RnnLossLayer");
    }
    long columns = context.labelColumns(loss, z.size(1));
    context.loss(loss, activation, z, context.labels(-1, columns), mask, 1);
  }
}
