package org.backpack4j.dl4j.internal.vertex;

import java.util.List;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code MergeVertex}: the inputs beside each other along an axis, the channels by default. */
final class MergeVertexConverter implements VertexConverter<MergeVertex> {
  @Override
  public LayerOutput convert(MergeVertex conf, ConversionContext context) {
    List<LayerOutput> in = context.inputs();
    if (in.size() == 1) {
      return in.get(0);
    }
    int axis = conf.getMergeAxis();
    long[] shape = in.get(0).shape();
    axis = axis < 0 ? axis + shape.length : axis;
    shape[axis] = 0;
    for (LayerOutput value : in) {
      shape[axis] += value.size(axis);
    }
    SDVariable[] variables = in.stream().map(LayerOutput::variable).toArray(SDVariable[]::new);
    return new LayerOutput(context.sd().concat(axis, variables), shape, Masks.either(context, in));
  }
}
