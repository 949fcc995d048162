package org.backpack4j.samediff.loss;

import java.util.Set;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code cosine_distance_loss}: ℓ = 1 − Σ z y along an axis, which stays with extent one; linear in
 * the predictions z (which are supposed to have norm one already).
 */
final class CosineDistance extends ReducedLoss {
  private static int axis(Site site) {
    int axis = (int) site.node().iArg(1, -1);
    return axis < 0 ? axis + site.dims(0).rank() : axis;
  }

  @Override
  Dims terms(Site site) {
    return site.dims(0).with(axis(site), Dim.ONE);
  }

  @Override
  public void check(Site site) {
    super.check(site);
    if (site.placement(0).hasSamples() && site.placement(0).axis() == axis(site)) {
      throw new Refused(
          "the distance is taken along the sample axis", "take it along another axis");
    }
  }

  @Override
  Tensor values(Site site) {
    Emitter e = site.emit();
    Tensor product = e.mul(site.value(0), site.value(2));
    int axis = 2 + site.placement(0).perSampleAxis(axis(site));
    Tensor sum = e.sum(product, axis, axis + 1);
    return e.minus(1, e.reshape(sum, product.dims().with(axis, Dim.ONE)));
  }

  @Override
  Tensor derivative(Site site, int input) {
    return site.emit().scale(site.value(2 - input), -1);
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return active.equals(Set.of(0));
  }

  @Override
  public String name() {
    return "cosine distance";
  }
}
