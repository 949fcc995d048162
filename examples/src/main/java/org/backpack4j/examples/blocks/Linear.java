package org.backpack4j.examples.blocks;

import org.backpack4j.examples.blocks.Initializer.Role;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * A dense layer.
 *
 * @param in the features it reads
 * @param out the features it answers
 */
public record Linear(long in, long out) implements Block {

  @Override
  public SDVariable build(Network network, String name, SDVariable x) {
    SDVariable weight = network.parameter(name + ".weight", Role.WEIGHT, in, out, in);
    SDVariable bias = network.parameter(name + ".bias", Role.BIAS, in, out);
    return network.layout().product(name + ".product", x, weight).add(name, bias);
  }
}
