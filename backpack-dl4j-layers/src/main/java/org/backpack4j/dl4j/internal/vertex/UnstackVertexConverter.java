package org.backpack4j.dl4j.internal.vertex;

import java.util.Arrays;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.UnstackVertex;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code UnstackVertex}: one of the inputs of a stack, and its mask. */
final class UnstackVertexConverter implements VertexConverter<UnstackVertex> {
  @Override
  public LayerOutput convert(UnstackVertex conf, ConversionContext context) {
    LayerOutput x = context.input();
    LayerOutput mask = x.mask();
    return part(conf, context, x).withMask(mask == null ? null : part(conf, context, mask));
  }

  private static LayerOutput part(UnstackVertex conf, ConversionContext context, LayerOutput x) {
    long[] shape = new long[x.rank() + 1];
    shape[0] = conf.getStackSize();
    shape[1] = -1;
    System.arraycopy(x.shape(), 1, shape, 2, x.rank() - 1);
    SDVariable apart = context.sd().reshape(x.variable(), shape);
    SDIndex[] index = new SDIndex[shape.length];
    Arrays.fill(index, SDIndex.all());
    index[0] = SDIndex.point(conf.getFrom());
    return x.with(apart.get(index));
  }
}
