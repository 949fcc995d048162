package org.backpack4j.dl4j.internal.vertex;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.PoolHelperVertex;
import org.nd4j.autodiff.samediff.SDIndex;

/** {@code PoolHelperVertex}: images [N, C, H, W] without their first row and column. */
final class PoolHelperVertexConverter implements VertexConverter<PoolHelperVertex> {
  @Override
  public LayerOutput convert(PoolHelperVertex conf, ConversionContext context) {
    LayerOutput x = context.input();
    long height = x.size(2);
    long width = x.size(3);
    return x.with(
        x.variable()
            .get(
                SDIndex.all(),
                SDIndex.all(),
                SDIndex.interval(1L, height),
                SDIndex.interval(1L, width)),
        -1,
        x.size(1),
        height - 1,
        width - 1);
  }
}
