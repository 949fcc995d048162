package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.SpaceToDepthLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.enums.DataFormat;

/** {@code SpaceToDepthLayer}: the pixels of each block as channels of one pixel. */
final class SpaceToDepthLayerConverter implements LayerConverter<SpaceToDepthLayer> {
  @Override
  public LayerOutput convert(SpaceToDepthLayer conf, ConversionContext context) {
    LayerOutput x = Images.input(context, 4);
    CNN2DFormat format = conf.getDataFormat();
    int block = conf.getBlockSize();
    SDVariable y =
        context
            .sd()
            .cnn()
            .spaceToDepth(
                x.variable(),
                block,
                format == CNN2DFormat.NCHW ? DataFormat.NCHW : DataFormat.NHWC);
    long[] shape = x.shape();
    shape[Images.channels(format)] *= (long) block * block;
    shape[Images.height(format)] /= block;
    shape[Images.height(format) + 1] /= block;
    return new LayerOutput(y, shape);
  }
}
