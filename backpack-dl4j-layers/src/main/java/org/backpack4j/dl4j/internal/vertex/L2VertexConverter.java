package org.backpack4j.dl4j.internal.vertex;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.L2Vertex;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code L2Vertex}: the Euclidean distance of the two inputs, for each sample. */
final class L2VertexConverter implements VertexConverter<L2Vertex> {
  @Override
  public LayerOutput convert(L2Vertex conf, ConversionContext context) {
    LayerOutput a = context.inputs().get(0);
    LayerOutput b = context.inputs().get(1);
    SDVariable difference =
        context.sd().reshape(a.variable().sub(b.variable()), -1, a.sampleLength());
    SDVariable sum = difference.mul(difference).sum(true, 1);
    return a.with(context.sd().math().sqrt(sum), -1, 1); // with the first one's mask
  }
}
