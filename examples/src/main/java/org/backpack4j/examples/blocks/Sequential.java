package org.backpack4j.examples.blocks;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Blocks one after the other, named by their numbers.
 *
 * @param blocks the blocks
 */
public record Sequential(List<Block> blocks) implements Block {

  /** These blocks. */
  public Sequential(Block... blocks) {
    this(List.of(blocks));
  }

  @Override
  public SDVariable build(Network network, String name, SDVariable x) {
    SDVariable result = x;
    for (int i = 0; i < blocks.size(); i++) {
      result = blocks.get(i).build(network, name.isEmpty() ? "" + i : name + "." + i, result);
    }
    return result;
  }
}
