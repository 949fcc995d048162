package org.backpack4j.examples.blocks;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/** Makes one of the results of several branches. */
@FunctionalInterface
public interface Merge {

  /**
   * Adds the op.
   *
   * @param name its name
   * @param branches the branches' results
   * @return its result
   */
  SDVariable merge(String name, List<SDVariable> branches);
}
