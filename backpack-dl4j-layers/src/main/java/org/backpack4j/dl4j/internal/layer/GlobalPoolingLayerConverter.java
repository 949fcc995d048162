package org.backpack4j.dl4j.internal.layer;

import java.util.Arrays;
import java.util.Objects;
import java.util.stream.IntStream;
import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * {@code GlobalPoolingLayer}: the maximum, average, sum or p-norm over all positions, by default
 * all axes behind the channels. What is masked is left out.
 */
final class GlobalPoolingLayerConverter implements LayerConverter<GlobalPoolingLayer> {
  /** What is masked is less than all else by so much. */
  private static final double LARGE = 1e30;

  @Override
  public @Nullable LayerOutput mask(GlobalPoolingLayer conf, ConversionContext context) {
    return null;
  }

  @Override
  public LayerOutput convert(GlobalPoolingLayer conf, ConversionContext context) {
    LayerOutput x = context.input();
    int[] axes =
        conf.getPoolingDimensions() != null
            ? conf.getPoolingDimensions()
            : IntStream.range(2, x.rank()).toArray();
    SameDiff sd = context.sd();
    SDVariable mask = mask(context, axes);
    SDVariable v = mask == null ? x.variable() : x.variable().mul(mask);
    SDVariable pooled =
        switch (conf.getPoolingType()) {
          case MAX -> (mask == null ? v : v.add(mask.sub(1).mul(LARGE))).max(axes);
          case AVG -> mask == null ? v.mean(axes) : v.sum(axes).div(count(x, mask));
          case SUM -> v.sum(axes);
          case PNORM -> norm(sd, v, conf.getPnorm(), axes);
        };
    long[] kept =
        IntStream.range(0, x.rank())
            .filter(k -> Arrays.stream(axes).noneMatch(a -> a == k))
            .mapToLong(x::size)
            .toArray();
    if (conf.isCollapseDimensions()) {
      return new LayerOutput(pooled, kept);
    }
    long[] shape = new long[x.rank()];
    Arrays.fill(shape, 1);
    shape[0] = -1;
    shape[1] = x.size(1);
    return new LayerOutput(sd.reshape(pooled, shape), shape);
  }

  /** How many are not masked, [N, 1]; of images DL4J counts the mask's own entries. */
  private static SDVariable count(LayerOutput x, SDVariable mask) {
    long entries = Objects.requireNonNull(x.mask()).sampleLength();
    SDVariable flat = mask.getSameDiff().reshape(mask, -1, entries);
    return entries == 1 ? flat : flat.sum(true, 1);
  }

  /** [N, 1, T], or for images four axes, perhaps of length one; null if there is none. */
  private static @Nullable SDVariable mask(ConversionContext context, int[] axes) {
    LayerOutput x = context.input();
    if (x.mask() == null) {
      return null;
    }
    boolean behindChannels = Arrays.equals(axes, IntStream.range(2, x.rank()).toArray());
    if (x.rank() == 3 && behindChannels) {
      SDVariable mask = Objects.requireNonNull(FeatureMask.ofSteps(context, x, x.size(2)));
      return context.sd().reshape(mask, -1, 1, x.size(2));
    }
    if (x.rank() == 4 && behindChannels) {
      return FeatureMask.ofImages(context, x);
    }
    throw context.refuse(
        "its input has the shape " + x + ", masks of which are not supported",
        "pool time series [N, F, T] over their steps, or images [N, C, H, W] over their positions,"
            + " or train without features' masks");
  }

  /** (Σ |x|ᵖ)^(1/p); of zeros it is zero and passes nothing. */
  private static SDVariable norm(SameDiff sd, SDVariable x, int p, int[] axes) {
    SDVariable sum = sd.math().pow(sd.math().abs(x), p).sum(axes);
    SDVariable positive = sum.gt(0).castTo(x.dataType());
    return sd.math().pow(sum.add(positive.rsub(1)), 1.0 / p).mul(positive);
  }
}
