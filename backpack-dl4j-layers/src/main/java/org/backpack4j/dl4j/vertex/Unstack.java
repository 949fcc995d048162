package org.backpack4j.dl4j.vertex;

import java.util.Arrays;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.deeplearning4j.nn.conf.graph.UnstackVertex;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code UnstackVertex}: one of the inputs of a stack, and its mask. */
final class Unstack implements VertexConverter<UnstackVertex> {
  @Override
  public Value convert(UnstackVertex conf, Site site) {
    Value x = site.input();
    Value mask = x.mask();
    return part(conf, site, x).withMask(mask == null ? null : part(conf, site, mask));
  }

  private static Value part(UnstackVertex conf, Site site, Value x) {
    long[] shape = new long[x.rank() + 1];
    shape[0] = conf.getStackSize();
    shape[1] = -1;
    System.arraycopy(x.shape(), 1, shape, 2, x.rank() - 1);
    SDVariable apart = site.sd().reshape(x.variable(), shape);
    SDIndex[] index = new SDIndex[shape.length];
    Arrays.fill(index, SDIndex.all());
    index[0] = SDIndex.point(conf.getFrom());
    return x.with(apart.get(index));
  }
}
