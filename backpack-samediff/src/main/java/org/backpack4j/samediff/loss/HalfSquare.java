package org.backpack4j.samediff.loss;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.SignedColumns;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/** {@code l2_loss}: ½ Σ x²; gradient x, Hessian the identity. Of a parameter it is a penalty. */
final class HalfSquare implements LossRule {
  @Override
  public Placement place(Site site, int output) {
    return site.placement(0).hasSamples() ? Placement.reduced(null) : Placements.withoutAxis(site);
  }

  /** What comes from above, [1, V] with ones for the axes of F. */
  private static Tensor spread(Site site, Tensor above) {
    Dims dims = above.dims().range(0, 2);
    for (int k = 0; k < site.perSample(0).rank(); k++) {
      dims = dims.plus(Dim.ONE);
    }
    return site.emit().reshape(above, dims);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor above) {
    return site.emit().mul(site.value(0), spread(site, above));
  }

  @Override
  public void checkCurvature(Site site, Set<Integer> active) {}

  @Override
  public List<Curvature> curvature(Site site, int output, Tensor above, Set<Integer> active) {
    Emitter e = site.emit();
    Tensor d = e.broadcast(spread(site, above), site.value(0).dims());
    return List.of(Curvature.at(0, SignedColumns.diagonal(e, d)));
  }

  @Override
  public String name() {
    return "half square";
  }
}
