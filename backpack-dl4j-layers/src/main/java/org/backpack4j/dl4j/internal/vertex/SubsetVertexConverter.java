package org.backpack4j.dl4j.internal.vertex;

import java.util.Arrays;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.SubsetVertex;
import org.nd4j.autodiff.samediff.SDIndex;

/** {@code SubsetVertex}: the entries from..to of axis 1, both included. */
final class SubsetVertexConverter implements VertexConverter<SubsetVertex> {
  @Override
  public LayerOutput convert(SubsetVertex conf, ConversionContext context) {
    LayerOutput x = context.input();
    SDIndex[] index = new SDIndex[x.rank()];
    Arrays.fill(index, SDIndex.all());
    index[1] = SDIndex.interval((long) conf.getFrom(), conf.getTo() + 1L);
    long[] shape = x.shape();
    shape[1] = conf.getTo() - conf.getFrom() + 1L;
    return x.with(x.variable().get(index), shape);
  }
}
