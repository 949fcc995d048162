package org.backpack4j.examples.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongFunction;

/**
 * How time grows with the batch, with the number of classes and with the layers' width: plots in
 * {@code docs/performance}. {@code examples/benchmark/growth} starts it.
 */
public final class Growth {
  private static final List<String> QUANTITIES =
      List.of("gradient", "batch_grad", "diag_ggn_mc", "diag_ggn_exact");

  private final Path folder;
  private final double seconds;

  private Growth(Path folder, double seconds) {
    this.folder = folder;
    this.seconds = seconds;
  }

  /**
   * Measures and plots.
   *
   * @param args the repository's folder, the seconds for each figure, and which of {@code batch},
   *     {@code classes} and {@code width} to plot; all of them if none is named
   * @throws IOException if a process cannot be started, or a file not written
   * @throws InterruptedException if it is interrupted
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    Locale.setDefault(Locale.ROOT);
    Path folder = Files.createDirectories(Path.of(args[0], "docs", "performance"));
    Growth growth = new Growth(folder, Double.parseDouble(args[1]));
    List<String> plots =
        args.length > 2
            ? Arrays.asList(args).subList(2, args.length)
            : List.of("batch", "classes", "width");
    for (String plot : plots) {
      growth.plot(plot);
    }
  }

  private void plot(String name) throws IOException, InterruptedException {
    switch (name) {
      case "batch" -> plot(name, "batch size, 3c3d", n -> "3c3d:" + n, 1, 4, 16, 64, 256, 512);
      case "classes" ->
          plot(
              name,
              "classes, a perceptron 784-128-64-C, batch 32",
              c -> "classes_" + c + ":32",
              2,
              10,
              100,
              1000);
      case "width" ->
          plot(
              name,
              "width, a perceptron 784-W-W-10, batch 32",
              w -> "width_" + w + ":32",
              16,
              64,
              256,
              1024);
      default -> throw new IllegalArgumentException("No plot " + name);
    }
  }

  private void plot(String name, String what, LongFunction<String> problem, long... sizes)
      throws IOException, InterruptedException {
    Map<String, List<Double>> lines = new LinkedHashMap<>();
    List<Double> x = new ArrayList<>();
    for (long size : sizes) {
      x.add((double) size);
      for (String quantity : QUANTITIES) {
        Figures figures = Cells.ours(problem.apply(size), quantity, seconds);
        double median = figures == null ? Double.NaN : figures.median();
        System.out.printf("%s %d %s %.2f ms%n", name, size, quantity, median);
        lines.computeIfAbsent(quantity, q -> new ArrayList<>()).add(median);
      }
    }
    Charts.lines(
        folder.resolve("growth_" + name + ".svg"),
        "Time over " + what,
        what,
        "milliseconds",
        x,
        lines);
  }
}
