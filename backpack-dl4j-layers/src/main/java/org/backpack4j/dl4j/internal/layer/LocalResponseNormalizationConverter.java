package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.LocalResponseNormalizationConfig;

/**
 * {@code LocalResponseNormalization}: x / (k + α Σ x²)^β, the sum over n/2 channels on each side.
 */
final class LocalResponseNormalizationConverter
    implements LayerConverter<LocalResponseNormalization> {
  @Override
  public LayerOutput convert(LocalResponseNormalization conf, ConversionContext context) {
    LayerOutput x = Images.input(context, 4);
    SameDiff sd = context.sd();
    boolean first = conf.getDataFormat() == CNN2DFormat.NCHW;
    LocalResponseNormalizationConfig config =
        LocalResponseNormalizationConfig.builder()
            .alpha(conf.getAlpha())
            .beta(conf.getBeta())
            .bias(conf.getK())
            .depth((int) conf.getN() / 2)
            .build();
    SDVariable last = first ? sd.permute(x.variable(), 0, 2, 3, 1) : x.variable();
    SDVariable normalised = sd.cnn().localResponseNormalization(last, config);
    return x.with(first ? sd.permute(normalised, 0, 3, 1, 2) : normalised);
  }
}
