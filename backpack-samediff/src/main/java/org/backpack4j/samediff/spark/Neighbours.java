package org.backpack4j.samediff.spark;

import org.apache.spark.Partitioner;
import org.jspecify.annotations.Nullable;

/** Puts neighbouring partial sums together. */
final class Neighbours extends Partitioner {
  private static final long serialVersionUID = 1L;

  private final int groups;
  private final int size;

  /**
   * Groups of neighbours.
   *
   * @param groups how many
   * @param size of how many each
   */
  Neighbours(int groups, int size) {
    this.groups = groups;
    this.size = size;
  }

  @Override
  public int numPartitions() {
    return groups;
  }

  @Override
  public int getPartition(Object key) {
    return (Integer) key / size;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Neighbours n && n.groups == groups && n.size == size;
  }

  @Override
  public int hashCode() {
    return 31 * groups + size;
  }
}
