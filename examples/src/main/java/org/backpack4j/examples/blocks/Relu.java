package org.backpack4j.examples.blocks;

import org.nd4j.autodiff.samediff.SDVariable;

/** The positive part. */
public record Relu() implements Block {

  @Override
  public SDVariable build(Network network, String name, SDVariable x) {
    return network.graph().nn().relu(name, x, 0);
  }
}
