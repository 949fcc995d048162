package org.backpack4j.examples.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.backpack4j.examples.OwnClassPath;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.dataset.DataSetQuantities;
import org.backpack4j.samediff.dataset.DataSetResults;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.spark.SparkQuantities;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

/**
 * The exact diagonal and the exact Kronecker factors of a LeNet's generalised Gauss-Newton matrix,
 * of a whole training set: on one machine, by one worker of a cluster, by two, and by two of which
 * one is lost meanwhile. The numbers have to be the same. {@code examples/spark/run-cluster} starts
 * the cluster and this.
 */
public final class ClusterJob {
  /** What is left of an entry in single precision, in other orders of summation. */
  private static final double TOLERANCE = 1e-5;

  private static final int ENDED_BEFORE_THE_LOSS = 2;

  private final String master;
  private final ReadBatch reading;
  private final int partitions;
  private final Path halfway;

  private ClusterJob(String master, ReadBatch reading, int partitions, Path halfway) {
    this.master = master;
    this.reading = reading;
    this.partitions = partitions;
    this.halfway = halfway;
  }

  /**
   * Runs the job.
   *
   * @param args the cluster's master, the images' folder, the number of samples, the samples of a
   *     batch, the number of partitions, and a file to make when a worker may be killed
   */
  public static void main(String[] args) {
    Locale.setDefault(Locale.ROOT);
    ReadBatch reading =
        new ReadBatch(args[1], Integer.parseInt(args[3]), Integer.parseInt(args[2]));
    ClusterJob job = new ClusterJob(args[0], reading, Integer.parseInt(args[4]), Path.of(args[5]));
    try (ExtendedGraph graph = BackPack.extend(LeNet.graph(), new DiagGGNExact(), new KFLR())) {
      System.exit(job.compare(graph) ? 0 : 1);
    }
  }

  private boolean compare(ExtendedGraph graph) {
    long begun = System.nanoTime();
    DataSetResults alone = DataSetQuantities.of(graph).over(batches());
    System.out.printf(
        "%d samples in %d batches, %d partitions%n", alone.samples(), alone.batches(), partitions);
    print("one machine", begun, "", 0);
    return distributed(graph, alone, "one worker", 1, false)
        && distributed(graph, alone, "two workers", 2, false)
        && distributed(graph, alone, "two workers, one killed", 2, true);
  }

  private static void print(String what, long begun, String lost, double difference) {
    System.out.printf(
        "%-26s %8.1f s   largest difference %.1e%s%n",
        what, (System.nanoTime() - begun) / 1e9, difference, lost);
  }

  /** The batches on this machine, as feeds. */
  private Iterator<Map<String, INDArray>> batches() {
    return IntStream.range(0, reading.count())
        .mapToObj(reading::call)
        .map(batch -> Map.of("x", batch.getFeatures(), "y", batch.getLabels()))
        .iterator();
  }

  private boolean distributed(
      ExtendedGraph graph, DataSetResults alone, String what, int workers, boolean loses) {
    try (JavaSparkContext spark = new JavaSparkContext(settings(workers))) {
      JavaRDD<DataSet> batches =
          spark
              .parallelize(IntStream.range(0, reading.count()).boxed().toList(), partitions)
              .map(reading);
      JavaRDD<DataSet> some = spark.parallelize(List.of(0, 0, 0, 0), 2 * workers).map(reading);
      SparkQuantities.of(graph).over(some); // executors start, and compile what is used
      Watch watch = new Watch(loses);
      spark.sc().addSparkListener(watch);
      long begun = System.nanoTime();
      DataSetResults results = SparkQuantities.of(graph).samples(alone.samples()).over(batches);
      double difference = difference(results, alone);
      print(what, begun, loses ? watch.told() : "", difference);
      return difference <= TOLERANCE && (!loses || watch.removed.get() > 0);
    }
  }

  private SparkConf settings(int workers) {
    return new SparkConf()
        .setAppName("curvature of a LeNet")
        .setMaster(master)
        .set("spark.cores.max", String.valueOf(workers))
        .set("spark.executor.cores", "1")
        .set("spark.executor.memory", "1g")
        .set("spark.executor.extraClassPath", OwnClassPath.argument())
        .set("spark.executorEnv.OMP_NUM_THREADS", "1")
        .set("spark.driver.host", "127.0.0.1")
        .set("spark.driver.bindAddress", "127.0.0.1")
        .set("spark.scheduler.minRegisteredResourcesRatio", "1.0")
        .set("spark.scheduler.maxRegisteredResourcesWaitingTime", "120s")
        .set("spark.ui.enabled", "false");
  }

  /** Of each quantity the largest difference of an entry, over its largest entry. */
  private static double difference(DataSetResults results, DataSetResults alone) {
    Map<String, INDArray> expected = alone.quantities().outputs();
    if (!results.quantities().outputs().keySet().equals(expected.keySet())) {
      throw new IllegalStateException("other quantities: " + results.quantities().outputs());
    }
    double largest = 0;
    for (Map.Entry<String, INDArray> entry : results.quantities().outputs().entrySet()) {
      INDArray wanted = expected.get(entry.getKey());
      if (wanted == null) {
        throw new IllegalStateException("no " + entry.getKey());
      }
      INDArray exact = wanted.castTo(DataType.DOUBLE);
      double apart = entry.getValue().castTo(DataType.DOUBLE).sub(exact).amaxNumber().doubleValue();
      largest = Math.max(largest, apart / exact.amaxNumber().doubleValue());
    }
    return largest;
  }

  /** Counts tasks, says when a worker may be killed, and sees an executor go. */
  private final class Watch extends SparkListener {
    private final boolean loses;
    private final AtomicInteger ended = new AtomicInteger();
    private final AtomicInteger removed = new AtomicInteger();
    private volatile int before;

    Watch(boolean loses) {
      this.loses = loses;
    }

    @Override
    public void onTaskEnd(SparkListenerTaskEnd task) {
      if (loses && ended.incrementAndGet() == ENDED_BEFORE_THE_LOSS) {
        try {
          Files.createFile(halfway);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }

    @Override
    public void onExecutorRemoved(SparkListenerExecutorRemoved executor) {
      before = ended.get();
      removed.incrementAndGet();
    }

    String told() {
      return removed.get() == 0
          ? ", NO EXECUTOR WAS LOST"
          : ", an executor was lost after %d tasks had ended, of %d".formatted(before, ended.get());
    }
  }
}
