package org.backpack4j.samediff.graph;

import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/** Layers that are a few plain ops. */
final class LayerRewrites {
  private LayerRewrites() {}

  /** {@code xw_plus_b} and {@code relu_layer}: x w + b, and its positive part. */
  static List<SDVariable> dense(RewriteSite site) {
    boolean transposed = site.node().iArg(0, 0) == 1;
    SDVariable product = site.matmul("product", site.input(0), false, site.input(1), transposed);
    SDVariable sum = product.add(site.name("sum"), site.input(2));
    return List.of(
        site.node().op().equals("relu_layer")
            ? site.graph().nn().relu(site.name("relu"), sum, 0)
            : sum);
  }

  /** {@code layer_norm}: gain · (x − mean)/deviation + bias, the two on the channels' axis. */
  static List<SDVariable> layerNorm(RewriteSite site) {
    int[] axes = Arrays.stream(site.node().iArgs()).mapToInt(k -> (int) k).toArray();
    SDVariable normal =
        site.graph().math().standardize(site.name("standardized"), site.input(0), axes);
    boolean channelsFirst = site.node().bArg(0, true);
    SDVariable scaled = normal.mul(site.name("scaled"), channels(site, 1, "gain", channelsFirst));
    return List.of(
        site.inputs() < 3
            ? scaled
            : scaled.add(site.name("shifted"), channels(site, 2, "bias", channelsFirst)));
  }

  /** A vector over the channels in a shape that is broadcast to the input's. */
  private static SDVariable channels(RewriteSite site, int k, String what, boolean first) {
    int rank = site.dims(0).rank();
    Dims spread = site.dims(k);
    for (int axis = 2; first && axis < rank; axis++) {
      spread = spread.plus(Dim.ONE);
    }
    return site.reshape(what, site.input(k), site.dims(k), spread);
  }

  /** {@code embedding_lookup} in one table. */
  static List<SDVariable> embedding(RewriteSite site) {
    return site.inputs() == 2
        ? List.of(site.graph().gather(site.name("rows"), site.input(0), site.input(1), 0))
        : List.of();
  }
}
