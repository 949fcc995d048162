package org.backpack4j.examples.blocks;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;

/**
 * The maximum over windows of images [N, C, H, W].
 *
 * @param kernel the height and width of a window
 * @param stride how far it moves
 * @param padding how far windows reach over the edge, where nothing counts
 * @param same whether windows reach over the edge as far as it takes to have one every {@code
 *     stride} pixels, first at the bottom and the right; the padding is not looked at then
 */
public record MaxPool2d(long kernel, long stride, long padding, boolean same) implements Block {

  /** With so much padding on each side. */
  public MaxPool2d(long kernel, long stride, long padding) {
    this(kernel, stride, padding, false);
  }

  @Override
  public SDVariable build(Network network, String name, SDVariable x) {
    Pooling2DConfig config =
        Pooling2DConfig.builder()
            .kH(kernel)
            .kW(kernel)
            .sH(stride)
            .sW(stride)
            .pH(same ? 0 : padding)
            .pW(same ? 0 : padding)
            .paddingMode(same ? PaddingMode.SAME : PaddingMode.VALID)
            .isNHWC(false)
            .build();
    return network.graph().cnn().maxPooling2d(name, x, config);
  }
}
