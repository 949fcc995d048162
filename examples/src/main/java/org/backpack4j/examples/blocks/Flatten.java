package org.backpack4j.examples.blocks;

import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The features of each sample in a row.
 *
 * @param features how many there are
 */
public record Flatten(long features) implements Block {

  @Override
  public SDVariable build(Network network, String name, SDVariable x) {
    return network.graph().reshape(name, x, -1, features);
  }
}
