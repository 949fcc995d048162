package org.backpack4j.dl4j.internal.layer;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * {@code BatchNormalization}: γ (x − μ) / √(v + ε) + β along the channels, with the batch's mean
 * and biased variance, or the running ones; of these DL4J keeps v or log₁₀ √v.
 *
 * <p>Locked γ and β are applied only if γ is not 1 <em>and</em> β is not 0, as DL4J does it in its
 * forward pass. Its backward pass multiplies by γ in any case ({@link
 * org.backpack4j.dl4j.internal.convert.Peculiarities}). It takes rows and images; time series it
 * normalises within each sample, if there are as many samples as features, and cannot train;
 * volumes not at all.
 */
final class BatchNormalizationConverter implements LayerConverter<BatchNormalization> {
  @Override
  public LayerOutput convert(BatchNormalization conf, ConversionContext context) {
    LayerOutput x = context.input();
    refuseOthers(x, context);
    int channels = x.rank() == 4 && conf.getCnn2DFormat() == CNN2DFormat.NHWC ? 3 : 1;
    long[] row = new long[x.rank()];
    Arrays.fill(row, 1);
    row[channels] = x.size(channels);
    SDVariable centred;
    SDVariable variance;
    if (context.runningStatistics()) {
      centred = x.variable().sub(along(context, "mean", row));
      variance = runningVariance(context, row);
    } else {
      int[] others = IntStream.range(0, x.rank()).filter(k -> k != channels).toArray();
      SDVariable mean = mean(x.variable(), others);
      centred = x.variable().sub(mean);
      variance = mean(centred.mul(centred), others);
      context.batchStatistic(conf.getDecay(), mean, variance);
    }
    SDVariable normalised = centred.div(context.sd().math().sqrt(variance.add(conf.getEps())));
    if (conf.isLockGammaBeta()) {
      boolean applied = conf.getGamma() != 1 && conf.getBeta() != 0;
      return x.with(applied ? normalised.mul(conf.getGamma()).add(conf.getBeta()) : normalised);
    }
    SDVariable gamma = context.sd().reshape(context.parameter("gamma").variable(), row);
    SDVariable beta = context.sd().reshape(context.parameter("beta").variable(), row);
    return x.with(normalised.mul(gamma).add(beta));
  }

  private static void refuseOthers(LayerOutput x, ConversionContext context) {
    if (x.rank() != 2 && x.rank() != 4) {
      throw context.refuse(
          "its input has the shape "
              + x
              + ", and DL4J 1.0.0-M2.1 normalises rows [N, F] and images alone: "
              + (x.rank() == 3
                  ? "time series it normalises within each sample, and cannot train"
                  : "it has no formula for others"),
          x.rank() == 3
              ? "let an RnnToFeedForwardPreProcessor bring the series into rows before it"
              : "leave it out, or write it as a SameDiff layer");
    }
  }

  /**
   * The mean, axis by axis from the last. In one go M2.1 adds all values of a channel one by one to
   * a single number, whose rounding in single precision grows with the number of positions; deep
   * networks multiply it. DL4J's op for the variance sums more carefully than that.
   */
  private static SDVariable mean(SDVariable x, int[] axes) {
    SDVariable mean = x;
    for (int k = axes.length - 1; k >= 0; k--) {
      mean = mean.mean(true, axes[k]);
    }
    return mean;
  }

  private static SDVariable runningVariance(ConversionContext context, long[] row) {
    if (context.has("var")) {
      return along(context, "var", row);
    }
    // v = exp(2 ln(10) log₁₀ √v)
    SameDiff sd = context.sd();
    return sd.math().exp(along(context, "log10stdev", row).mul(2 * Math.log(10)));
  }

  private static SDVariable along(ConversionContext context, String key, long[] row) {
    return context.sd().reshape(context.state(key).variable(), row);
  }
}
