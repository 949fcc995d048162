package org.backpack4j.samediff.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backpack4j.samediff.testing.ArrayAssert.assertClose;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.curvature.LinearOperator;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.FisherProduct;
import org.backpack4j.samediff.extension.GGNProduct;
import org.backpack4j.samediff.extension.HessianProduct;
import org.backpack4j.samediff.extension.KFAC;
import org.backpack4j.samediff.extension.PCHProduct;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.TestDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Sgd;

/** Several passes over a data set: products, and whether passes are the same. */
class PassesTest {
  private static final int SAMPLES = 14;

  private static Map<String, INDArray> all() {
    Nd4j.getRandom().setSeed(41);
    return Graphs.feeds(SAMPLES);
  }

  private static List<Map<String, INDArray>> cut(Map<String, INDArray> all, int... sizes) {
    List<Map<String, INDArray>> batches = new ArrayList<>();
    int from = 0;
    for (int size : sizes) {
      Map<String, INDArray> batch = new HashMap<>();
      int start = from;
      all.forEach(
          (name, array) ->
              batch.put(
                  name,
                  array.get(NDArrayIndex.interval(start, start + size), NDArrayIndex.all()).dup()));
      batches.add(batch);
      from += size;
    }
    return batches;
  }

  // ---- products ----

  @Test
  void productsAreThoseOfOneBatch() {
    Map<String, INDArray> all = all();
    for (Extension products :
        List.of(
            new GGNProduct(),
            new GGNProduct(2),
            new HessianProduct(),
            new HessianProduct(3),
            new PCHProduct(),
            new FisherProduct(),
            new FisherProduct(2),
            FisherProduct.sampled(2, 4))) {
      try (ExtendedGraph graph = BackPack.extend(Graphs.perceptron(), products)) {
        Map<String, INDArray> drawn = new HashMap<>(all);
        drawn.putAll(graph.randomNumbers(0, SAMPLES));
        LinearOperator whole = LinearOperator.of(graph, products, drawn);
        int[] passes = {0};
        List<Map<String, INDArray>> batches = cut(all, 5, 8, 1);
        DataSetOperator operator =
            DataSetOperator.of(
                graph,
                products,
                () -> {
                  passes[0]++;
                  return batches.iterator();
                });
        assertThat(operator.layout()).isEqualTo(whole.layout());
        INDArray vectors = Graphs.random(5, whole.size());
        INDArray kept = vectors.dup();
        passes[0] = 0;
        assertClose(operator.times(vectors), whole.times(vectors));
        assertThat(passes[0]).isEqualTo(1);
        assertClose(operator.times(vectors), whole.times(vectors));
        assertThat(vectors).isEqualTo(kept);
        assertThatThrownBy(() -> operator.times(Graphs.random(5, 2)))
            .hasMessageContaining("Vectors are rows [V, 36]");
        kept.putScalar(1, 2, Double.NaN);
        assertThatThrownBy(() -> operator.times(kept)).hasMessageContaining("no finite number");
      }
    }
  }

  @Test
  void productsOfOtherDataAreRefused() {
    Extension products = new GGNProduct();
    Map<String, INDArray> all = all();
    try (ExtendedGraph graph = BackPack.extend(Graphs.perceptron(), products)) {
      List<Map<String, INDArray>> batches = cut(all, 5, 8, 1);
      DataSetOperator operator = DataSetOperator.of(graph, products, batches);
      INDArray vector = Graphs.random(1, operator.size());
      operator.times(vector);
      Collections.reverse(batches);
      assertThatThrownBy(() -> operator.times(vector))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the iterator shuffles or augments");
      assertThatThrownBy(() -> DataSetOperator.of(graph, new KFAC(), batches))
          .hasMessageContaining("gives no products");
      assertThatThrownBy(() -> DataSetOperator.of(graph, new HessianProduct(), batches))
          .hasMessageContaining("extend it by this extension");
      assertThatThrownBy(() -> DataSetOperator.of(graph, products, List.of()))
          .hasMessageContaining("The data set is empty");
    }
  }

  // ---- determinism ----

  /** Another list in each pass. */
  private static Iterable<Map<String, INDArray>> passes(
      List<Map<String, INDArray>> first, List<Map<String, INDArray>> second) {
    Iterator<List<Map<String, INDArray>>> next = List.of(first, second).iterator();
    return () -> next.next().iterator();
  }

  private static List<String> causes(
      List<Map<String, INDArray>> first, List<Map<String, INDArray>> second) {
    try (ExtendedGraph graph = BackPack.extend(Graphs.perceptron())) {
      Determinism found = Determinism.of(graph, passes(first, second));
      assertThat(found.holds()).isEqualTo(found.causes().isEmpty());
      if (!found.holds()) {
        assertThatThrownBy(found::check)
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining(found.causes().get(0));
      }
      return found.causes();
    }
  }

  @Test
  void causesAreNamed() {
    Map<String, INDArray> all = all();
    List<Map<String, INDArray>> batches = cut(all, 5, 8, 1);
    assertThat(causes(batches, batches)).isEmpty();
    assertThat(causes(batches, cut(all, 7, 7)))
        .singleElement()
        .asString()
        .contains("into other batches");
    assertThat(causes(batches, batches.subList(0, 2)))
        .singleElement()
        .asString()
        .contains("other numbers of samples: 14 in the first pass, 13 in the second");

    List<Map<String, INDArray>> shuffled = cut(all, 5, 8, 1);
    INDArray x = shuffled.get(0).get("x");
    INDArray y = shuffled.get(0).get("y");
    for (INDArray array : List.of(x, y)) {
      INDArray row = array.getRow(0).dup();
      array.getRow(0).assign(array.getRow(3));
      array.getRow(3).assign(row);
    }
    assertThat(causes(batches, shuffled)).singleElement().asString().contains("shuffles");

    List<Map<String, INDArray>> augmented = cut(all, 5, 8, 1);
    augmented.get(1).get("x").addi(1e-9);
    assertThat(causes(batches, augmented))
        .singleElement()
        .asString()
        .contains("augments: what [x] is fed differs")
        .contains("[y] has the same");

    List<Map<String, INDArray>> paired = cut(all, 5, 8, 1);
    INDArray swapped = paired.get(0).get("x");
    INDArray row = swapped.getRow(0).dup();
    swapped.getRow(0).assign(swapped.getRow(1));
    swapped.getRow(1).assign(row);
    assertThat(causes(batches, paired))
        .singleElement()
        .asString()
        .contains("pairs its arrays anew");

    List<Map<String, INDArray>> others = cut(all, 5, 8, 1);
    others.get(1).get("x").addi(1);
    others.get(1).put("y", others.get(1).get("y").rsub(1));
    assertThat(causes(batches, others)).singleElement().asString().contains("other samples");
  }

  @Test
  void trainingAndBatchStatisticsAreNamed() {
    List<Map<String, INDArray>> batches = cut(all(), 5, 8, 1);
    SameDiff sd = Graphs.perceptron();
    try (ExtendedGraph graph = BackPack.extend(sd)) {
      INDArray w = sd.getVariable("w").getArr();
      int[] pass = {0};
      Determinism found =
          Determinism.of(
              graph,
              () -> {
                if (pass[0]++ == 0) {
                  return batches.iterator();
                }
                w.muli(1.01);
                return batches.iterator();
              });
      assertThat(found.causes()).singleElement().asString().contains("Parameters have changed");
    }
    SameDiff normalised = SameDiff.create();
    SDVariable x = normalised.placeHolder("x", DataType.DOUBLE, -1, 5);
    SDVariable z = x.mmul(normalised.var("w", Graphs.random(5, 3)));
    normalised.setLossVariables(
        normalised.math().square(z.sub("centred", z.mean(true, 0))).sum("loss"));
    List<Map<String, INDArray>> features = new ArrayList<>();
    batches.forEach(b -> features.add(Map.of("x", b.get("x"))));
    try (ExtendedGraph graph = BackPack.extend(normalised)) {
      assertThat(Determinism.of(graph, features).causes())
          .singleElement()
          .asString()
          .contains("how the data are cut into batches")
          .contains("\"centred\"")
          .contains("samples influence each other");
    }
  }

  @Test
  void iteratorsAreResetForEachPass() {
    SameDiff sd = Graphs.perceptron();
    sd.setTrainingConfig(
        TrainingConfig.builder()
            .updater(new Sgd(0.1))
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("y")
            .build());
    Map<String, INDArray> all = all();
    TestDataSetIterator iterator =
        new TestDataSetIterator(new DataSet(all.get("x"), all.get("y")), 5);
    Extension products = new GGNProduct();
    try (ExtendedGraph graph = BackPack.extend(sd, products)) {
      DataSetOperator operator = DataSetOperator.of(BatchGraphs.same(graph), products, iterator);
      INDArray vectors = Graphs.random(2, operator.size());
      assertClose(operator.times(vectors), LinearOperator.of(graph, products, all).times(vectors));
    }
    try (ExtendedGraph graph = BackPack.extend(sd)) {
      assertThat(Determinism.of(BatchGraphs.same(graph), iterator).holds()).isTrue();
    }
  }

  // ---- estimates ----

  @Test
  void aPlanIsMadeOfTheFirstBatches() {
    try (ExtendedGraph graph =
        BackPack.extend(Graphs.perceptron(), new DiagGGNExact(), new KFAC())) {
      List<Map<String, INDArray>> batches = cut(all(), 4, 5, 3, 2);
      DataSetQuantities quantities = DataSetQuantities.of(graph);
      Iterator<Map<String, INDArray>> feeds = batches.iterator();
      DataSetPlan plan = quantities.plan(feeds, 3, 1_000_000);
      assertThat(feeds.next()).isSameAs(batches.get(3));
      assertThat(plan.passes()).isEqualTo(1);
      assertThat(plan.measured()).isEqualTo(8);
      assertThat(plan.seconds()).isPositive();
      long entries =
          graph.evaluate(batches.get(0)).outputs().values().stream()
              .mapToLong(INDArray::length)
              .sum();
      assertThat(plan.sums()).isEqualTo(8 * entries);
      assertThat(plan.batch().results()).isEqualTo(8 * entries);
      assertThat(plan.fits(plan.bytes())).isTrue();
      assertThat(plan.fits(plan.bytes() - 1)).isFalse();
      assertThat(plan.toString()).contains("1 pass over the data");
      assertThatThrownBy(() -> quantities.plan(Collections.emptyIterator(), 3, 10))
          .hasMessageContaining("no sample to measure");
    }
  }
}
