package org.backpack4j.dl4j.vertex;

import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.deeplearning4j.nn.conf.graph.FrozenVertex;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;

/**
 * {@code FrozenVertex}, as transfer learning leaves them: the vertex inside, not trained. DL4J's
 * gradient ends here.
 */
final class Frozen implements VertexConverter<FrozenVertex> {
  @Override
  public void check(FrozenVertex conf, Obstacles obstacles) {
    obstacles.vertex(conf.getUnderlying());
  }

  @Override
  public Value convert(FrozenVertex conf, Site site) {
    Value inside = site.frozen(conf.getUnderlying());
    return inside.with(new StopGradient(site.sd(), inside.variable()).outputVariable());
  }
}
