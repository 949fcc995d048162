package org.backpack4j.dl4j.internal.preprocessor;

import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Time series as rows [T·N, F], the first step of all samples first, as DL4J lays them out. A mask
 * [N, T] goes along as [T·N, 1].
 */
final class SeriesRows {
  private SeriesRows() {}

  /** [N, F, T] or [N, T, F] as rows; rows stay as they are. */
  static LayerOutput of(LayerOutput x, @Nullable RNNFormat format, ConversionContext context) {
    if (x.rank() == 2) {
      return x;
    }
    if (x.rank() != 3) {
      throw context.refuse(
          "its input has the shape " + x + ", not that of time series",
          "let it be fed time series");
    }
    boolean last = format == RNNFormat.NWC;
    long features = x.size(last ? 2 : 1);
    long steps = x.size(last ? 1 : 2);
    int[] stepsFirst = last ? new int[] {1, 0, 2} : new int[] {2, 0, 1};
    SDVariable laidOut = context.sd().permute(x.variable(), stepsFirst);
    SDVariable mask = FeatureMask.ofSteps(context, x, steps);
    LayerOutput column = null;
    if (mask != null) {
      SDVariable stepsBefore = context.sd().permute(mask, 1, 0);
      column = new LayerOutput(context.sd().reshape(stepsBefore, -1, 1), -1, 1).withSteps(steps);
    }
    return x.with(context.sd().reshape(laidOut, -1, features), -1, features)
        .withMask(column)
        .withSteps(steps);
  }

  /** Rows as [N, F, T] or [N, T, F]. */
  static LayerOutput series(
      LayerOutput rows, @Nullable RNNFormat format, ConversionContext context) {
    if (rows.rank() != 2) {
      throw context.refuse(
          "its input has the shape " + rows + ", not that of rows",
          "let a layer on rows come before it");
    }
    boolean last = format == RNNFormat.NWC;
    long features = rows.size(1);
    long steps = rows.steps();
    SDVariable apart = context.sd().reshape(rows.variable(), steps, -1, features);
    SDVariable laidOut =
        context.sd().permute(apart, last ? new int[] {1, 0, 2} : new int[] {1, 2, 0});
    SDVariable mask = FeatureMask.ofRows(context, rows);
    LayerOutput table = null;
    if (mask != null) {
      SDVariable stepsBefore = context.sd().reshape(mask, steps, -1);
      table = new LayerOutput(context.sd().permute(stepsBefore, 1, 0), -1, steps);
    }
    long[] shape = last ? new long[] {-1, steps, features} : new long[] {-1, features, steps};
    return new LayerOutput(laidOut, shape, table);
  }
}
