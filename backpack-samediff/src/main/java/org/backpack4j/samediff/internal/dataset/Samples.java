package org.backpack4j.samediff.internal.dataset;

import java.util.Map;
import java.util.TreeMap;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a pass over a data set has read, sample by sample, in a few numbers: in order, and whatever
 * the order, all of a sample together, and each placeholder by itself.
 */
final class Samples {
  private long count;
  private long batches;
  private long inOrder;
  private long anyOrder;
  private long cuts;
  private final Contents contents = new Contents();
  private final Map<String, Long> each = new TreeMap<>();

  /** Adds a batch. */
  void add(Map<String, INDArray> feeds, Map<String, Integer> axes) {
    Map<String, INDArray> rows = new TreeMap<>();
    long size = 0;
    for (Map.Entry<String, INDArray> feed : feeds.entrySet()) {
      Integer axis = axes.get(feed.getKey());
      if (axis != null) {
        rows.put(feed.getKey(), feed.getValue());
        size = feed.getValue().size(axis);
      }
    }
    for (long n = 0; n < size; n++) {
      long whole = 0;
      for (Map.Entry<String, INDArray> row : rows.entrySet()) {
        INDArray part = row.getValue().slice(n, axes.getOrDefault(row.getKey(), 0));
        long hash = mix(contents.reset().add(part).value());
        each.merge(row.getKey(), hash, Long::sum);
        whole = mix(31 * whole + hash);
      }
      inOrder = mix(31 * inOrder + whole);
      anyOrder += whole;
    }
    cuts = mix(31 * cuts + size);
    count += size;
    batches++;
  }

  /**
   * Spreads a checksum over all bits, so that sums of them are unlike (Steele and others, 2014).
   */
  private static long mix(long number) {
    long z = number + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  long count() {
    return count;
  }

  long batches() {
    return batches;
  }

  boolean sameInOrder(Samples other) {
    return count == other.count && inOrder == other.inOrder;
  }

  boolean sameInAnyOrder(Samples other) {
    return count == other.count && anyOrder == other.anyOrder;
  }

  boolean sameCuts(Samples other) {
    return cuts == other.cuts;
  }

  /** For each placeholder whether it is fed the same parts of samples, in whatever order. */
  Map<String, Boolean> alike(Samples other) {
    Map<String, Boolean> alike = new TreeMap<>();
    each.forEach((name, sum) -> alike.put(name, sum.equals(other.each.get(name))));
    return alike;
  }
}
