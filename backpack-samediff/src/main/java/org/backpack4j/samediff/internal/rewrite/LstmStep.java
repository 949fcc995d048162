package org.backpack4j.samediff.internal.rewrite;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.ir.Node;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMActivations;

/**
 * One step of {@code lstmLayer} (Hochreiter and Schmidhuber, 1997; peepholes: Gers and Schmidhuber,
 * 2000). With the step's inputs projected to P = X W + b, the results H and cells C [N, units] of
 * the step before, and P + H U cut into four:
 *
 * <pre>
 * I = gate(Z₁ + C∘pᵢ)    F = gate(Z₂ + C∘p_f)    G = cell(Z₃)
 * C' = clip(F∘C + I∘G)   O = gate(Z₄ + C'∘pₒ)    H' = O∘out(C')
 * </pre>
 */
final class LstmStep {
  /** Those without factors of their own: M2.1's op has arguments for the others, its layer none. */
  static final Set<LSTMActivations> ACTIVATIONS =
      EnumSet.of(
          LSTMActivations.HARD_SIGMOID,
          LSTMActivations.RELU,
          LSTMActivations.SIGMOID,
          LSTMActivations.SOFTPLUS,
          LSTMActivations.SOFTSIGN,
          LSTMActivations.TANH);

  /**
   * The state behind a step.
   *
   * @param results H'
   * @param cells C'
   * @param shown H' with zeros for samples that have ended
   */
  record State(SDVariable results, SDVariable cells, SDVariable shown) {}

  private final RewriteSite context;
  private final SDVariable u;
  private final List<SDVariable> peepholes;
  private final double clip;

  /**
   * Steps with the same parameters.
   *
   * @param context the node
   * @param u U [units, 4·units]
   * @param peepholes pᵢ, p_f and pₒ [units]; may be none
   */
  LstmStep(RewriteSite context, SDVariable u, List<SDVariable> peepholes) {
    this.context = context;
    this.u = u;
    this.peepholes = peepholes;
    this.clip = (float) context.node().tArg(0, 0); // M2.1 rounds it, in double precision as well
  }

  static LSTMActivations activation(Node node, int argument) {
    return LSTMActivations.values()[(int) node.iArg(argument, 0)];
  }

  /**
   * A step.
   *
   * @param at the scope of the step
   * @param projected P [N, 4·units]
   * @param h the results of the step before; null for zeros
   * @param c the cells of the step before; null for zeros
   * @param present which samples have this step [N, 1]; null for all
   */
  State of(
      String at,
      SDVariable projected,
      @Nullable SDVariable h,
      @Nullable SDVariable c,
      @Nullable SDVariable present) {
    SDVariable z =
        h == null
            ? projected
            : projected.add(
                context.name(at + "z"), context.matmul(at + "recurrent", h, false, u, false));
    List<SDVariable> parts = context.split(at + "parts", z, 4, 1);
    SDVariable i = activated(at + "input_gate", 2, peep(at + "input_peep", parts.get(0), c, 0));
    SDVariable g = activated(at + "candidate", 3, parts.get(2));
    SDVariable cells = i.mul(context.name(at + "let_in"), g);
    if (c != null) {
      SDVariable f = activated(at + "forget_gate", 2, peep(at + "forget_peep", parts.get(1), c, 1));
      cells = cells.add(context.name(at + "cells"), f.mul(context.name(at + "remembered"), c));
    }
    if (clip != 0) {
      cells = context.graph().math().clipByValue(context.name(at + "clipped"), cells, -clip, clip);
    }
    SDVariable o =
        activated(at + "output_gate", 2, peep(at + "output_peep", parts.get(3), cells, 2));
    SDVariable results = o.mul(context.name(at + "results"), activated(at + "activated", 4, cells));
    if (present == null) {
      return new State(results, cells, results);
    }
    SDVariable shown = results.mul(context.name(at + "shown"), present);
    return new State(
        h == null ? shown : held(at + "held_results", present, results, h),
        c == null
            ? cells.mul(context.name(at + "held_cells"), present)
            : held(at + "held_cells", present, cells, c),
        shown);
  }

  private SDVariable peep(String what, SDVariable z, @Nullable SDVariable cells, int which) {
    if (peepholes.isEmpty() || cells == null) {
      return z;
    }
    SDVariable seen = cells.mul(context.name(what + "_seen"), peepholes.get(which));
    return z.add(context.name(what), seen);
  }

  /** The new value where the sample has the step, else the old one. */
  private SDVariable held(String what, SDVariable present, SDVariable fresh, SDVariable old) {
    SDVariable change = fresh.sub(context.name(what + "_change"), old);
    return old.add(context.name(what), change.mul(context.name(what + "_kept"), present));
  }

  private SDVariable activated(String what, int argument, SDVariable z) {
    String name = context.name(what);
    return switch (activation(context.node(), argument)) {
      case HARD_SIGMOID -> context.graph().nn().hardSigmoid(name, z);
      case RELU -> context.graph().nn().relu(name, z, 0);
      case SIGMOID -> context.graph().nn().sigmoid(name, z);
      case SOFTPLUS -> context.graph().nn().softplus(name, z);
      case SOFTSIGN -> context.graph().nn().softsign(name, z);
      default -> context.graph().math().tanh(name, z);
    };
  }
}
