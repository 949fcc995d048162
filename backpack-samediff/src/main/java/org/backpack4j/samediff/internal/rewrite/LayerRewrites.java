package org.backpack4j.samediff.internal.rewrite;

import java.util.Arrays;
import java.util.List;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.nd4j.autodiff.samediff.SDVariable;

/** Layers that are a few plain ops. */
final class LayerRewrites {
  private LayerRewrites() {}

  /** {@code xw_plus_b} and {@code relu_layer}: x w + b, and its positive part. */
  static List<SDVariable> dense(RewriteSite context) {
    boolean transposed = context.node().iArg(0, 0) == 1;
    SDVariable product =
        context.matmul("product", context.input(0), false, context.input(1), transposed);
    SDVariable sum = product.add(context.name("sum"), context.input(2));
    return List.of(
        context.node().op().equals("relu_layer")
            ? context.graph().nn().relu(context.name("relu"), sum, 0)
            : sum);
  }

  /** {@code layer_norm}: gain · (x − mean)/deviation + bias, the two on the channels' axis. */
  static List<SDVariable> layerNorm(RewriteSite context) {
    int[] axes = Arrays.stream(context.node().iArgs()).mapToInt(k -> (int) k).toArray();
    SDVariable normal =
        context.graph().math().standardize(context.name("standardized"), context.input(0), axes);
    boolean channelsFirst = context.node().bArg(0, true);
    SDVariable scaled =
        normal.mul(context.name("scaled"), channels(context, 1, "gain", channelsFirst));
    return List.of(
        context.inputs() < 3
            ? scaled
            : scaled.add(context.name("shifted"), channels(context, 2, "bias", channelsFirst)));
  }

  /** A vector over the channels in a shape that is broadcast to the input's. */
  private static SDVariable channels(RewriteSite context, int k, String what, boolean first) {
    int rank = context.dims(0).rank();
    Dims spread = context.dims(k);
    for (int axis = 2; first && axis < rank; axis++) {
      spread = spread.plus(Dim.ONE);
    }
    return context.reshape(what, context.input(k), context.dims(k), spread);
  }

  /** {@code embedding_lookup} in one table. */
  static List<SDVariable> embedding(RewriteSite context) {
    return context.inputs() == 2
        ? List.of(
            context.graph().gather(context.name("rows"), context.input(0), context.input(1), 0))
        : List.of();
  }
}
