package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** {@code LossLayer}: a loss of σ(x), without parameters. */
final class LossAlone implements LayerConverter<LossLayer> {
  @Override
  public void check(LossLayer conf, Obstacles obstacles) {
    obstacles.loss(conf.getLossFn(), conf.getActivationFn());
  }

  @Override
  public Value convert(LossLayer conf, Site site) {
    Value x = site.input();
    Value mask = mask(site, x.sampleLength());
    add(conf.getLossFn(), conf.getActivationFn(), x, mask, site);
    Value y = site.activate(conf.getActivationFn(), x);
    return mask != null && mask.size(1) == 1 ? Rows.masked(y, mask) : y;
  }

  /** The mask of the loss of rows [N, C]: [N, 1] or [N, C], or null. */
  static @Nullable Value mask(Site site, long columns) {
    Value mask = site.lossMask();
    boolean fits =
        mask == null || (mask.rank() == 2 && (mask.size(1) == 1 || mask.size(1) == columns));
    if (!fits) {
      throw site.refuse(
          "its mask has the shape " + mask, "let it be [N, 1], or one of the outputs' own shape");
    }
    return mask;
  }

  /** Adds the loss of rows, if the layer is an output. */
  static void add(
      ILossFunction loss, IActivation activation, Value z, @Nullable Value mask, Site site) {
    if (!site.output()) {
      return;
    }
    if (z.rank() != 2) {
      throw site.refuse(
          "its input has the shape " + z + ", not [N, F]", "let a preprocessor bring it into rows");
    }
    if (z.steps() != 1) {
      throw site.refuse(
          "its input has a row for each time step, whose loss DL4J divides by the number of rows",
          "use an RnnOutputLayer or RnnLossLayer");
    }
    long columns = site.labelColumns(loss, z.size(1));
    site.loss(loss, activation, z, site.labels(-1, columns), mask, 1);
  }
}
