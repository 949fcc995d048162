package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.internal.autodiff.ColumnSigns;
import org.backpack4j.samediff.internal.autodiff.ColumnSource;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Divides columns into groups that travel backwards one after the other, so that the columns of a
 * thousand classes are never in memory together, not even one sample's.
 */
final class ColumnChunks {
  /** Each group is a way back through the whole graph: there must not be too many. */
  private static final long MOST_GROUPS = 32;

  private ColumnChunks() {}

  /**
   * Where columns start. They are not there yet.
   *
   * @param scope the node that they belong to
   * @param variable the variable
   * @param source the columns' source
   * @param columns the columns
   * @param signs their signs
   */
  record Seed(
      String scope, String variable, String source, ColumnSource columns, ColumnSigns signs) {
    private long count() {
      return signs.count();
    }

    /** Some of the columns. */
    Start range(Emitter emit, long from, long to) {
      return emit.in(
          scope,
          () -> {
            Tensor value = columns.range(from, to);
            return new Start(
                variable, new Cotangent(source, value, signs.range(emit, value.type(), from, to)));
          });
    }
  }

  /**
   * Columns that are there.
   *
   * @param variable where they start
   * @param cotangent the columns
   */
  record Start(String variable, Cotangent cotangent) {}

  /**
   * Columns that travel together, made when it is their turn.
   *
   * @param seeds where they start
   * @param from the first column of each source
   * @param to the column behind the last
   */
  record Group(List<Seed> seeds, long from, long to) {
    /** Makes the columns. */
    List<Start> starts(Emitter emit) {
      List<Start> starts = new ArrayList<>();
      for (Seed seed : seeds) {
        if (from < seed.count()) {
          starts.add(seed.range(emit, from, Math.min(seed.count(), to)));
        }
      }
      return starts;
    }

    /** The largest number of columns of one source. */
    long columns() {
      return Math.min(to, ColumnChunks.columns(seeds)) - from;
    }
  }

  /**
   * Divides the columns of every source.
   *
   * @param seeds where the columns start
   * @param most how many columns of a source may be in a group, unless there were too many groups
   * @return the groups, one of them if all columns may be together
   */
  static List<Group> of(List<Seed> seeds, long most) {
    long columns = columns(seeds);
    long times = Math.max(1, Math.min(MOST_GROUPS, columns / most + (columns % most == 0 ? 0 : 1)));
    long each = (columns + times - 1) / times;
    List<Group> groups = new ArrayList<>();
    for (long from = 0; from < columns; from += each) {
      groups.add(new Group(seeds, from, Math.min(columns, from + each)));
    }
    return groups;
  }

  private static long columns(List<Seed> seeds) {
    return seeds.stream().mapToLong(Seed::count).max().orElse(0);
  }
}
