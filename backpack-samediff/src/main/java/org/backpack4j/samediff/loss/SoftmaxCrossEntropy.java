package org.backpack4j.samediff.loss;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code softmax_cross_entropy_loss}: {@link Softmax} over the last axis, weighted and reduced;
 * labels smoothed as (1 − s) y + s/K. K is the extent of the labels' axis 1, as M2.1 has it: the
 * number of classes for labels [N, C], the number of time steps for [N, T, C].
 */
public final class SoftmaxCrossEntropy extends ReducedLoss {
  /** The rule of {@code softmax_cross_entropy_loss}. */
  public SoftmaxCrossEntropy() {}

  @Override
  Dims terms(Site site) {
    Dims dims = site.dims(0);
    return dims.range(0, dims.rank() - 1);
  }

  private static double smoothing(Site site) {
    return site.node().tArg(0, 0);
  }

  @Override
  public void check(Site site) {
    super.check(site);
    if (smoothing(site) != 0 && site.dims(2).get(1).samples()) {
      throw new Refused(
          "M2.1 divides the label smoothing by the extent of axis 1, which is the sample axis",
          "let the samples be on axis 0");
    }
  }

  private static Softmax softmax(Site site) {
    Emitter e = site.emit();
    double smoothing = smoothing(site);
    Tensor y = e.cast(site.value(2), site.type(0));
    if (smoothing != 0) {
      y = e.plus(e.scale(y, 1 - smoothing), smoothing / site.dims(2).get(1).size());
    }
    return new Softmax(e, site.value(0), y);
  }

  @Override
  Tensor toPredictions(Site site, Tensor c) {
    return site.emit().reshape(c, c.dims().plus(Dim.ONE));
  }

  @Override
  Tensor values(Site site) {
    return softmax(site).value();
  }

  @Override
  Tensor derivative(Site site, int input) {
    return input == 0
        ? softmax(site).gradient()
        : site.emit().scale(softmax(site).surprise(), 1 - smoothing(site));
  }

  @Override
  public List<Curvature> curvature(Site site, int output, Tensor above, Set<Integer> active) {
    return Curvature.all(0, softmax(site).columns(scale(site, above)));
  }

  @Override
  public List<Curvature> sampled(Site site, Tensor above, Tensor noise, int columns) {
    return Curvature.all(0, softmax(site).sampled(scale(site, above), noise, columns));
  }

  @Override
  public long draws(Site site) {
    Dims part = site.perSample(0);
    return part.range(0, part.rank() - 1).product().size();
  }

  @Override
  public String name() {
    return "softmax cross-entropy";
  }
}
