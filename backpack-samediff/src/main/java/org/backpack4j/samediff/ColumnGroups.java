package org.backpack4j.samediff;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.backprop.Signal;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;

/**
 * Divides columns into groups that travel backwards one after the other, so that the columns of a
 * thousand classes are never in memory together, not even one sample's.
 */
final class ColumnGroups {
  /** Each group is a way back through the whole graph: there must not be too many. */
  private static final long MOST_GROUPS = 32;

  private ColumnGroups() {}

  /**
   * Where columns start.
   *
   * @param variable the variable
   * @param signal the columns there
   */
  record Seed(String variable, Signal signal) {
    private long columns() {
      return signal.value().dims().get(1).size();
    }

    private Seed slice(Emitter emit, long from, long to) {
      Tensor signs = signal.signs();
      return new Seed(
          variable,
          new Signal(
              signal.source(),
              emit.slice(signal.value(), 1, from, to),
              signs == null ? null : emit.slice(signs, 1, from, to)));
    }
  }

  /**
   * Divides the columns of every source.
   *
   * @param emit where ops are inserted
   * @param seeds where the columns start
   * @param most how many columns of a source may be in a group, unless there were too many groups
   * @return the groups, one of them if all columns may be together
   */
  static List<List<Seed>> of(Emitter emit, List<Seed> seeds, long most) {
    long columns = columns(seeds);
    long times = Math.min(MOST_GROUPS, (columns + most - 1) / most);
    if (times <= 1) {
      return List.of(seeds);
    }
    long each = (columns + times - 1) / times;
    List<List<Seed>> groups = new ArrayList<>();
    for (long from = 0; from < columns; from += each) {
      List<Seed> group = new ArrayList<>();
      for (Seed seed : seeds) {
        if (from < seed.columns()) {
          group.add(seed.slice(emit, from, Math.min(seed.columns(), from + each)));
        }
      }
      groups.add(group);
    }
    return groups;
  }

  /** The largest number of columns of one source. */
  static long columns(List<Seed> seeds) {
    return seeds.stream().mapToLong(Seed::columns).max().orElse(0);
  }
}
