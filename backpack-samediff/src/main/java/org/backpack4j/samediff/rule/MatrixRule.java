package org.backpack4j.samediff.rule;

import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * The inverse Y = X⁻¹ and the determinant y of square matrices on the last two axes. With a signal
 * S or s: X̄ = −Yᵀ S Yᵀ, and X̄ = s y X⁻ᵀ. ND4J's own gradients are wrong or missing.
 */
final class MatrixRule implements Rule {
  private final boolean inverse;

  MatrixRule(boolean inverse) {
    this.inverse = inverse;
  }

  @Override
  public Placement place(Site site, int output) {
    Placement place = site.placement(0);
    if (place.hasSamples() && place.axis() >= site.dims(0).rank() - 2) {
      return Placements.byShape(site, output)
          .mixing("the samples are rows or columns of the matrix");
    }
    return place.hasSamples() ? place : Placements.withoutAxis(site);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Dims part = site.perSample(0);
    Dims one = Dims.of(Dim.ONE, Dim.ONE);
    if (!inverse) {
      Tensor spread = e.reshape(e.mul(signal, site.outputValue(0)), signal.dims().plus(one));
      return e.mul(spread, e.transpose(inverse(e, site.value(0))));
    }
    Tensor y = e.transpose(site.outputValue(0));
    Dims full =
        Dims.of(y.dims().get(0).samples() ? Dim.N : signal.dims().get(0), signal.dims().get(1))
            .plus(part);
    Tensor factor = matrices(e, e.broadcast(y, full));
    Tensor s = matrices(e, e.broadcast(signal, full));
    Tensor product = e.matmul(e.matmul(factor, false, s, false), false, factor, false);
    return e.reshape(e.scale(product, -1), full);
  }

  /** All leading axes as one. */
  private static Tensor matrices(Emitter e, Tensor value) {
    int rank = value.rank();
    Dim lead = value.dims().range(0, rank - 2).product();
    return e.reshape(value, Dims.of(lead).plus(value.dims().from(rank - 2)));
  }

  private static Tensor inverse(Emitter e, Tensor x) {
    Tensor flat = matrices(e, x);
    Tensor inverse = e.map("inverse", flat, false, v -> e.graph().math().matrixInverse(v));
    return e.reshape(inverse, x.dims());
  }

  @Override
  public String name() {
    return inverse ? "inverse matrix" : "determinant";
  }
}
