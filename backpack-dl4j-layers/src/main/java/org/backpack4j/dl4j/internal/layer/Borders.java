package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.PadMode;
import org.nd4j.linalg.factory.Nd4j;

/** Zeros around, and borders cut off: before and behind, for each of some neighbouring axes. */
final class Borders {
  private Borders() {}

  /**
   * Puts zeros around.
   *
   * @param amounts before and behind the first axis, the next, …
   * @param first the first axis
   */
  static LayerOutput pad(ConversionContext context, int[] amounts, int first) {
    LayerOutput x = context.input();
    int[][] all = new int[x.rank()][2];
    long[] shape = x.shape();
    for (int k = 0; k < amounts.length / 2; k++) {
      all[first + k] = new int[] {amounts[2 * k], amounts[2 * k + 1]};
      shape[first + k] += amounts[2 * k] + amounts[2 * k + 1];
    }
    return x.with(pad(context.sd(), x.variable(), all), shape);
  }

  static SDVariable pad(SameDiff sd, SDVariable x, int[][] amounts) {
    return sd.nn().pad(x, sd.constant(Nd4j.createFromArray(amounts)), PadMode.CONSTANT, 0);
  }

  /**
   * Cuts borders off.
   *
   * @param amounts before and behind the first axis, the next, …
   * @param first the first axis
   */
  static LayerOutput crop(ConversionContext context, int[] amounts, int first) {
    LayerOutput x = context.input();
    SDIndex[] index = new SDIndex[x.rank()];
    java.util.Arrays.fill(index, SDIndex.all());
    long[] shape = x.shape();
    for (int k = 0; k < amounts.length / 2; k++) {
      long end = shape[first + k] - amounts[2 * k + 1];
      index[first + k] = SDIndex.interval((long) amounts[2 * k], end);
      shape[first + k] = end - amounts[2 * k];
    }
    return x.with(x.variable().get(index), shape);
  }
}
