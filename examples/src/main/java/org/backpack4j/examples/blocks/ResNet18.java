package org.backpack4j.examples.blocks;

import org.nd4j.autodiff.samediff.SDVariable;

/**
 * ResNet-18 (He et al., 2015) for images of any size, with fixed batch-norm statistics. Its names
 * are torchvision's.
 *
 * @param stem how it begins
 * @param channels the channels of its images
 * @param classes how many outputs it has
 */
public record ResNet18(Stem stem, long channels, long classes) implements Block {

  private static final long[] WIDTHS = {64, 64, 128, 256, 512};

  /** The layers before the first block. */
  public enum Stem {
    /** A 7×7 convolution and a pooling, of stride two each, for large images. */
    IMAGENET,
    /** A 3×3 convolution of stride one, for small images. */
    CIFAR
  }

  @Override
  public SDVariable build(Network network, String name, SDVariable x) {
    String prefix = name.isEmpty() ? "" : name + ".";
    SDVariable result = stem(network, prefix, x);
    int sums = 0;
    for (int layer = 1; layer < WIDTHS.length; layer++) {
      long in = WIDTHS[layer - 1];
      long out = WIDTHS[layer];
      for (int block = 0; block < 2; block++) {
        String sum = prefix + "sum_module" + sums++;
        BasicBlock basic =
            block == 0
                ? new BasicBlock(in, out, layer == 1 ? 1 : 2, sum)
                : new BasicBlock(out, out, 1, sum);
        result = basic.build(network, prefix + "layer" + layer + "." + block, result);
      }
    }
    result = new GlobalAvgPool2d().build(network, prefix + "avgpool", result);
    long features = WIDTHS[WIDTHS.length - 1];
    result = new Flatten(features).build(network, prefix + "flatten0", result);
    return new Linear(features, classes).build(network, prefix + "fc", result);
  }

  private SDVariable stem(Network network, String prefix, SDVariable x) {
    boolean large = stem == Stem.IMAGENET;
    long width = WIDTHS[0];
    Conv2d convolution =
        large
            ? new Conv2d(channels, width, 7, 2, 3, false)
            : new Conv2d(channels, width, 3, 1, 1, false);
    SDVariable result = convolution.build(network, prefix + "conv1", x);
    result = new BatchNorm2d(width).build(network, prefix + "bn1", result);
    result = new Relu().build(network, prefix + "relu", result);
    return large ? new MaxPool2d(3, 2, 1).build(network, prefix + "maxpool", result) : result;
  }
}
