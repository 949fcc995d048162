package org.backpack4j.samediff.graph;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code lstmBlockCell}, which is SameDiff's {@code lstmCell}, and {@code lstmBlock}, the same for
 * a whole sequence. With X [N, F] of the step, H and C [N, units] of the step before, and [X H] W +
 * b cut into four:
 *
 * <pre>
 * I = σ(Z₁ + C∘pᵢ)       G = tanh Z₂            F = σ(Z₃ + forget bias + C∘p_f)
 * C' = clip(I∘G + F∘C)   O = σ(Z₄ + C'∘pₒ)      H' = O∘tanh C'
 * </pre>
 *
 * <p>The results are I, C', F, O, G, tanh C' and H'.
 */
final class LstmBlockRewrite {
  private static final int RESULTS = 7;

  private final RewriteSite site;
  private final SDVariable weights;
  private final SDVariable bias;
  private final @Nullable List<SDVariable> peepholes;
  private final double forgetBias;
  private final double clip;

  /** The parameters begin at an input: W [F + units, 4·units], pᵢ, p_f, pₒ [units], b. */
  private LstmBlockRewrite(RewriteSite site, int first) {
    this.site = site;
    this.weights = site.input(first);
    this.peepholes =
        site.node().iArg(0, 0) != 0
            ? List.of(site.input(first + 1), site.input(first + 2), site.input(first + 3))
            : null;
    this.bias = site.input(first + 4);
    this.forgetBias = site.node().tArg(0, 0);
    this.clip = site.node().tArg(1, 0);
  }

  /** {@code lstmBlockCell} of X, C and H. */
  static List<SDVariable> cell(RewriteSite site) {
    return new LstmBlockRewrite(site, 3).step("", site.input(0), site.input(1), site.input(2));
  }

  /** {@code lstmBlock} of the number of steps, X, C and H: each result for all steps. */
  static List<SDVariable> block(RewriteSite site) {
    Sequence.Format format = format(site.node());
    if (!Sequence.isFixed(site.dims(1), format)) {
      return List.of();
    }
    Sequence sequence = new Sequence(site, site.dims(1), format);
    LstmBlockRewrite block = new LstmBlockRewrite(site, 4);
    List<SDVariable> inputs = sequence.steps("", sequence.samplesFirst(site.input(1)));
    SDVariable c = site.input(2);
    SDVariable h = site.input(3);
    List<List<SDVariable>> steps = new ArrayList<>();
    for (int t = 0; t < inputs.size(); t++) {
      List<SDVariable> step = block.step(t + "/", inputs.get(t), c, h);
      steps.add(step);
      c = step.get(1);
      h = step.get(6);
    }
    List<SDVariable> results = new ArrayList<>();
    for (int k = 0; k < RESULTS; k++) {
      int which = k;
      results.add(sequence.together("result_" + k, steps.stream().map(s -> s.get(which)).toList()));
    }
    return results;
  }

  private static Sequence.Format format(Node node) {
    return switch ((int) node.iArg(1, 0)) {
      case 0 -> Sequence.Format.TIME_SAMPLES_FEATURES;
      case 1 -> Sequence.Format.SAMPLES_FEATURES_TIME;
      default -> Sequence.Format.SAMPLES_TIME_FEATURES;
    };
  }

  private List<SDVariable> step(String at, SDVariable x, SDVariable c, SDVariable h) {
    SDVariable both = site.graph().concat(site.name(at + "inputs"), 1, x, h);
    SDVariable product = site.matmul(at + "product", both, false, weights, false);
    List<SDVariable> z =
        site.split(at + "parts", product.add(site.name(at + "shifted"), bias), 4, 1);
    SDVariable i = sigmoid(at + "input_gate", peep(at + "input_peep", z.get(0), c, 0));
    SDVariable g = site.graph().math().tanh(site.name(at + "candidate"), z.get(1));
    SDVariable kept =
        forgetBias == 0 ? z.get(2) : z.get(2).add(site.name(at + "forget_bias"), forgetBias);
    SDVariable f = sigmoid(at + "forget_gate", peep(at + "forget_peep", kept, c, 1));
    SDVariable cells =
        i.mul(site.name(at + "let_in"), g)
            .add(site.name(at + "cells"), f.mul(site.name(at + "remembered"), c));
    if (clip > 0) {
      cells = site.graph().math().clipByValue(site.name(at + "clipped"), cells, -clip, clip);
    }
    SDVariable o = sigmoid(at + "output_gate", peep(at + "output_peep", z.get(3), cells, 2));
    SDVariable activated = site.graph().math().tanh(site.name(at + "activated"), cells);
    SDVariable results = o.mul(site.name(at + "results"), activated);
    return List.of(i, cells, f, o, g, activated, results);
  }

  private SDVariable sigmoid(String what, SDVariable z) {
    return site.graph().nn().sigmoid(site.name(what), z);
  }

  private SDVariable peep(String what, SDVariable z, SDVariable cells, int which) {
    return peepholes == null
        ? z
        : z.add(site.name(what), cells.mul(site.name(what + "_seen"), peepholes.get(which)));
  }
}
