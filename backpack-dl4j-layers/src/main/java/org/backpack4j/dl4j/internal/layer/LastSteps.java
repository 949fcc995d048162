package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The last steps of time series. */
public final class LastSteps {
  private LastSteps() {}

  /**
   * The last step of a series, or each sample's last one with a mask that is not zero; zeros where
   * all is masked.
   *
   * @param context the layer or vertex
   * @param series [N, F, T] or [N, T, F]
   * @param time the axis of time, 2 or 1
   * @param mask [N, T], or null
   * @return [N, F], without a mask
   */
  public static LayerOutput of(
      ConversionContext context, LayerOutput series, int time, @Nullable SDVariable mask) {
    int steps = Math.toIntExact(series.size(time));
    long width = series.size(3 - time);
    if (mask == null) {
      SDVariable[] all = context.sd().unstack(series.variable(), time, steps);
      return new LayerOutput(all[steps - 1], -1, width);
    }
    long[] spread = {-1, 1, 1};
    spread[time] = steps;
    SDVariable last = context.sd().reshape(last(context, mask, steps), spread);
    return new LayerOutput(series.variable().mul(last).sum(time), -1, width);
  }

  /** [N, T]: 1 for each sample's last step with a mask that is not zero. */
  private static SDVariable last(ConversionContext context, SDVariable mask, int steps) {
    SDVariable present = mask.neq(0).castTo(context.type());
    INDArray after = Nd4j.zeros(context.type(), steps, steps);
    for (int later = 0; later < steps; later++) {
      for (int t = 0; t < later; t++) {
        after.putScalar(later, t, 1);
      }
    }
    SDVariable others = present.mmul(context.constant(after));
    return present.mul(others.eq(0).castTo(context.type()));
  }
}
