package org.backpack4j.examples.benchmark;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What is measured of a problem and a quantity.
 *
 * @param median milliseconds of a step
 * @param least milliseconds of the fastest step
 * @param memory the process's peak memory in MiB
 * @param checksum the sum of the quantity's absolute entries; not a number where it is random
 */
record Figures(double median, double least, double memory, double checksum) {
  private static final String MARK = "--cell";

  /** The line that a process prints for them. */
  String line() {
    return String.format(
        Locale.ROOT, "%s %.2f %.2f %.0f %.6g", MARK, median, least, memory, checksum);
  }

  /** Out of what a process printed; null if it has no such line. */
  static @Nullable Figures in(String output) {
    return output
        .lines()
        .filter(line -> line.startsWith(MARK))
        .map(line -> line.split(" "))
        .map(f -> new Figures(number(f[1]), number(f[2]), number(f[3]), number(f[4])))
        .findFirst()
        .orElse(null);
  }

  private static double number(String text) {
    return text.equalsIgnoreCase("nan") ? Double.NaN : Double.parseDouble(text);
  }
}
