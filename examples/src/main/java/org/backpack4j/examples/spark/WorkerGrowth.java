package org.backpack4j.examples.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.executor.TaskMetrics;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.backpack4j.examples.benchmark.Charts;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.spark.SparkQuantities;
import org.nd4j.linalg.dataset.DataSet;

/**
 * How time and traffic grow with the number of workers, from 1 to 8: plots in {@code
 * docs/performance}. The workers are simulated. Each has one partition; the tasks run one after the
 * other in one thread, and each one's processor time is measured, so that any machine will do. The
 * time of so many workers is that of the slowest task of each stage, one stage after the other.
 * {@code examples/spark/growth} starts it.
 */
public final class WorkerGrowth {
  private static final int[] WORKERS = {1, 2, 4, 8};

  private final ReadBatch reading;
  private final Map<String, List<Double>> times = new LinkedHashMap<>();
  private final Map<String, List<Double>> bytes = new LinkedHashMap<>();

  private WorkerGrowth(ReadBatch reading) {
    this.reading = reading;
  }

  /**
   * Measures and plots.
   *
   * @param args the repository's folder, and the number of samples, a multiple of 400
   * @throws IOException if a plot cannot be written
   */
  public static void main(String[] args) throws IOException {
    Locale.setDefault(Locale.ROOT);
    WorkerGrowth growth =
        new WorkerGrowth(new ReadBatch(TrainingImages.SYNTHETIC, 50, Integer.parseInt(args[1])));
    growth.measure("diag_ggn_exact", new DiagGGNExact());
    growth.measure("kflr", new KFLR());
    growth.plot(Files.createDirectories(Path.of(args[0], "docs", "performance")));
    System.exit(0);
  }

  private void measure(String name, Extension extension) {
    try (ExtendedGraph graph = BackPack.extend(LeNet.graph(), extension)) {
      run(graph, 1); // compiles what is used
      double one = 0;
      for (int workers : WORKERS) {
        Metrics metrics = run(graph, workers);
        one = workers == 1 ? metrics.seconds() : one;
        times.computeIfAbsent(name, n -> new ArrayList<>()).add(metrics.seconds() / one);
        bytes.computeIfAbsent(name, n -> new ArrayList<>()).add(metrics.moved() / 1e6);
        System.out.printf(
            "%s, %d workers: %.2f s (%.3f of one worker's), %.2f MB moved, %.2f MB to the driver%n",
            name,
            workers,
            metrics.seconds(),
            metrics.seconds() / one,
            metrics.moved() / 1e6,
            metrics.returned() / 1e6);
      }
    }
  }

  private Metrics run(ExtendedGraph graph, int workers) {
    Metrics metrics = new Metrics();
    SparkConf settings =
        new SparkConf()
            .setAppName("growth")
            .setMaster("local[1]")
            .set("spark.ui.enabled", "false")
            .set("spark.driver.host", "127.0.0.1")
            .set("spark.driver.bindAddress", "127.0.0.1");
    try (JavaSparkContext spark = new JavaSparkContext(settings)) {
      spark.sc().addSparkListener(metrics);
      JavaRDD<DataSet> batches =
          spark
              .parallelize(IntStream.range(0, reading.count()).boxed().toList(), workers)
              .map(reading);
      SparkQuantities.of(graph).over(batches);
    } // which hands on what listeners have not heard yet
    return metrics;
  }

  private void plot(Path folder) throws IOException {
    List<Double> x = IntStream.of(WORKERS).asDoubleStream().boxed().toList();
    times.put("as many times faster", x.stream().map(w -> 1 / w).toList());
    Charts.lines(
        folder.resolve("cluster_time.svg"),
        "Time over the number of workers, a LeNet, " + reading.count() * 50 + " samples",
        "workers",
        "times that of one worker",
        x,
        times);
    Charts.lines(
        folder.resolve("cluster_bytes.svg"),
        "What an aggregation moves, a LeNet",
        "workers",
        "MB",
        x,
        bytes);
  }

  /** What the tasks of a job have taken. */
  private static final class Metrics extends SparkListener {
    private final TreeMap<Integer, Double> slowest = new TreeMap<>();
    private long moved;
    private long returned;

    @Override
    public synchronized void onTaskEnd(SparkListenerTaskEnd task) {
      TaskMetrics metrics = task.taskMetrics();
      slowest.merge(task.stageId(), metrics.executorCpuTime() / 1e9, Math::max);
      moved += metrics.shuffleWriteMetrics().bytesWritten() + metrics.resultSize();
      returned += metrics.resultSize();
    }

    synchronized long moved() {
      return moved;
    }

    synchronized long returned() {
      return returned;
    }

    synchronized double seconds() {
      return slowest.values().stream().mapToDouble(s -> s).sum();
    }
  }
}
