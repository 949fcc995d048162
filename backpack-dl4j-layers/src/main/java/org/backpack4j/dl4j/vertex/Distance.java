package org.backpack4j.dl4j.vertex;

import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.deeplearning4j.nn.conf.graph.L2Vertex;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code L2Vertex}: the Euclidean distance of the two inputs, for each sample. */
final class Distance implements VertexConverter<L2Vertex> {
  @Override
  public Value convert(L2Vertex conf, Site site) {
    Value a = site.inputs().get(0);
    Value b = site.inputs().get(1);
    SDVariable difference = site.sd().reshape(a.variable().sub(b.variable()), -1, a.sampleLength());
    SDVariable sum = difference.mul(difference).sum(true, 1);
    return a.with(site.sd().math().sqrt(sum), -1, 1); // with the first one's mask
  }
}
