package org.backpack4j.examples.benchmark;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Times the library on the problems that BackPACK is timed on, and prints a line for each problem
 * and quantity: median and least milliseconds, the ratio to the plain gradient, peak memory, and a
 * checksum, by which no skipped work counts as speed. Each figure comes from a process of its own.
 *
 * <p>Arguments: nothing for everything; a problem; or a problem and quantities, such as {@code
 * 3c3d:32 diag_ggn_exact}.
 */
public final class Benchmark {
  private static final String CELL = "--cell";

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
    if (args.length == 3 && args[0].equals(CELL)) {
      System.out.println(CELL + " " + new Cell(args[1], args[2]).run());
      return;
    }
    List<String> problems = args.length > 0 ? List.of(args[0]) : Problems.NAMES;
    List<String> quantities =
        args.length > 1
            ? Arrays.asList(args).subList(1, args.length)
            : Arrays.stream(Quantity.values()).map(Quantity::label).toList();
    for (String problem : problems) {
      double base = Double.NaN;
      for (String quantity : withGradient(quantities)) {
        String[] figures = process(problem, quantity);
        if (figures == null) {
          System.out.printf("%-20s %-18s failed%n", problem, quantity);
          continue;
        }
        double median = Double.parseDouble(figures[1]);
        base = Double.isNaN(base) ? median : base;
        System.out.printf(
            "%-20s %-18s %10.2f ms  (min %9.2f)  %7.2f x gradient  %7.0f MiB  checksum %s%n",
            problem,
            quantity,
            median,
            Double.parseDouble(figures[2]),
            median / base,
            Double.parseDouble(figures[3]),
            figures[4]);
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

  /** Runs one cell in a process of its own: its figures, or null if it failed. */
  private static String @Nullable [] process(String problem, String quantity)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx1g",
                "-XX:+UseSerialGC",
                "-cp",
                classPath(),
                Benchmark.class.getName(),
                CELL,
                problem,
                quantity)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output
        .lines()
        .filter(line -> line.startsWith(CELL))
        .map(line -> line.split(" "))
        .findFirst()
        .orElse(null);
  }

  /** The class path of this class, also inside Maven. */
  private static String classPath() {
    if (Benchmark.class.getClassLoader() instanceof URLClassLoader loader) {
      List<String> paths = new ArrayList<>();
      for (URL url : loader.getURLs()) {
        try {
          paths.add(Path.of(url.toURI()).toString());
        } catch (URISyntaxException e) {
          throw new IllegalStateException("not a file: " + url, e);
        }
      }
      return String.join(File.pathSeparator, paths);
    }
    return System.getProperty("java.class.path");
  }
}
