package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.SpaceToBatchLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * {@code SpaceToBatchLayer}: each pixel of blocks a×b in an image of its own, [a·b·N, C, H/a, W/b],
 * the first pixel of all samples first. As behind a stack the samples are an axis that is folded
 * with another one.
 */
final class SpaceToBatchLayerConverter implements LayerConverter<SpaceToBatchLayer> {
  @Override
  public LayerOutput convert(SpaceToBatchLayer conf, ConversionContext context) {
    LayerOutput x = Images.input(context, 4);
    SameDiff sd = context.sd();
    boolean first = conf.getFormat() == CNN2DFormat.NCHW;
    int[][] around = conf.getPadding();
    int[] sides = {around[0][0], around[0][1], around[1][0], around[1][1]};
    LayerOutput padded = Borders.pad(context, sides, Images.height(conf.getFormat()));
    int a = conf.getBlocks()[0];
    int b = conf.getBlocks()[1];
    long channels = x.size(Images.channels(conf.getFormat()));
    long height = padded.size(Images.height(conf.getFormat())) / a;
    long width = padded.size(Images.height(conf.getFormat()) + 1) / b;
    SDVariable last = first ? sd.permute(padded.variable(), 0, 2, 3, 1) : padded.variable();
    SDVariable apart = sd.reshape(last, -1, height, a, width, b, channels);
    SDVariable images =
        sd.reshape(sd.permute(apart, 2, 4, 0, 1, 3, 5), -1, height, width, channels);
    return first
        ? new LayerOutput(sd.permute(images, 0, 3, 1, 2), -1, channels, height, width)
        : new LayerOutput(images, -1, height, width, channels);
  }
}
