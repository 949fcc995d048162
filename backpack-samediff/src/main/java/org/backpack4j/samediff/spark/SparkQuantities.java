package org.backpack4j.samediff.spark;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Supplier;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.dataset.BatchException;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.dataset.DataSetResults;
import org.backpack4j.samediff.dataset.GraphRecipe;
import org.backpack4j.samediff.extension.Combination;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.dataset.Batches;
import org.backpack4j.samediff.internal.dataset.Gathering;
import org.backpack4j.samediff.internal.dataset.GatheringForm;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import scala.Tuple2;

/**
 * The quantities of a data set that lies on many machines, as {@link
 * org.backpack4j.samediff.dataset.DataSetQuantities} gathers them on one:
 *
 * <pre>{@code
 * JavaRDD<DataSet> batches = …;
 * INDArray diagonal = SparkQuantities.of(graph).over(batches).quantities().get("w", DiagGGNExact.class);
 * }</pre>
 *
 * <p>The model goes to the executors once for each call, parameters as they are at that time. Each
 * executor extends it once; each task works through its partition, record by record, a record being
 * a batch of any size. Partial sums in double precision are added up in a tree, on the executors.
 * So the results are those of one machine, to rounding, whatever the number of partitions and the
 * sizes of the batches; the same partitions give the same bits, also when tasks are run again since
 * an executor was lost.
 *
 * <p>Random numbers of sampled quantities depend on a sample's place in the data set, for which its
 * records are counted in a pass before: an RDD has to give its records in the same order each time.
 * Quantities with a part for each sample are refused.
 *
 * <p>Not for several threads at once.
 */
public final class SparkQuantities {
  /** As many partial sums, or the root of all, are added up by one task. */
  private static final int NARROW = 16;

  private final Supplier<GraphRecipe> recipe;
  private final TreeMap<String, INDArray> fixed = new TreeMap<>();
  private long samples = -1;

  private SparkQuantities(Supplier<GraphRecipe> recipe) {
    this.recipe = recipe;
  }

  /**
   * Of one graph.
   *
   * @param graph an extended graph; features and labels are fed as its training configuration says
   * @return what gathers its quantities
   */
  public static SparkQuantities of(ExtendedGraph graph) {
    return new SparkQuantities(graph::recipe);
  }

  /**
   * Of graphs that depend on the batch, such as those of a network.
   *
   * @param graphs the graph for each batch, which have a {@link BatchGraphs#recipe}
   * @return what gathers their quantities
   */
  public static SparkQuantities of(BatchGraphs graphs) {
    return new SparkQuantities(graphs::recipe);
  }

  /**
   * Of graphs that are made on the executors in a way of your own.
   *
   * @param recipe makes the graphs; its class has to be known to the executors
   * @return what gathers their quantities
   */
  public static SparkQuantities of(GraphRecipe recipe) {
    return new SparkQuantities(() -> recipe);
  }

  /**
   * Feeds the same array with each batch, such as the vectors of a product.
   *
   * @param placeholder a placeholder without a sample axis
   * @param array what it is fed
   * @return this
   */
  public SparkQuantities feed(String placeholder, INDArray array) {
    fixed.put(placeholder, array);
    return this;
  }

  /**
   * Says how many samples the data set has.
   *
   * @param count the number of samples; another number at the end is an error
   * @return this
   * @throws IllegalArgumentException if it is less than 1
   */
  public SparkQuantities samples(long count) {
    if (count < 1) {
      throw new IllegalArgumentException("A data set of " + count + " samples has no quantities.");
    }
    samples = count;
    return this;
  }

  /**
   * Gathers over data sets.
   *
   * @param batches the data set, each record a batch
   * @return its quantities
   * @throws BatchException if a record cannot be used; it names partition and record
   * @throws IllegalArgumentException if the data set is empty
   * @throws UnsupportedGraphException if the quantities cannot be had from batches
   * @throws IllegalStateException if Spark's job fails for another reason
   */
  public DataSetResults over(JavaRDD<DataSet> batches) {
    return gather(batches, Batches::ofDataSets);
  }

  /**
   * Gathers over data sets of several inputs and outputs.
   *
   * @param batches the data set, each record a batch
   * @return its quantities
   * @throws BatchException if a record cannot be used; it names partition and record
   * @throws IllegalArgumentException if the data set is empty
   * @throws UnsupportedGraphException if the quantities cannot be had from batches
   * @throws IllegalStateException if Spark's job fails for another reason
   */
  public DataSetResults overMultiDataSets(JavaRDD<MultiDataSet> batches) {
    return gather(batches, Batches::ofMultiDataSets);
  }

  /**
   * Gathers over feeds.
   *
   * @param batches the data set, each record an array for each placeholder that is needed
   * @return its quantities
   * @throws BatchException if a record cannot be used; it names partition and record
   * @throws IllegalArgumentException if the data set is empty
   * @throws UnsupportedGraphException if the quantities cannot be had from batches
   * @throws IllegalStateException if Spark's job fails for another reason
   */
  public DataSetResults overFeeds(JavaRDD<Map<String, INDArray>> batches) {
    return gather(batches, Batches::of);
  }

  private <T> DataSetResults gather(JavaRDD<T> batches, Reading<T> reading) {
    GraphRecipe made = recipe.get();
    checkSummed(made.extensions());
    JavaSparkContext spark = JavaSparkContext.fromSparkContext(batches.context());
    Broadcast<byte[]> broadcast = spark.broadcast(new Job(made, fixed).bytes());
    try {
      String id = UUID.randomUUID().toString();
      long[] offsets =
          made.extensions().stream().anyMatch(e -> e.columns().random())
              ? offsets(batches, new CountPartition<>(id, broadcast, reading))
              : new long[batches.getNumPartitions()];
      JavaPairRDD<Integer, byte[]> partial =
          JavaPairRDD.fromJavaRDD(
              batches.mapPartitionsWithIndex(
                  new GatherPartition<>(id, broadcast, reading, offsets), true));
      return finish(added(partial), made.extensions());
    } catch (Exception e) { // Spark's are checked ones that it does not declare
      throw known(e);
    } finally {
      broadcast.destroy();
    }
  }

  private static void checkSummed(List<Extension> extensions) {
    List<Refusal> refusals =
        extensions.stream()
            .filter(e -> e.combination("").kind() == Combination.Kind.ROWS)
            .map(
                e ->
                    new Refusal(
                        e.field(),
                        "the distributed data set",
                        "it has a part for each sample, which would lie on the executors",
                        "gather it on one machine (DataSetQuantities.rows(…)), or extend the graph"
                            + " without it"))
            .toList();
    if (!refusals.isEmpty()) {
      throw new UnsupportedGraphException(refusals);
    }
  }

  /** The place of each partition's first sample in the data set. */
  private static <T> long[] offsets(JavaRDD<T> batches, CountPartition<T> count) {
    long[] offsets = new long[batches.getNumPartitions()];
    List<Long> counts = batches.mapPartitionsWithIndex(count, true).collect();
    for (int k = 1; k < offsets.length; k++) {
      offsets[k] = offsets[k - 1] + counts.get(k - 1);
    }
    return offsets;
  }

  /** The partial sums of all partitions, added up on the executors, in the partitions' order. */
  private static Gathering added(JavaPairRDD<Integer, byte[]> partial) {
    int count = partial.getNumPartitions();
    int narrow = Math.max(NARROW, (int) Math.ceil(Math.sqrt(count)));
    JavaPairRDD<Integer, byte[]> left = partial;
    while (count > 1) {
      count = (count + narrow - 1) / narrow;
      left =
          left.repartitionAndSortWithinPartitions(new Neighbours(count, narrow))
              .mapPartitionsToPair(new AddPartials(narrow));
    }
    Gathering all = new Gathering(null, -1);
    for (Tuple2<Integer, byte[]> last : left.collect()) {
      all.merge(GatheringForm.read(last._2()));
    }
    return all;
  }

  private DataSetResults finish(Gathering all, List<Extension> extensions) {
    try {
      if (samples >= 0 && all.samples() != samples) {
        throw new IllegalArgumentException(
            "The data set has "
                + all.samples()
                + " samples, not the "
                + samples
                + " that samples(…) has told.");
      }
      return all.results(extensions);
    } finally {
      all.close();
    }
  }

  /** What a job's failure comes of, if this library has thrown it. */
  private static RuntimeException known(Exception e) {
    List<Throwable> chain = new ArrayList<>();
    for (Throwable t = e; t != null && !chain.contains(t); t = t.getCause()) {
      chain.add(t);
      if (t instanceof BatchException batch) {
        return batch == e
            ? batch
            : new BatchException(
                String.valueOf(batch.getMessage()),
                batch.partition(),
                batch.batch(),
                batch.sample(),
                e);
      }
      if (t instanceof UnsupportedGraphException || t instanceof IllegalArgumentException) {
        return (IllegalArgumentException) t;
      }
    }
    return e instanceof RuntimeException runtime
        ? runtime
        : new IllegalStateException("Spark's job has failed: " + e.getMessage(), e);
  }
}
