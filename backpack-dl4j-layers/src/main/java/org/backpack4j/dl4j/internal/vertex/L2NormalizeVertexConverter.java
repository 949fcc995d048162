package org.backpack4j.dl4j.internal.vertex;

import java.util.stream.IntStream;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.L2NormalizeVertex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ops.impl.scalar.ScalarMax;

/**
 * {@code L2NormalizeVertex}: x / max(‖x‖, ε), the norm over all axes but the samples', or those
 * named.
 */
final class L2NormalizeVertexConverter implements VertexConverter<L2NormalizeVertex> {
  @Override
  public LayerOutput convert(L2NormalizeVertex conf, ConversionContext context) {
    LayerOutput x = context.input();
    int[] named = conf.getDimension();
    int[] axes = named != null && named.length > 0 ? named : IntStream.range(1, x.rank()).toArray();
    SDVariable norm = x.variable().norm2(true, axes);
    SDVariable atLeast = new ScalarMax(context.sd(), norm, conf.getEps()).outputVariable();
    return x.with(x.variable().div(atLeast));
  }
}
