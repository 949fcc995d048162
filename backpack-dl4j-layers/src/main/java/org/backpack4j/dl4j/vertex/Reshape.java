package org.backpack4j.dl4j.vertex;

import java.util.Arrays;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.jspecify.annotations.Nullable;

/**
 * {@code ReshapeVertex}: the same entries in another shape, the samples first; so a mask, if the
 * vertex has a shape for it.
 */
final class Reshape implements VertexConverter<ReshapeVertex> {
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
  public Value convert(ReshapeVertex conf, Site site) {
    long[] shape = shape(conf.getNewShape(), site.input(), site);
    return new Value(site.sd().reshape(site.input().variable(), shape), shape, mask(conf, site));
  }

  private static long[] shape(int[] wanted, Value x, Site site) {
    long[] shape = Arrays.stream(wanted).asLongStream().toArray();
    if (shape[0] != -1
        || Arrays.stream(shape).skip(1).reduce(1, (a, b) -> a * b) != x.sampleLength()) {
      throw site.refuse(
          "its new shape does not keep the samples' entries together",
          "let the new shape hold as many entries for each sample as the input");
    }
    return shape;
  }

  /** Without a shape of its own a mask of rows or steps stays as it is, where that fits. */
  private static @Nullable Value mask(ReshapeVertex conf, Site site) {
    Value mask = site.input().mask();
    if (mask == null) {
      return null;
    }
    if (conf.getMaskShape() != null) {
      long[] shape = shape(conf.getMaskShape(), mask, site);
      return mask.with(site.sd().reshape(mask.variable(), shape), shape);
    }
    int axes = conf.getNewShape().length;
    boolean column = mask.rank() == 2 && mask.size(1) == 1;
    boolean kept = column ? axes != 3 || conf.getNewShape()[2] == 1 : axes == 3;
    if (!kept) {
      throw site.refuse(
          "a mask of the features reaches it, " + mask + ", which DL4J cannot reshape",
          "give the vertex a shape for the mask, or train without features' masks");
    }
    return mask;
  }
}
