package org.backpack4j.examples.blocks;

import org.nd4j.autodiff.samediff.SDVariable;

/** A part of a network. */
@FunctionalInterface
public interface Block {

  /**
   * Adds the block to a network.
   *
   * @param network the network
   * @param name the block's name: its result's name, and the first part of its parameters' names
   * @param x what it reads
   * @return its result
   */
  SDVariable build(Network network, String name, SDVariable x);
}
