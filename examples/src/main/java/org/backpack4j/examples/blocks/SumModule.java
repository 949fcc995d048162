package org.backpack4j.examples.blocks;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/** Adds branches up. */
public record SumModule() implements Merge {

  @Override
  public SDVariable merge(String name, List<SDVariable> branches) {
    SDVariable sum = branches.get(0);
    int last = branches.size() - 1;
    for (int i = 1; i < last; i++) {
      sum = sum.add(branches.get(i));
    }
    return sum.add(name, branches.get(last));
  }
}
