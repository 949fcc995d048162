package org.backpack4j.examples.blocks;

import org.nd4j.autodiff.samediff.SDVariable;

/** What it reads. It adds no op. */
public record Identity() implements Block {

  @Override
  public SDVariable build(Network network, String name, SDVariable x) {
    return x;
  }
}
