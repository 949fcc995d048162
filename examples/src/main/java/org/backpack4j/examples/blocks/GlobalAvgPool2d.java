package org.backpack4j.examples.blocks;

import org.nd4j.autodiff.samediff.SDVariable;

/** The mean of each channel of images [N, C, H, W], as [N, C, 1, 1]. */
public record GlobalAvgPool2d() implements Block {

  @Override
  public SDVariable build(Network network, String name, SDVariable x) {
    return x.mean(name, true, 2, 3);
  }
}
