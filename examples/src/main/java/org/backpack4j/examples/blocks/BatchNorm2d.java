package org.backpack4j.examples.blocks;

import org.backpack4j.examples.blocks.Initializer.Role;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Batch normalisation with fixed statistics, as in evaluation mode.
 *
 * @param channels the channels of its images [N, C, H, W]
 */
public record BatchNorm2d(long channels) implements Block {

  private static final double EPSILON = 1e-5;

  @Override
  public SDVariable build(Network network, String name, SDVariable x) {
    SDVariable scale = network.parameter(name + ".weight", Role.SCALE, 0, channels);
    SDVariable shift = network.parameter(name + ".bias", Role.SHIFT, 0, channels);
    SDVariable mean = network.buffer(name + ".running_mean", Role.RUNNING_MEAN, channels);
    SDVariable variance = network.buffer(name + ".running_var", Role.RUNNING_VARIANCE, channels);
    return network.graph().nn().batchNorm(name, x, mean, variance, scale, shift, EPSILON, 1);
  }
}
