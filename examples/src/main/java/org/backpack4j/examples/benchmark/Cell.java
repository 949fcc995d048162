package org.backpack4j.examples.benchmark;

import java.io.IOException;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.Extension;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * One figure: a problem and a quantity, timed as BackPACK's are. One step is a forward and a
 * backward pass that also computes the quantity of every parameter; steps warm up until the
 * compiler has done its work, then they are timed until there are thirty or some seconds have
 * passed, five at least. A program of its own: {@code PROBLEM QUANTITY SECONDS}.
 */
final class Cell {
  private static final int WARM_UP = 2;
  private static final double SECONDS_OF_WARM_UP = 3;
  private static final double MOST_SECONDS_OF_WARM_UP = 15;
  private static final int MOST = 30;
  private static final int LEAST = 5;
  private static final long LARGE = 1L << 22;

  private final Problem problem;
  private final Quantity quantity;
  private final double seconds;

  /** Prints one figure. */
  public static void main(String[] args) {
    Figures figures = new Cell(args[0], args[1], Double.parseDouble(args[2])).run();
    System.out.println(figures.line());
  }

  Cell(String problem, String quantity, double seconds) {
    this.problem = Problems.of(problem);
    this.quantity = Quantity.of(quantity);
    this.seconds = seconds;
  }

  Figures run() {
    Extension[] extensions = quantity.extensions().toArray(new Extension[0]);
    try (ExtendedGraph graph = BackPack.extend(problem.graph(), extensions)) {
      List<String> names = new ArrayList<>(graph.outputNames());
      names.add(Problem.LOSS);
      Map<String, INDArray> results = new LinkedHashMap<>();
      long start = System.nanoTime();
      Compiler compiler = new Compiler();
      for (int k = 0;
          k < WARM_UP
              || seconds(start) < SECONDS_OF_WARM_UP
              || (seconds(start) < MOST_SECONDS_OF_WARM_UP && compiler.works());
          k++) {
        results =
            k == 0 ? graph.output(problem.feeds(), names) : graph.output(problem.feeds(), results);
      }
      double[] times = times(graph, results);
      return new Figures(times[times.length / 2], times[0], peakMemory(), checksum(graph, results));
    }
  }

  private double[] times(ExtendedGraph graph, Map<String, INDArray> results) {
    List<Double> times = new ArrayList<>();
    long start = System.nanoTime();
    while (times.size() < LEAST || (times.size() < MOST && seconds(start) < seconds)) {
      long before = System.nanoTime();
      graph.output(problem.feeds(), results);
      times.add(seconds(before) * 1e3);
      if (seconds(start) > 5 * seconds) {
        break;
      }
    }
    double[] sorted = times.stream().mapToDouble(t -> t).toArray();
    Arrays.sort(sorted);
    return sorted;
  }

  /** Tells whether Java's compiler is still at work: on two cores it takes one from the steps. */
  private static final class Compiler {
    private static final CompilationMXBean BEAN = ManagementFactory.getCompilationMXBean();

    /** Milliseconds of compiling in a second that count as none. */
    private static final long IDLE = 20;

    private long since = System.nanoTime();
    private long before = BEAN.getTotalCompilationTime();
    private boolean works = true;

    /** Whether it compiled in the last whole second. */
    boolean works() {
      if (seconds(since) >= 1) {
        long now = BEAN.getTotalCompilationTime();
        works = now - before > IDLE;
        before = now;
        since = System.nanoTime();
      }
      return works;
    }
  }

  private static double seconds(long since) {
    return (System.nanoTime() - since) / 1e9;
  }

  /** The sum of the absolute entries over all parameters, added up in double precision. */
  private double checksum(ExtendedGraph graph, Map<String, INDArray> results) {
    if (!quantity.reproducible()) {
      return Double.NaN;
    }
    double sum = 0;
    for (String parameter : problem.parameters()) {
      String name = graph.outputsOf(parameter).get(quantity.field());
      INDArray array = Objects.requireNonNull(results.get(name), parameter);
      sum += absolute(array);
    }
    return sum;
  }

  /** A large array by parts, for which the Java heap has room. */
  private static double absolute(INDArray array) {
    double sum = 0;
    if (array.length() > LARGE && array.rank() > 1) {
      for (long k = 0; k < array.size(0); k++) {
        sum += absolute(array.slice(k));
      }
      return sum;
    }
    for (float entry : array.dup('c').data().asFloat()) {
      sum += Math.abs((double) entry);
    }
    return sum;
  }

  /** The most memory that the process ever had, where the system tells. */
  private static double peakMemory() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("VmHWM")) {
          return Double.parseDouble(line.replaceAll("\\D", "")) / 1024;
        }
      }
    } catch (IOException e) {
      return Double.NaN;
    }
    return Double.NaN;
  }
}
