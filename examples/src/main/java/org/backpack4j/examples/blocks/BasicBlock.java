package org.backpack4j.examples.blocks;

import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The block that ResNet-18 is made of: two convolutions, and around them a skip connection, which
 * is a convolution of its own where the shape changes.
 *
 * @param in the channels it reads
 * @param out the channels it answers
 * @param stride the stride of its first convolution
 * @param sum the name of the sum at its end
 */
public record BasicBlock(long in, long out, long stride, String sum) implements Block {

  @Override
  public SDVariable build(Network network, String name, SDVariable x) {
    SDVariable first = new Conv2d(in, out, 3, stride, 1, false).build(network, name + ".conv1", x);
    SDVariable normalised = new BatchNorm2d(out).build(network, name + ".bn1", first);
    SDVariable active = new Relu().build(network, name + ".relu0", normalised);
    SDVariable second =
        new Conv2d(out, out, 3, 1, 1, false).build(network, name + ".conv2", active);
    SDVariable deep = new BatchNorm2d(out).build(network, name + ".bn2", second);
    SDVariable skip = skip().build(network, name + ".downsample", x);
    return new Relu().build(network, name + ".relu1", deep.add(sum, skip));
  }

  private Block skip() {
    return stride == 1 && in == out
        ? new Identity()
        : new Sequential(new Conv2d(in, out, 1, stride, 0, false), new BatchNorm2d(out));
  }
}
