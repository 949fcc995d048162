package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.SpaceToDepthLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.enums.DataFormat;

/** {@code SpaceToDepthLayer}: the pixels of each block as channels of one pixel. */
final class SpaceToDepth implements LayerConverter<SpaceToDepthLayer> {
  @Override
  public Value convert(SpaceToDepthLayer conf, Site site) {
    Value x = Images.input(site, 4);
    CNN2DFormat format = conf.getDataFormat();
    int block = conf.getBlockSize();
    SDVariable y =
        site.sd()
            .cnn()
            .spaceToDepth(
                x.variable(),
                block,
                format == CNN2DFormat.NCHW ? DataFormat.NCHW : DataFormat.NHWC);
    long[] shape = x.shape();
    shape[Images.channels(format)] *= (long) block * block;
    shape[Images.height(format)] /= block;
    shape[Images.height(format) + 1] /= block;
    return new Value(y, shape);
  }
}
