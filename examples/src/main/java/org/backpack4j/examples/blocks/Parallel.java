package org.backpack4j.examples.blocks;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Branches that read the same, and what makes one of their results.
 *
 * @param merge what makes one of their results
 * @param branches the branches, named {@code branch.0}, {@code branch.1} and so on
 */
public record Parallel(Merge merge, List<Block> branches) implements Block {

  /** These branches. */
  public Parallel(Merge merge, Block... branches) {
    this(merge, List.of(branches));
  }

  @Override
  public SDVariable build(Network network, String name, SDVariable x) {
    List<SDVariable> results = new ArrayList<>();
    for (int i = 0; i < branches.size(); i++) {
      results.add(branches.get(i).build(network, name + ".branch." + i, x));
    }
    return merge.merge(name, results);
  }
}
