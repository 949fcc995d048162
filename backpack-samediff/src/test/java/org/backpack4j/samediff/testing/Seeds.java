package org.backpack4j.samediff.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.stream.LongStream;

/**
 * The seeds of random tests: always the same few, so that a build is red for what was changed and
 * for nothing else, or those of a range, {@code -Drandom.seeds=10000..15000}, of which all that
 * fail are told.
 */
public final class Seeds {
  private static final String RANGE = "random.seeds";

  private Seeds() {}

  /**
   * Tries seeds.
   *
   * @param pinned those that the build tries
   * @param test what is to hold for each
   */
  public static void check(LongStream pinned, LongConsumer test) {
    List<String> failures = new ArrayList<>();
    AssertionError all = new AssertionError("");
    seeds(pinned)
        .forEach(
            seed -> {
              try {
                test.accept(seed);
              } catch (AssertionError | RuntimeException e) {
                failures.add("seed " + seed + ": " + e);
                all.addSuppressed(e);
              }
            });
    if (!failures.isEmpty()) {
      AssertionError told =
          new AssertionError(failures.size() + " seeds fail:\n" + String.join("\n", failures));
      for (Throwable failure : all.getSuppressed()) {
        told.addSuppressed(failure);
      }
      throw told;
    }
  }

  private static LongStream seeds(LongStream pinned) {
    String range = System.getProperty(RANGE);
    if (range == null) {
      return pinned;
    }
    String[] ends = range.split("\\.\\.", -1);
    if (ends.length != 2) {
      throw new IllegalArgumentException(
          "-D" + RANGE + "=" + range + " is no range: write 10000..15000, the end left out.");
    }
    return LongStream.range(Long.parseLong(ends[0]), Long.parseLong(ends[1]));
  }
}
