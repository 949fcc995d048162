package org.backpack4j.dl4j.vertex;

import java.util.Arrays;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.deeplearning4j.nn.conf.graph.SubsetVertex;
import org.nd4j.autodiff.samediff.SDIndex;

/** {@code SubsetVertex}: the entries from..to of axis 1, both included. */
final class Subset implements VertexConverter<SubsetVertex> {
  @Override
  public Value convert(SubsetVertex conf, Site site) {
    Value x = site.input();
    SDIndex[] index = new SDIndex[x.rank()];
    Arrays.fill(index, SDIndex.all());
    index[1] = SDIndex.interval((long) conf.getFrom(), conf.getTo() + 1L);
    long[] shape = x.shape();
    shape[1] = conf.getTo() - conf.getFrom() + 1L;
    return x.with(x.variable().get(index), shape);
  }
}
