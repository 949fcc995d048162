package org.backpack4j.dl4j.layer;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * {@code BatchNormalization}: γ (x − μ) / √(v + ε) + β along the channels, with the batch's mean
 * and biased variance, or the running ones; of these DL4J keeps v or log₁₀ √v.
 */
final class BatchNorm implements LayerConverter<BatchNormalization> {
  @Override
  public Value convert(BatchNormalization conf, Site site) {
    Value x = site.input();
    int channels = x.rank() == 4 && conf.getCnn2DFormat() == CNN2DFormat.NHWC ? 3 : 1;
    long[] row = new long[x.rank()];
    Arrays.fill(row, 1);
    row[channels] = x.size(channels);
    SDVariable centred;
    SDVariable variance;
    if (site.runningStatistics()) {
      centred = x.variable().sub(along(site, "mean", row));
      variance = runningVariance(site, row);
    } else {
      int[] others = IntStream.range(0, x.rank()).filter(k -> k != channels).toArray();
      centred = x.variable().sub(mean(x.variable(), others));
      variance = mean(centred.mul(centred), others);
    }
    SDVariable normalised = centred.div(site.sd().math().sqrt(variance.add(conf.getEps())));
    if (conf.isLockGammaBeta()) {
      return x.with(normalised.mul(conf.getGamma()).add(conf.getBeta()));
    }
    SDVariable gamma = site.sd().reshape(site.parameter("gamma").variable(), row);
    SDVariable beta = site.sd().reshape(site.parameter("beta").variable(), row);
    return x.with(normalised.mul(gamma).add(beta));
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

  private static SDVariable runningVariance(Site site, long[] row) {
    if (site.has("var")) {
      return along(site, "var", row);
    }
    // v = exp(2 ln(10) log₁₀ √v)
    SameDiff sd = site.sd();
    return sd.math().exp(along(site, "log10stdev", row).mul(2 * Math.log(10)));
  }

  private static SDVariable along(Site site, String key, long[] row) {
    return site.sd().reshape(site.state(key).variable(), row);
  }
}
