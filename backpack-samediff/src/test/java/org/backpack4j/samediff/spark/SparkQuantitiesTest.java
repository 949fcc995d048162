package org.backpack4j.samediff.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;
import static org.backpack4j.samediff.dataset.DataSetCases.SAMPLES;
import static org.backpack4j.samediff.dataset.DataSetCases.batches;
import static org.backpack4j.samediff.dataset.DataSetCases.data;
import static org.backpack4j.samediff.dataset.DataSetCases.graph;
import static org.backpack4j.samediff.dataset.DataSetCases.random;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SparkConf;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.dataset.BatchException;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.dataset.DataSetCases.Loss;
import org.backpack4j.samediff.dataset.DataSetQuantities;
import org.backpack4j.samediff.dataset.DataSetResults;
import org.backpack4j.samediff.dataset.GraphRecipe;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.GGNProduct;
import org.backpack4j.samediff.extension.KFAC;
import org.backpack4j.samediff.extension.KFACExpand;
import org.backpack4j.samediff.extension.KFACReduce;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;

/** Partitions against one machine, in two threads of this process. */
class SparkQuantitiesTest {
  private static final Extension[] EXTENSIONS = {
    new SumGradSquared(),
    new Variance(),
    new DiagGGNExact(),
    new DiagHessian(),
    new KFLR(),
    new KFACExpand(),
    new KFACReduce(Columns.GRADIENT),
    new GGNProduct(),
    new DiagGGNMC(2, 7),
    new KFAC(1, 7)
  };

  private static JavaSparkContext spark;

  @BeforeAll
  static void start(@TempDir Path folder) {
    spark =
        new JavaSparkContext(
            new SparkConf()
                .setAppName("test")
                .setMaster("local[2,2]") // two threads, two attempts of each task
                .set("spark.ui.enabled", "false")
                .set("spark.driver.host", "127.0.0.1")
                .set("spark.driver.bindAddress", "127.0.0.1")
                .set("spark.local.dir", folder.toString()));
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  private static SameDiff mean() {
    return graph(Loss.MEAN, DataType.DOUBLE);
  }

  private static Map<String, INDArray> all(SameDiff sd) {
    Map<String, INDArray> all = data(DataType.DOUBLE);
    all.keySet().removeIf(name -> !sd.hasVariable(name));
    return all;
  }

  private static void assertSame(DataSetResults actual, DataSetResults expected) {
    assertThat(actual.samples()).isEqualTo(expected.samples());
    assertThat(actual.normaliser()).isCloseTo(expected.normaliser(), within(1e-10));
    assertThat(actual.loss().isPresent()).isEqualTo(expected.loss().isPresent());
    expected
        .loss()
        .ifPresent(
            loss ->
                assertThat(actual.loss().getAsDouble())
                    .isCloseTo(loss, within(1e-12 * Math.abs(loss))));
    Map<String, INDArray> wanted = expected.quantities().outputs();
    Map<String, INDArray> outputs = actual.quantities().outputs();
    assertThat(outputs.keySet()).isEqualTo(wanted.keySet());
    outputs.forEach(
        (name, array) ->
            assertThat(array.sub(wanted.get(name)).amaxNumber().doubleValue())
                .as(name)
                .isLessThanOrEqualTo(1e-12 * wanted.get(name).amaxNumber().doubleValue()));
  }

  @ParameterizedTest
  @CsvSource({"MEAN, 1", "MEAN, 3", "MEAN, 20", "BY_WEIGHT, 5", "PENALISED_SUM, 3", "SEVERAL, 2"})
  void partitionsAreAsOneMachine(Loss loss, int partitions) {
    SameDiff sd = graph(loss, DataType.DOUBLE);
    List<Map<String, INDArray>> batches = batches(all(sd), 24);
    Map<String, INDArray> vectors = new LinkedHashMap<>();
    for (String parameter : List.of("w", "b", "v")) {
      vectors.put(
          parameter + ".vector", random(DataType.DOUBLE, sd.getVariable(parameter).getShape()));
    }
    try (ExtendedGraph graph = BackPack.on(sd).predictions("z").lenient().extend(EXTENSIONS)) {
      DataSetQuantities quantities = DataSetQuantities.of(graph);
      SparkQuantities distributed = SparkQuantities.of(graph).samples(SAMPLES);
      vectors.forEach(quantities::feed);
      vectors.forEach(distributed::feed);
      DataSetResults expected = quantities.over(batches.iterator());
      DataSetResults results = distributed.overFeeds(spark.parallelize(batches, partitions));
      assertSame(results, expected);
      assertThat(results.batches()).isEqualTo(24);
      assertThat(results.quantities().get("w", DiagGGNExact.class).shape()).containsExactly(5, 4);
    }
  }

  private static TrainingConfig fedBy() {
    return TrainingConfig.builder()
        .updater(new Sgd())
        .dataSetFeatureMapping("x")
        .dataSetLabelMapping("y")
        .build();
  }

  /** In the model's own precision, with the choices that were made for the graph. */
  @Test
  void dataSetsAreFedAsTheTrainingIs() {
    SameDiff sd = graph(Loss.MEAN, DataType.FLOAT);
    sd.setTrainingConfig(fedBy());
    List<DataSet> batches = new ArrayList<>();
    for (Map<String, INDArray> batch : batches(data(DataType.FLOAT), 7)) {
      batches.add(new DataSet(batch.get("x"), batch.get("y")));
    }
    List<MultiDataSet> several = batches.stream().map(DataSet::toMultiDataSet).toList();
    BackPack.Builder builder = BackPack.on(sd).without("b").memoryBudget(2048);
    try (ExtendedGraph graph = builder.extend(new DiagGGNExact(), new Variance())) {
      DataSetResults results = SparkQuantities.of(graph).over(spark.parallelize(batches, 3));
      assertThat(results.quantities().outputs()).doesNotContainKey("b.grad");
      Map<String, INDArray> same =
          SparkQuantities.of(BatchGraphs.same(graph))
              .overMultiDataSets(spark.parallelize(several, 3))
              .quantities()
              .outputs();
      assertThat(same).isEqualTo(results.quantities().outputs()); // to the bit
      Map<String, INDArray> alone =
          DataSetQuantities.of(graph)
              .over(
                  new org.nd4j.linalg.dataset.api.iterator.TestDataSetIterator(merged(batches), 5))
              .quantities()
              .outputs();
      same.forEach(
          (name, array) -> {
            assertThat(array.dataType()).isEqualTo(DataType.FLOAT);
            assertThat(array.equalsWithEps(alone.get(name), 1e-5)).as(name).isTrue();
          });
    }
  }

  private static DataSet merged(List<DataSet> batches) {
    return DataSet.merge(batches.stream().filter(b -> b.numExamples() > 0).toList());
  }

  // ---- what goes wrong ----

  /** A task that is lost is run again, and counts once. */
  @Test
  void aLostTaskCostsItsTime() {
    SameDiff sd = mean();
    List<Map<String, INDArray>> batches = batches(all(sd), 9);
    try (ExtendedGraph graph = BackPack.extend(sd, EXTENSIONS[1], EXTENSIONS[8])) {
      JavaRDD<Map<String, INDArray>> records = spark.parallelize(batches, 4);
      JavaRDD<Map<String, INDArray>> failing =
          records.mapPartitionsWithIndex(
              (partition, each) -> {
                List<Map<String, INDArray>> list = new ArrayList<>();
                each.forEachRemaining(list::add);
                if (partition == 2 && TaskContext.get().attemptNumber() == 0) {
                  throw new IllegalStateException("the machine is gone");
                }
                return list.iterator();
              },
              true);
      Map<String, INDArray> outputs =
          SparkQuantities.of(graph).overFeeds(failing).quantities().outputs();
      assertThat(outputs)
          .isEqualTo(SparkQuantities.of(graph).overFeeds(records).quantities().outputs());
    }
  }

  @Test
  void badInputNamesPartitionAndRecord() {
    SameDiff sd = mean();
    List<Map<String, INDArray>> batches = new ArrayList<>();
    for (int k = 0; k < 6; k++) {
      batches.add(
          Map.of(
              "x",
              random(DataType.DOUBLE, 4, 5),
              "y",
              Nd4j.eye(4)
                  .castTo(DataType.DOUBLE)
                  .get(
                      org.nd4j.linalg.indexing.NDArrayIndex.all(),
                      org.nd4j.linalg.indexing.NDArrayIndex.interval(0, 3))
                  .dup()));
    }
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNExact())) {
      SparkQuantities quantities = SparkQuantities.of(graph);
      batches.get(5).get("x").putScalar(3, 1, Double.NaN);
      BatchException e =
          catchThrowableOfType(
              BatchException.class, () -> quantities.overFeeds(spark.parallelize(batches, 3)));
      assertThat(e)
          .hasMessageStartingWith(
              "Record 1 of partition 2 (its first sample is 4 of the partition): ")
          .hasMessageContaining("not finite")
          .hasMessageContaining("The first such sample is number 3 of the record.")
          .hasMessageContaining("\"x\" is fed entries that are not.");
      assertThat(e.partition()).isEqualTo(2);
      assertThat(e.batch()).isEqualTo(1);
      assertThat(e.sample()).isEqualTo(7);

      List<Map<String, INDArray>> other = new ArrayList<>(batches.subList(0, 5));
      other.add(Map.of("x", random(DataType.DOUBLE, 4, 6), "y", batches.get(0).get("y")));
      assertThatThrownBy(() -> quantities.overFeeds(spark.parallelize(other, 2)))
          .isInstanceOf(BatchException.class)
          .hasMessageStartingWith("Record 2 of partition 1 (")
          .hasMessageContaining("\"x\"");

      JavaRDD<Map<String, INDArray>> unreadable =
          spark
              .parallelize(List.of(0, 1, 2, 3), 2)
              .map(
                  k -> {
                    if (k == 3) {
                      throw new IllegalStateException("no such file");
                    }
                    return batches.get(0);
                  });
      assertThatThrownBy(() -> quantities.overFeeds(unreadable))
          .isInstanceOf(BatchException.class)
          .hasMessageStartingWith("Record 1 of partition 1 (")
          .hasMessageContaining("cannot be read: java.lang.IllegalStateException: no such file");

      assertThatThrownBy(
              () -> quantities.samples(21).overFeeds(spark.parallelize(batches.subList(0, 5), 2)))
          .hasMessage("The data set has 20 samples, not the 21 that samples(…) has told.");
    }
  }

  /** What has no sample axis is the same in all partitions, or there is not one data set. */
  @Test
  void partitionsThatDoNotBelongTogetherAreRefused() {
    SameDiff sd = mean();
    SDVariable scale = sd.placeHolder("scale", DataType.DOUBLE, 1);
    sd.setLossVariables(sd.getVariable("loss").mul("scaled", scale.sum()));
    List<Map<String, INDArray>> batches = new ArrayList<>();
    Map<String, INDArray> all = all(sd);
    for (int k = 0; k < 4; k++) {
      Map<String, INDArray> batch = new LinkedHashMap<>(all);
      batch.put("scale", Nd4j.createFromArray(k < 2 ? 1.0 : 2.0));
      batches.add(batch);
    }
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNExact())) {
      assertThatThrownBy(() -> SparkQuantities.of(graph).overFeeds(spark.parallelize(batches, 2)))
          .hasMessageContaining(
              "\"scale\" has no sample axis, and is fed something else than in"
                  + " another partition");
    }
  }

  @Test
  void nothingToGather() {
    SameDiff sd = mean();
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNMC())) {
      SparkQuantities quantities = SparkQuantities.of(graph);
      assertThatThrownBy(() -> quantities.overFeeds(spark.emptyRDD()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("The data set is empty");
      assertThatThrownBy(() -> quantities.overFeeds(spark.parallelize(List.of(), 3)))
          .hasMessageContaining("The data set is empty");
    }
  }

  /** An extension that cannot be sent. */
  private static final class Homebound implements Extension {
    @Override
    public String field() {
      return "homebound";
    }

    @Override
    public Columns columns() {
      return Columns.GRADIENT;
    }

    @Override
    public List<Result> results(
        org.backpack4j.samediff.spi.Emitter emit,
        List<org.backpack4j.samediff.spi.ParameterVjp> contributions) {
      return List.of();
    }
  }

  @Test
  void whatCannotBeDistributedIsRefused() {
    SameDiff sd = mean();
    List<Map<String, INDArray>> batches = batches(all(sd), 3);
    try (ExtendedGraph rows = BackPack.extend(sd, new BatchGrad());
        ExtendedGraph homebound = BackPack.extend(sd, new Homebound())) {
      assertThatThrownBy(() -> SparkQuantities.of(rows).overFeeds(spark.parallelize(batches, 2)))
          .isInstanceOf(UnsupportedGraphException.class)
          .hasMessageContaining("grad_batch")
          .hasMessageContaining("DataSetQuantities.rows(…)");
      assertThatThrownBy(
              () -> SparkQuantities.of(homebound).overFeeds(spark.parallelize(batches, 2)))
          .hasMessageContaining("Homebound is not java.io.Serializable");
    }
    SameDiff coupled = mean();
    SDVariable z = coupled.getVariable("z");
    coupled.setLossVariables(coupled.math().square(z.sub("centred", z.mean(0))).sum("sum"));
    try (ExtendedGraph graph = BackPack.extend(coupled)) {
      assertThatThrownBy(
              () ->
                  SparkQuantities.of(graph)
                      .overFeeds(
                          spark.parallelize(batches(Map.of("x", all(coupled).get("x")), 3), 2)))
          .isInstanceOf(UnsupportedGraphException.class)
          .hasMessageContaining("\"centred\" (subtract)");
    }
  }

  // ---- graphs of one's own ----

  /** Counts how often the graphs are made. */
  private record Counted(GraphRecipe recipe, boolean shared) implements GraphRecipe {
    static final AtomicInteger MADE = new AtomicInteger();

    @Override
    public BatchGraphs make() {
      MADE.incrementAndGet();
      return recipe.make();
    }

    @Override
    public List<Extension> extensions() {
      return recipe.extensions();
    }
  }

  @Test
  void anExecutorMakesTheGraphOnce() {
    SameDiff sd = mean();
    List<Map<String, INDArray>> batches = batches(all(sd), 12);
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNMC())) {
      DataSetResults expected = DataSetQuantities.of(graph).over(batches.iterator());
      for (boolean shared : new boolean[] {true, false}) {
        Counted.MADE.set(0);
        assertSame(
            SparkQuantities.of(new Counted(graph.recipe(), shared))
                .overFeeds(spark.parallelize(batches, 6)),
            expected);
        assertThat(Counted.MADE.get()).isBetween(1, shared ? 1 : 2);
      }
    }
  }
}
