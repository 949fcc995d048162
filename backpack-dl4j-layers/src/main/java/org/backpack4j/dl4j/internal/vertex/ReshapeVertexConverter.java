package org.backpack4j.dl4j.internal.vertex;

import java.util.Arrays;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.jspecify.annotations.Nullable;

/**
 * {@code ReshapeVertex}: the same entries in another shape, the samples first; so a mask, if the
 * vertex has a shape for it.
 */
final class ReshapeVertexConverter implements VertexConverter<ReshapeVertex> {
  @Override
  public void check(ReshapeVertex conf, Obstacles obstacles) {
    obstacles.addIf(
        conf.getReshapeOrder() != 'c',
        "reshaping in 'f' order mixes samples",
        "reshape in 'c' order");
    obstacles.addIf(
        conf.getNewShape()[0] != -1,
        "its new shape fixes the number of samples",
        "let the new shape begin with -1");
  }

  @Override
  public LayerOutput convert(ReshapeVertex conf, ConversionContext context) {
    long[] shape = shape(conf.getNewShape(), context.input(), context);
    return new LayerOutput(
        context.sd().reshape(context.input().variable(), shape), shape, mask(conf, context));
  }

  private static long[] shape(int[] wanted, LayerOutput x, ConversionContext context) {
    long[] shape = Arrays.stream(wanted).asLongStream().toArray();
    if (shape[0] != -1
        || Arrays.stream(shape).skip(1).reduce(1, (a, b) -> a * b) != x.sampleLength()) {
      throw context.refuse(
          "its new shape does not keep the samples' entries together",
          "let the new shape hold as many entries for each sample as the input");
    }
    return shape;
  }

  /** Without a shape of its own a mask of rows or steps stays as it is, where that fits. */
  private static @Nullable LayerOutput mask(ReshapeVertex conf, ConversionContext context) {
    LayerOutput mask = context.input().mask();
    if (mask == null) {
      return null;
    }
    if (conf.getMaskShape() != null) {
      long[] shape = shape(conf.getMaskShape(), mask, context);
      return mask.with(context.sd().reshape(mask.variable(), shape), shape);
    }
    int axes = conf.getNewShape().length;
    boolean column = mask.rank() == 2 && mask.size(1) == 1;
    boolean kept = column ? axes != 3 || conf.getNewShape()[2] == 1 : axes == 3;
    if (!kept) {
      throw context.refuse(
          "a mask of the features reaches it, " + mask + ", which DL4J cannot reshape",
          "give the vertex a shape for the mask, or train without features' masks");
    }
    return mask;
  }
}
