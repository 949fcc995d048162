package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.FeatureMask;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/** What layers on rows [N, F] have in common. */
final class Rows {
  private Rows() {}

  /**
   * z = x W + b, normalised before the bias is added if the layer says so.
   *
   * @param site a layer with the parameters W [I, O], perhaps b [1, O] and g [1, O]
   * @param x rows [N, I]
   * @return rows [N, O]
   */
  static Value affine(Site site, Value x) {
    check(site, x);
    Value w = site.parameter("W");
    SDVariable z = x.variable().mmul(w.variable());
    long outputs = w.size(1);
    if (site.has("g")) {
      SDVariable gain = site.sd().reshape(site.parameter("g").variable(), outputs);
      z = site.sd().nn().layerNorm(z, gain, true, 1);
    }
    if (site.has("b")) {
      z = z.add(site.parameter("b").variable());
    }
    return x.with(z, -1, outputs);
  }

  /**
   * z = x W + b.
   *
   * @param site the layer
   * @param x rows [N, I]
   * @param w W's key
   * @param b b's key
   * @return rows [N, O]
   */
  static Value affine(Site site, Value x, String w, String b) {
    Value weights = site.parameter(w);
    SDVariable z = x.variable().mmul(weights.variable()).add(site.parameter(b).variable());
    return x.with(z, -1, weights.size(1));
  }

  /** The input, which must be rows. */
  static Value input(Site site) {
    check(site, site.input());
    return site.input();
  }

  private static void check(Site site, Value x) {
    if (x.rank() != 2) {
      throw site.refuse(
          "its input has the shape " + x + ", not [N, F]", "let a preprocessor bring it into rows");
    }
  }

  /** DL4J's masks: both what goes into an activation function and what comes out are zero. */
  static Value masked(Value rows, @Nullable Value mask) {
    return mask == null ? rows : rows.with(rows.variable().mul(mask.variable()));
  }

  /** Rows [N, F], zero where their own mask of the features leaves them out. */
  static Value shown(Site site, Value rows) {
    SDVariable mask = FeatureMask.ofRows(site, rows);
    return mask == null ? rows : rows.with(rows.variable().mul(mask));
  }

  /** {@code ElementWiseMultiplicationLayer}: σ(x ∘ W + b), W and b [1, F]; masked rows are zero. */
  static Value scaled(ElementWiseMultiplicationLayer conf, Site site) {
    Value x = site.input();
    SDVariable z = x.variable().mul(site.parameter("W").variable());
    z = z.add(site.parameter("b").variable());
    return shown(site, site.activate(conf.getActivationFn(), x.with(z)));
  }
}
