package org.backpack4j.dl4j.vertex;

import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;

/** {@code ReshapeVertex}: the same entries in another shape, the samples first. */
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
    long[] shape = new long[conf.getNewShape().length];
    long length = 1;
    for (int k = 0; k < shape.length; k++) {
      shape[k] = conf.getNewShape()[k];
      length *= k == 0 ? 1 : shape[k];
    }
    if (length != site.input().sampleLength()) {
      throw site.refuse(
          "its new shape does not keep the samples' entries together",
          "let the new shape hold as many entries for each sample as the input");
    }
    return new Value(site.sd().reshape(site.input().variable(), shape), shape);
  }
}
