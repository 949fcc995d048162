package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Scaled dot product attention of queries [N, F, Q] to keys and values [N, F, T], as the layers and
 * the vertex use it: by itself, or for several heads with projections Wq, Wk, Wv [heads, size, F]
 * and Wo [heads·size, O].
 */
public final class Heads {
  private static final Logger log = LoggerFactory.getLogger(Heads.class);

  private Heads() {}

  /**
   * Says that DL4J's own gradient will not be the graph's.
   *
   * @param context the layer or vertex
   */
  public static void warn(ConversionContext context) {
    log.warn(
        "Deeplearning4j 1.0.0-M2.1 answers twice the gradient of \"{}\" and of all layers below it,"
            + " as for every layer that it runs through SameDiff. The converted graph's gradient is"
            + " the derivative of the score.",
        context.name());
  }

  /**
   * Attends.
   *
   * @param context the layer or vertex, with the projections' parameters
   * @param projects whether there are projections
   * @param queries [N, F, Q]
   * @param keys [N, F, T]
   * @param values [N, F, T]
   * @param mask which steps are there, [N, T], or null for all
   * @return [N, O, Q], without a mask
   */
  public static LayerOutput attend(
      ConversionContext context,
      boolean projects,
      LayerOutput queries,
      LayerOutput keys,
      LayerOutput values,
      @Nullable SDVariable mask) {
    SDVariable q = queries.variable();
    SDVariable k = keys.variable();
    SDVariable v = values.variable();
    if (!projects) {
      SDVariable attended = context.sd().nn().dotProductAttention(q, k, v, mask, true);
      return new LayerOutput(attended, -1, values.size(1), queries.size(2));
    }
    LayerOutput out = context.parameter("Wo");
    SDVariable attended =
        context
            .sd()
            .nn()
            .multiHeadDotProductAttention(
                q,
                k,
                v,
                context.parameter("Wq").variable(),
                context.parameter("Wk").variable(),
                context.parameter("Wv").variable(),
                out.variable(),
                mask,
                true);
    return new LayerOutput(attended, -1, out.size(1), queries.size(2));
  }
}
