package org.backpack4j.samediff.internal.rewrite;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.spi.Dim;
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
  static List<SDVariable> cell(RewriteSite context) {
    SDVariable x = context.input(0);
    SDVariable h = context.input(1);
    SDVariable both = context.graph().concat(context.name("inputs"), 1, x, h);
    SDVariable product = context.matmul("gates_product", both, false, context.input(2), false);
    SDVariable gates =
        context
            .graph()
            .nn()
            .sigmoid(
                context.name("gates"),
                product.add(context.name("gates_shifted"), context.input(4)));
    List<SDVariable> parts = context.split("gates", gates, 2, 1);
    SDVariable reset = parts.get(0).mul(context.name("reset"), h);
    SDVariable seen = context.graph().concat(context.name("inputs_reset"), 1, x, reset);
    SDVariable candidate =
        context
            .matmul("candidate_product", seen, false, context.input(3), false)
            .add(context.name("candidate_shifted"), context.input(5));
    SDVariable g = context.graph().math().tanh(context.name("candidate"), candidate);
    return List.of(
        context.graph().identity(context.name("reset_gate"), parts.get(0)),
        context.graph().identity(context.name("update_gate"), parts.get(1)),
        g,
        mixed(context, "", parts.get(1), h, g));
  }

  /** {@code gru} of X [T, N, F], H, W [F, 3·units], U [units, 3·units] and b: H' of all steps. */
  static List<SDVariable> layer(RewriteSite context) {
    Sequence.Format format = Sequence.Format.TIME_SAMPLES_FEATURES;
    if (!Sequence.isFixed(context.dims(0), format)) {
      return List.of();
    }
    Sequence sequence = new Sequence(context, context.dims(0), format);
    long units = context.dims(3).get(0).size();
    List<SDVariable> projected =
        sequence.projected(
            "",
            sequence.samplesFirst(context.input(0)),
            context.dims(0).get(2),
            context.input(2),
            Dim.of(3 * units),
            context.input(4));
    SDVariable h = context.input(1);
    List<SDVariable> steps = new ArrayList<>();
    for (int t = 0; t < sequence.length(); t++) {
      String at = t + "/";
      SDVariable product = context.matmul(at + "recurrent", h, false, context.input(3), false);
      List<SDVariable> p = context.split(at + "inputs", projected.get(t), 3, 1);
      List<SDVariable> q = context.split(at + "products", product, 3, 1);
      SDVariable r = gate(context, at + "reset_gate", p.get(0), q.get(0));
      SDVariable z = gate(context, at + "update_gate", p.get(1), q.get(1));
      SDVariable reset = r.mul(context.name(at + "reset"), q.get(2));
      SDVariable sum = p.get(2).add(context.name(at + "candidate_sum"), reset);
      SDVariable g = context.graph().math().tanh(context.name(at + "candidate"), sum);
      h = mixed(context, at, z, h, g);
      steps.add(h);
    }
    return List.of(sequence.together("sequence", steps));
  }

  private static SDVariable gate(RewriteSite context, String what, SDVariable p, SDVariable q) {
    return context.graph().nn().sigmoid(context.name(what), p.add(context.name(what + "_sum"), q));
  }

  /** Z∘H + (1 − Z)∘G as G + Z∘(H − G). */
  private static SDVariable mixed(
      RewriteSite context, String at, SDVariable z, SDVariable h, SDVariable g) {
    SDVariable kept = z.mul(context.name(at + "kept"), h.sub(context.name(at + "change"), g));
    return g.add(context.name(at + "results"), kept);
  }
}
