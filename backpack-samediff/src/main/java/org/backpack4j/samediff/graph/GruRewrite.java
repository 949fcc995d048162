package org.backpack4j.samediff.graph;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code gruCell}, and {@code gru} for a whole sequence (Cho et al., 2014). With X [N, F] of the
 * step and H [N, units] of the step before:
 *
 * <pre>
 * R = σ(X W_r + H U_r + b_r)    Z = σ(X W_z + H U_z + b_z)
 * G = tanh(X W_g + (R∘H) U_g + b_g)    H' = Z∘H + (1 − Z)∘G
 * </pre>
 *
 * <p>In {@code gru} the reset gate comes behind the product: G = tanh(X W_g + R∘(H U_g) + b_g).
 */
final class GruRewrite {
  private GruRewrite() {}

  /** {@code gruCell} of X, H, [W; U] of R and Z, [W; U] of G, and their b: R, Z, G and H'. */
  static List<SDVariable> cell(RewriteSite site) {
    SDVariable x = site.input(0);
    SDVariable h = site.input(1);
    SDVariable both = site.graph().concat(site.name("inputs"), 1, x, h);
    SDVariable product = site.matmul("gates_product", both, false, site.input(2), false);
    SDVariable gates =
        site.graph()
            .nn()
            .sigmoid(site.name("gates"), product.add(site.name("gates_shifted"), site.input(4)));
    List<SDVariable> parts = site.split("gates", gates, 2, 1);
    SDVariable reset = parts.get(0).mul(site.name("reset"), h);
    SDVariable seen = site.graph().concat(site.name("inputs_reset"), 1, x, reset);
    SDVariable candidate =
        site.matmul("candidate_product", seen, false, site.input(3), false)
            .add(site.name("candidate_shifted"), site.input(5));
    SDVariable g = site.graph().math().tanh(site.name("candidate"), candidate);
    return List.of(
        site.graph().identity(site.name("reset_gate"), parts.get(0)),
        site.graph().identity(site.name("update_gate"), parts.get(1)),
        g,
        mixed(site, "", parts.get(1), h, g));
  }

  /** {@code gru} of X [T, N, F], H, W [F, 3·units], U [units, 3·units] and b: H' of all steps. */
  static List<SDVariable> layer(RewriteSite site) {
    Sequence.Format format = Sequence.Format.TIME_SAMPLES_FEATURES;
    if (!Sequence.isFixed(site.dims(0), format)) {
      return List.of();
    }
    Sequence sequence = new Sequence(site, site.dims(0), format);
    long units = site.dims(3).get(0).size();
    List<SDVariable> projected =
        sequence.projected(
            "",
            sequence.samplesFirst(site.input(0)),
            site.dims(0).get(2),
            site.input(2),
            Dim.of(3 * units),
            site.input(4));
    SDVariable h = site.input(1);
    List<SDVariable> steps = new ArrayList<>();
    for (int t = 0; t < sequence.length(); t++) {
      String at = t + "/";
      SDVariable product = site.matmul(at + "recurrent", h, false, site.input(3), false);
      List<SDVariable> p = site.split(at + "inputs", projected.get(t), 3, 1);
      List<SDVariable> q = site.split(at + "products", product, 3, 1);
      SDVariable r = gate(site, at + "reset_gate", p.get(0), q.get(0));
      SDVariable z = gate(site, at + "update_gate", p.get(1), q.get(1));
      SDVariable reset = r.mul(site.name(at + "reset"), q.get(2));
      SDVariable sum = p.get(2).add(site.name(at + "candidate_sum"), reset);
      SDVariable g = site.graph().math().tanh(site.name(at + "candidate"), sum);
      h = mixed(site, at, z, h, g);
      steps.add(h);
    }
    return List.of(sequence.together("sequence", steps));
  }

  private static SDVariable gate(RewriteSite site, String what, SDVariable p, SDVariable q) {
    return site.graph().nn().sigmoid(site.name(what), p.add(site.name(what + "_sum"), q));
  }

  /** Z∘H + (1 − Z)∘G as G + Z∘(H − G). */
  private static SDVariable mixed(
      RewriteSite site, String at, SDVariable z, SDVariable h, SDVariable g) {
    SDVariable kept = z.mul(site.name(at + "kept"), h.sub(site.name(at + "change"), g));
    return g.add(site.name(at + "results"), kept);
  }
}
