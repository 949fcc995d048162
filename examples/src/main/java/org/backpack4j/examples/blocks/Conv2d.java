package org.backpack4j.examples.blocks;

import org.backpack4j.examples.blocks.Initializer.Role;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.ops.SDCNN;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;

/**
 * A convolution over images [N, C, H, W].
 *
 * @param in the channels it reads
 * @param out the channels it answers
 * @param kernel the height and width of its kernel
 * @param stride how far the kernel moves
 * @param padding how many zeros stand around an image
 * @param bias whether it has a bias
 */
public record Conv2d(long in, long out, long kernel, long stride, long padding, boolean bias)
    implements Block {

  /** With a bias and a stride of one. */
  public Conv2d(long in, long out, long kernel, long padding) {
    this(in, out, kernel, 1, padding, true);
  }

  @Override
  public SDVariable build(Network network, String name, SDVariable x) {
    long fanIn = in * kernel * kernel;
    SDVariable stored =
        network.parameter(name + ".weight", Role.WEIGHT, fanIn, out, in, kernel, kernel);
    SDVariable weight = network.layout().kernel(stored);
    SDCNN cnn = network.graph().cnn();
    return bias
        ? cnn.conv2d(
            name, x, weight, network.parameter(name + ".bias", Role.BIAS, fanIn, out), config())
        : cnn.conv2d(name, x, weight, config());
  }

  private Conv2DConfig config() {
    return Conv2DConfig.builder()
        .kH(kernel)
        .kW(kernel)
        .sH(stride)
        .sW(stride)
        .pH(padding)
        .pW(padding)
        .paddingMode(PaddingMode.VALID)
        .dataFormat("NCHW")
        .build();
  }
}
