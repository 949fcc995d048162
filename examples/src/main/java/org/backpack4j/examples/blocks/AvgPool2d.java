package org.backpack4j.examples.blocks;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;

/**
 * The mean over windows beside each other in images [N, C, H, W].
 *
 * @param kernel the height and width of a window
 */
public record AvgPool2d(long kernel) implements Block {

  @Override
  public SDVariable build(Network network, String name, SDVariable x) {
    Pooling2DConfig config =
        Pooling2DConfig.builder()
            .kH(kernel)
            .kW(kernel)
            .sH(kernel)
            .sW(kernel)
            .paddingMode(PaddingMode.VALID)
            .isNHWC(false)
            .build();
    return network.graph().cnn().avgPooling2d(name, x, config);
  }
}
