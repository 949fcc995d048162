package org.backpack4j.samediff.rule;

import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code lrn}, local response normalisation along the last axis: y = x u^(−β), u = bias + α B x²,
 * the band matrix B adding up the neighbours within {@code depth} on both sides. So dx = s u^(−β) −
 * 2αβ x ∘ B (s ∘ x ∘ u^(−β−1)). M2.1's own gradient is wrong.
 */
final class LocalResponseRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    return Placements.along(site, output, -1);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    double bias = site.node().tArg(0, 1);
    double alpha = site.node().tArg(1, 1);
    double beta = site.node().tArg(2, 0.5);
    Tensor x = site.value(0);
    Tensor u = e.plus(e.scale(neighbours(e, e.square(x), site), alpha), bias);
    Tensor log = e.map("log", u, false, v -> e.graph().math().log(v));
    Tensor power = e.map("exp", e.scale(log, -beta), true, v -> e.graph().math().exp(v));
    Tensor weighted = e.mul(signal, e.div(e.mul(x, power), u));
    Tensor spread = e.mul(neighbours(e, weighted, site), e.scale(x, -2 * alpha * beta));
    return e.add(e.mul(signal, power), spread);
  }

  /** B times a value, along its last axis. */
  private static Tensor neighbours(Emitter e, Tensor value, Site site) {
    long depth = site.node().iArg(0, 5);
    long channels = value.dims().get(value.rank() - 1).size();
    return AxisMap.summed(
        e, value, new Window(channels, 2 * depth + 1, 1, 1, depth, channels), null);
  }

  @Override
  public String name() {
    return "local response";
  }
}
