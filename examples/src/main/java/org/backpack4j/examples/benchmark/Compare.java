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
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Times this library and BackPACK for PyTorch in turn, and writes the table of ratios and the plots
 * of {@code docs/performance.md}. Nothing else should run meanwhile. {@code
 * examples/benchmark/compare} starts it.
 */
public final class Compare {
  private static final String BEGIN = "<!-- measured: begin -->";
  private static final String END = "<!-- measured: end -->";

  /** Other ways in PyTorch to what {@code batch_grad} gives. */
  private static final List<String> OTHER_WAYS = List.of("vmap", "for_loop");

  private final String python;
  private final Path repository;
  private final double seconds;

  /** Both figures of a problem and a quantity. */
  private record Row(
      String problem, String quantity, @Nullable Figures backpack, @Nullable Figures ours) {
    double ratio() {
      return backpack == null || ours == null ? Double.NaN : ours.median() / backpack.median();
    }

    /** Whether both did the same work. */
    boolean agrees() {
      return backpack == null
          || ours == null
          || Double.isNaN(backpack.checksum())
          || Double.isNaN(ours.checksum())
          || Math.abs(ours.checksum() - backpack.checksum()) <= 1e-4 * backpack.checksum();
    }
  }

  private Compare(String python, Path repository, double seconds) {
    this.python = python;
    this.repository = repository;
    this.seconds = seconds;
  }

  /**
   * Compares.
   *
   * @param args the repository's folder, a Python with {@code backpack-for-pytorch}, the seconds
   *     for each figure, and problems; all of them if none is named
   * @throws IOException if a process cannot be started, or a file not written
   * @throws InterruptedException if it is interrupted
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    Locale.setDefault(Locale.ROOT);
    Compare compare = new Compare(args[1], Path.of(args[0]), Double.parseDouble(args[2]));
    List<String> problems =
        args.length > 3 ? Arrays.asList(args).subList(3, args.length) : Problems.NAMES;
    compare.run(problems);
  }

  private void run(List<String> problems) throws IOException, InterruptedException {
    List<Row> rows = new ArrayList<>();
    for (String problem : problems) {
      for (String quantity : Quantity.labels()) {
        rows.add(print(row(problem, quantity, Cells.ours(problem, quantity, seconds))));
        if (quantity.equals(Quantity.BATCH_GRAD.label())) {
          Figures ours = rows.get(rows.size() - 1).ours();
          for (String other : OTHER_WAYS) {
            rows.add(print(row(problem, other, ours)));
          }
        }
      }
    }
    write(rows, problems);
    rows.stream()
        .filter(row -> !row.agrees())
        .forEach(row -> System.out.println("NOT THE SAME NUMBERS: " + row));
  }

  private Row row(String problem, String quantity, @Nullable Figures ours)
      throws IOException, InterruptedException {
    Path script = repository.resolve("examples/benchmark/backpack_cell.py");
    return new Row(
        problem, quantity, Cells.backpack(python, script, problem, quantity, seconds), ours);
  }

  private static Row print(Row row) {
    System.out.println(line(row));
    return row;
  }

  // ---- what is written ----

  private void write(List<Row> rows, List<String> problems) throws IOException {
    Path docs = repository.resolve("docs");
    Path folder = Files.createDirectories(docs.resolve("performance"));
    Path page = docs.resolve("performance.md");
    String text = Files.readString(page);
    int begin = text.indexOf(BEGIN);
    int end = text.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new IOException(page + " has no place for the table: " + BEGIN + " … " + END);
    }
    List<Row> all = new ArrayList<>();
    for (String problem : Problems.NAMES) {
      Stream<Row> before = text.substring(begin, end).lines().flatMap(l -> parse(l).stream());
      (problems.contains(problem) ? rows.stream() : before)
          .filter(row -> row.problem().equals(problem))
          .forEach(all::add);
    }
    String table =
        "| problem:batch | quantity | BackPACK, ms | ours, ms | ratio | MiB: BackPACK / ours |\n"
            + "| --- | --- | --- | --- | --- | --- |\n"
            + String.join("\n", all.stream().map(Compare::line).toList());
    Files.writeString(
        page, text.substring(0, begin) + BEGIN + "\n\n" + table + "\n\n" + text.substring(end));
    overhead(rows, problems, folder);
    memory(all, folder);
  }

  /** A row that an earlier run wrote. */
  private static Optional<Row> parse(String line) {
    String[] cells = line.split("\\s*[|/]\\s*", -1);
    if (cells.length != 9 || !Problems.NAMES.contains(cells[1])) {
      return Optional.empty();
    }
    return Optional.of(
        new Row(cells[1], cells[2], figures(cells[3], cells[6]), figures(cells[4], cells[7])));
  }

  private static @Nullable Figures figures(String median, String memory) {
    return median.equals("–")
        ? null
        : new Figures(
            Double.parseDouble(median), Double.NaN, Double.parseDouble(memory), Double.NaN);
  }

  private static String line(Row row) {
    return String.format(
        "| %s | %s | %s | %s | %s | %s / %s |",
        row.problem(),
        row.quantity(),
        row.backpack() == null ? "–" : String.format("%.2f", row.backpack().median()),
        row.ours() == null ? "–" : String.format("%.2f", row.ours().median()),
        Double.isNaN(row.ratio()) ? "–" : String.format("%.2f", row.ratio()),
        row.backpack() == null ? "–" : String.format("%.0f", row.backpack().memory()),
        row.ours() == null ? "–" : String.format("%.0f", row.ours().memory()));
  }

  /** How many times the gradient each quantity takes, ours and BackPACK's. */
  private static void overhead(List<Row> rows, List<String> problems, Path folder)
      throws IOException {
    List<String> quantities =
        Quantity.labels().stream().filter(q -> !q.equals(Quantity.GRADIENT.label())).toList();
    for (String problem : problems) {
      Row gradient = find(rows, problem, Quantity.GRADIENT.label());
      Map<String, List<Double>> bars = new LinkedHashMap<>();
      bars.put("BackPACK", new ArrayList<>());
      bars.put("this library", new ArrayList<>());
      for (String quantity : quantities) {
        Row row = find(rows, problem, quantity);
        bars.get("BackPACK").add(over(row.backpack(), gradient.backpack()));
        bars.get("this library").add(over(row.ours(), gradient.ours()));
      }
      Charts.bars(
          folder.resolve("overhead_" + problem.replace(':', '_') + ".svg"),
          problem + ": time over that of the gradient alone",
          "times the gradient",
          quantities,
          bars);
    }
  }

  private static double over(@Nullable Figures figures, @Nullable Figures base) {
    return figures == null || base == null ? Double.NaN : figures.median() / base.median();
  }

  private static void memory(List<Row> rows, Path folder) throws IOException {
    List<Row> exact =
        rows.stream()
            .filter(row -> row.quantity().equals(Quantity.DIAG_GGN_EXACT.label()))
            .filter(row -> row.backpack() != null && row.ours() != null)
            .toList();
    Map<String, List<Double>> bars = new LinkedHashMap<>();
    bars.put("BackPACK", exact.stream().map(r -> memoryOf(r.backpack())).toList());
    bars.put("this library", exact.stream().map(r -> memoryOf(r.ours())).toList());
    Charts.bars(
        folder.resolve("memory.svg"),
        "Peak memory of the process, diag_ggn_exact",
        "MiB",
        exact.stream().map(Row::problem).toList(),
        bars);
  }

  private static double memoryOf(@Nullable Figures figures) {
    return figures == null ? Double.NaN : figures.memory();
  }

  private static Row find(List<Row> rows, String problem, String quantity) {
    return rows.stream()
        .filter(r -> r.problem().equals(problem) && r.quantity().equals(quantity))
        .findFirst()
        .orElseThrow();
  }
}
