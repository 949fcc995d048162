package org.backpack4j.dl4j.internal.vertex;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.FrozenVertex;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;

/**
 * {@code FrozenVertex}, as transfer learning leaves them: the vertex inside, not trained. DL4J's
 * gradient ends here.
 */
final class FrozenVertexConverter implements VertexConverter<FrozenVertex> {
  @Override
  public void check(FrozenVertex conf, Obstacles obstacles) {
    obstacles.vertex(conf.getUnderlying());
  }

  @Override
  public LayerOutput convert(FrozenVertex conf, ConversionContext context) {
    LayerOutput inside = context.frozen(conf.getUnderlying());
    return inside.with(new StopGradient(context.sd(), inside.variable()).outputVariable());
  }
}
