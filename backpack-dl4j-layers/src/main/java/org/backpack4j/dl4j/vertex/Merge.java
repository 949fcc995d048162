package org.backpack4j.dl4j.vertex;

import java.util.List;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code MergeVertex}: the inputs beside each other along an axis, the channels by default. */
final class Merge implements VertexConverter<MergeVertex> {
  @Override
  public Value convert(MergeVertex conf, Site site) {
    List<Value> in = site.inputs();
    if (in.size() == 1) {
      return in.get(0);
    }
    int axis = conf.getMergeAxis();
    long[] shape = in.get(0).shape();
    axis = axis < 0 ? axis + shape.length : axis;
    shape[axis] = 0;
    for (Value value : in) {
      shape[axis] += value.size(axis);
    }
    SDVariable[] variables = in.stream().map(Value::variable).toArray(SDVariable[]::new);
    return new Value(site.sd().concat(axis, variables), shape, Masks.either(site, in));
  }
}
