package org.backpack4j.samediff.internal.rewrite;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.internal.ir.Node;
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

  private final RewriteSite context;
  private final SDVariable weights;
  private final SDVariable bias;
  private final @Nullable List<SDVariable> peepholes;
  private final double forgetBias;
  private final double clip;

  /** The parameters begin at an input: W [F + units, 4·units], pᵢ, p_f, pₒ [units], b. */
  private LstmBlockRewrite(RewriteSite context, int first) {
    this.context = context;
    this.weights = context.input(first);
    this.peepholes =
        context.node().iArg(0, 0) != 0
            ? List.of(context.input(first + 1), context.input(first + 2), context.input(first + 3))
            : null;
    this.bias = context.input(first + 4);
    this.forgetBias = context.node().tArg(0, 0);
    this.clip = context.node().tArg(1, 0);
  }

  /** {@code lstmBlockCell} of X, C and H. */
  static List<SDVariable> cell(RewriteSite context) {
    return new LstmBlockRewrite(context, 3)
        .step("", context.input(0), context.input(1), context.input(2));
  }

  /** {@code lstmBlock} of the number of steps, X, C and H: each result for all steps. */
  static List<SDVariable> block(RewriteSite context) {
    Sequence.Format format = format(context.node());
    if (!Sequence.isFixed(context.dims(1), format)) {
      return List.of();
    }
    Sequence sequence = new Sequence(context, context.dims(1), format);
    LstmBlockRewrite block = new LstmBlockRewrite(context, 4);
    List<SDVariable> inputs = sequence.steps("", sequence.samplesFirst(context.input(1)));
    SDVariable c = context.input(2);
    SDVariable h = context.input(3);
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
    SDVariable both = context.graph().concat(context.name(at + "inputs"), 1, x, h);
    SDVariable product = context.matmul(at + "product", both, false, weights, false);
    List<SDVariable> z =
        context.split(at + "parts", product.add(context.name(at + "shifted"), bias), 4, 1);
    SDVariable i = sigmoid(at + "input_gate", peep(at + "input_peep", z.get(0), c, 0));
    SDVariable g = context.graph().math().tanh(context.name(at + "candidate"), z.get(1));
    SDVariable kept =
        forgetBias == 0 ? z.get(2) : z.get(2).add(context.name(at + "forget_bias"), forgetBias);
    SDVariable f = sigmoid(at + "forget_gate", peep(at + "forget_peep", kept, c, 1));
    SDVariable cells =
        i.mul(context.name(at + "let_in"), g)
            .add(context.name(at + "cells"), f.mul(context.name(at + "remembered"), c));
    if (clip > 0) {
      cells = context.graph().math().clipByValue(context.name(at + "clipped"), cells, -clip, clip);
    }
    SDVariable o = sigmoid(at + "output_gate", peep(at + "output_peep", z.get(3), cells, 2));
    SDVariable activated = context.graph().math().tanh(context.name(at + "activated"), cells);
    SDVariable results = o.mul(context.name(at + "results"), activated);
    return List.of(i, cells, f, o, g, activated, results);
  }

  private SDVariable sigmoid(String what, SDVariable z) {
    return context.graph().nn().sigmoid(context.name(what), z);
  }

  private SDVariable peep(String what, SDVariable z, SDVariable cells, int which) {
    return peepholes == null
        ? z
        : z.add(context.name(what), cells.mul(context.name(what + "_seen"), peepholes.get(which)));
  }
}
