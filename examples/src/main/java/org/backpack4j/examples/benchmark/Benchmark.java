package org.backpack4j.examples.benchmark;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.backpack4j.samediff.Progress;

/**
 * Times the library on the problems that BackPACK is timed on, and prints a line for each problem
 * and quantity: median and least milliseconds, the ratio to the plain gradient, peak memory, and a
 * checksum, by which no skipped work counts as speed. Each figure comes from a process of its own.
 *
 * <p>Arguments: nothing for everything; a problem; or a problem and quantities, such as {@code
 * 3c3d:32 diag_ggn_exact}.
 */
public final class Benchmark {
  private static final double SECONDS = 5;

  private Benchmark() {}

  /**
   * Runs the benchmark.
   *
   * @param args a problem and quantities, or nothing for all
   * @throws IOException if a process cannot be started
   * @throws InterruptedException if it is interrupted
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    Locale.setDefault(Locale.ROOT);
    List<String> problems = args.length > 0 ? List.of(args[0]) : Problems.NAMES;
    List<String> quantities =
        args.length > 1 ? Arrays.asList(args).subList(1, args.length) : Quantity.labels();
    List<String> measured = withGradient(quantities);
    Progress progress =
        (work, done, total) -> System.err.printf("%s (%d of %d)%n", work, done + 1, total);
    int done = 0;
    for (String problem : problems) {
      double base = Double.NaN;
      for (String quantity : measured) {
        progress.step(problem + " " + quantity, done++, problems.size() * measured.size());
        Figures figures = Cells.ours(problem, quantity, SECONDS);
        if (figures == null) {
          System.out.printf("%-20s %-18s failed%n", problem, quantity);
          continue;
        }
        base = Double.isNaN(base) ? figures.median() : base;
        System.out.printf(
            "%-20s %-18s %10.2f ms  (min %9.2f)  %7.2f x gradient  %7.0f MiB  checksum %.6g%n",
            problem,
            quantity,
            figures.median(),
            figures.least(),
            figures.median() / base,
            figures.memory(),
            figures.checksum());
      }
    }
  }

  private static List<String> withGradient(List<String> quantities) {
    List<String> all = new ArrayList<>(quantities);
    if (!all.contains("gradient")) {
      all.add(0, "gradient");
    }
    return all;
  }
}
