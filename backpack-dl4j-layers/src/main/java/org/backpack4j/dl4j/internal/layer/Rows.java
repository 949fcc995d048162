package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/** What layers on rows [N, F] have in common. */
final class Rows {
  private Rows() {}

  /**
   * z = x W + b, normalised before the bias is added if the layer says so.
   *
   * @param context a layer with the parameters W [I, O], perhaps b [1, O] and g [1, O]
   * @param x rows [N, I]
   * @return rows [N, O]
   */
  static LayerOutput affine(ConversionContext context, LayerOutput x) {
    check(context, x);
    LayerOutput w = context.parameter("W");
    if (x.size(1) != w.size(0)) {
      throw context.refuse(
          "its input has %d features, and its weights are of %d".formatted(x.size(1), w.size(0)),
          "feed the features that the network was configured for");
    }
    SDVariable z = x.variable().mmul(w.variable());
    long outputs = w.size(1);
    if (context.has("g")) {
      SDVariable gain = context.sd().reshape(context.parameter("g").variable(), outputs);
      z = context.sd().nn().layerNorm(z, gain, true, 1);
    }
    if (context.has("b")) {
      z = z.add(context.parameter("b").variable());
    }
    return x.with(z, -1, outputs);
  }

  /**
   * z = x W + b.
   *
   * @param context the layer
   * @param x rows [N, I]
   * @param w W's key
   * @param b b's key
   * @return rows [N, O]
   */
  static LayerOutput affine(ConversionContext context, LayerOutput x, String w, String b) {
    LayerOutput weights = context.parameter(w);
    SDVariable z = x.variable().mmul(weights.variable()).add(context.parameter(b).variable());
    return x.with(z, -1, weights.size(1));
  }

  /** The input, which must be rows. */
  static LayerOutput input(ConversionContext context) {
    check(context, context.input());
    return context.input();
  }

  private static void check(ConversionContext context, LayerOutput x) {
    if (x.rank() != 2) {
      throw context.refuse(
          "its input has the shape " + x + ", not [N, F]", "let a preprocessor bring it into rows");
    }
  }

  /** DL4J's masks: both what goes into an activation function and what comes out are zero. */
  static LayerOutput masked(LayerOutput rows, @Nullable LayerOutput mask) {
    return mask == null ? rows : rows.with(rows.variable().mul(mask.variable()));
  }

  /** Rows [N, F], zero where their own mask of the features leaves them out. */
  static LayerOutput shown(ConversionContext context, LayerOutput rows) {
    SDVariable mask = FeatureMask.ofRows(context, rows);
    return mask == null ? rows : rows.with(rows.variable().mul(mask));
  }

  /** {@code ElementWiseMultiplicationLayer}: σ(x ∘ W + b), W and b [1, F]; masked rows are zero. */
  static LayerOutput scaled(ElementWiseMultiplicationLayer conf, ConversionContext context) {
    LayerOutput x = context.input();
    SDVariable z = x.variable().mul(context.parameter("W").variable());
    z = z.add(context.parameter("b").variable());
    return shown(context, context.activate(conf.getActivationFn(), x.with(z)));
  }
}
