package org.backpack4j.samediff.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.backpack4j.samediff.dataset.DataSetCases.SAMPLES;
import static org.backpack4j.samediff.dataset.DataSetCases.batches;
import static org.backpack4j.samediff.dataset.DataSetCases.data;
import static org.backpack4j.samediff.dataset.DataSetCases.graph;
import static org.backpack4j.samediff.dataset.DataSetCases.network;
import static org.backpack4j.samediff.dataset.DataSetCases.penalty;
import static org.backpack4j.samediff.dataset.DataSetCases.random;
import static org.backpack4j.samediff.dataset.DataSetCases.weights;
import static org.backpack4j.samediff.testing.ArrayAssert.assertClose;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.dataset.DataSetCases.Loss;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.GGNProduct;
import org.backpack4j.samediff.extension.HessianProduct;
import org.backpack4j.samediff.extension.KFAC;
import org.backpack4j.samediff.extension.KFACExpand;
import org.backpack4j.samediff.extension.KFACReduce;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.extension.KFRA;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Batches of uneven sizes against one batch of all their samples. */
class DataSetQuantitiesTest {
  private static final Extension[] EXTENSIONS = {
    new SumGradSquared(),
    new Variance(),
    new DiagGGNExact(),
    new DiagHessian(),
    new KFLR(),
    new KFACExpand(),
    new KFACReduce(Columns.GRADIENT),
    new GGNProduct(),
    new HessianProduct()
  };

  @ParameterizedTest
  @CsvSource({
    "MEAN, DOUBLE",
    "SUM, DOUBLE",
    "WEIGHTED_SUM, DOUBLE",
    "BY_WEIGHT, DOUBLE",
    "BY_COUNT, DOUBLE",
    "WRITTEN_OUT, DOUBLE",
    "OVER_SAMPLES, DOUBLE",
    "OVER_WEIGHTS, DOUBLE",
    "UNREDUCED, DOUBLE",
    "PENALISED_MEAN, DOUBLE",
    "PENALISED_SUM, DOUBLE",
    "SHARED_PENALTY, DOUBLE",
    "HALF_SQUARE, DOUBLE",
    "SEVERAL, DOUBLE",
    "MEAN, FLOAT",
    "BY_WEIGHT, FLOAT",
    "PENALISED_MEAN, FLOAT"
  })
  void batchesAreAsOneBatch(String loss, String precision) {
    DataType type = DataType.valueOf(precision);
    SameDiff sd = graph(Loss.valueOf(loss), type);
    Map<String, INDArray> all = data(type);
    all.keySet().removeIf(name -> !sd.hasVariable(name));
    if (loss.equals("OVER_WEIGHTS")) {
      all.get("s").addi(0.1); // of a batch without weight such a loss is 0/0
    }
    Map<String, INDArray> vectors = new LinkedHashMap<>();
    for (String parameter : List.of("w", "b", "v")) {
      vectors.put(parameter + ".vector", random(type, sd.getVariable(parameter).getArr().shape()));
    }
    try (ExtendedGraph graph = BackPack.on(sd).predictions("z").lenient().extend(EXTENSIONS)) {
      Map<String, INDArray> feeds = new LinkedHashMap<>(all);
      feeds.putAll(vectors);
      Map<String, INDArray> expected = graph.evaluate(feeds).outputs();
      double value =
          graph.output(feeds, sd.getLossVariables()).values().stream()
              .mapToDouble(v -> v.sumNumber().doubleValue())
              .sum();
      for (int count : new int[] {1, 7, 64}) {
        DataSetQuantities quantities = DataSetQuantities.of(graph);
        vectors.forEach(quantities::feed);
        DataSetResults results = quantities.over(batches(all, count).iterator());
        assertThat(results.samples()).isEqualTo(SAMPLES);
        assertThat(results.batches()).isEqualTo(count);
        Map<String, INDArray> outputs = results.quantities().outputs();
        assertThat(outputs.keySet())
            .containsExactlyElementsOf(
                expected.keySet().stream().filter(n -> !n.endsWith(".jvp")).toList());
        outputs.forEach(
            (name, array) -> {
              assertThat(array.dataType()).isEqualTo(type);
              double largest = expected.get(name).amaxNumber().doubleValue();
              double tolerance = largest * (type == DataType.DOUBLE ? 1e-12 : 1e-4);
              assertThat(
                      array
                          .castTo(DataType.DOUBLE)
                          .sub(expected.get(name).castTo(DataType.DOUBLE))
                          .amaxNumber()
                          .doubleValue())
                  .as("%s of %s in %s batches", name, loss, count)
                  .isLessThanOrEqualTo(tolerance);
            });
        if (results.loss().isPresent()) {
          double near = Math.abs(value) * (type == DataType.DOUBLE ? 1e-12 : 1e-5);
          assertThat(results.loss().getAsDouble()).isCloseTo(value, within(near));
        } else {
          assertThat(loss).isIn("PENALISED_SUM", "SHARED_PENALTY");
        }
      }
    }
  }

  @Test
  void sampledQuantitiesDependOnTheDataAlone() {
    SameDiff sd = graph(Loss.MEAN, DataType.DOUBLE);
    Map<String, INDArray> all = data(DataType.DOUBLE);
    all.remove("s");
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNMC(2, 7), new KFAC(1, 7))) {
      Map<String, INDArray> feeds = new LinkedHashMap<>(all);
      feeds.putAll(graph.randomNumbers(0, SAMPLES));
      Map<String, INDArray> expected = graph.evaluate(feeds).outputs();
      Map<String, INDArray> outputs =
          DataSetQuantities.of(graph).over(batches(all, 7).iterator()).quantities().outputs();
      outputs.forEach((name, array) -> assertClose(array, expected.get(name)));
    }
  }

  /** Each loss by itself, where they divide by different things. */
  @Test
  void lossesOfDifferentReductionsAreGatheredOneAtATime() {
    SameDiff sd = SameDiff.create();
    SDVariable z = network(sd, DataType.DOUBLE);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable one = sd.constant(Nd4j.scalar(1.0));
    SDVariable mean = sd.loss().meanSquaredError("mean", y, z, one);
    SDVariable sum = sd.loss().sigmoidCrossEntropy("sum", y, z, one, LossReduce.SUM, 0);
    sd.setLossVariables(mean, sum);
    Map<String, INDArray> all = data(DataType.DOUBLE);
    all.remove("s");
    Map<String, INDArray> expected;
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNExact())) {
      expected = graph.evaluate(all).outputs();
      assertThatThrownBy(() -> DataSetQuantities.of(graph).over(batches(all, 7).iterator()))
          .isInstanceOf(UnsupportedGraphException.class)
          .hasMessageContaining("mean by the number of samples; sum by nothing")
          .hasMessageContaining("losses(…)");
    }
    Map<String, INDArray> total = new LinkedHashMap<>();
    for (String loss : List.of("mean", "sum")) {
      try (ExtendedGraph graph = BackPack.on(sd).losses(loss).extend(new DiagGGNExact())) {
        DataSetQuantities.of(graph)
            .over(batches(all, 7).iterator())
            .quantities()
            .outputs()
            .forEach((name, array) -> total.merge(name, array, INDArray::add));
      }
    }
    expected.forEach((name, array) -> assertClose(total.get(name), array));
    assertThatThrownBy(() -> BackPack.on(sd).losses("other").extend())
        .hasMessageContaining("\"other\" is no loss variable of the graph; they are [mean, sum]");
  }

  // ---- refusals ----

  private static void assertRefused(SameDiff sd, String... words) {
    try (ExtendedGraph graph = BackPack.extend(sd)) {
      assertThatThrownBy(graph::batchWeights)
          .isInstanceOf(UnsupportedGraphException.class)
          .satisfies(e -> assertThat(e.getMessage()).contains(words));
    }
  }

  @Test
  void whatIsNoSumOverSamplesIsRefused() {
    SameDiff root = SameDiff.create();
    SDVariable z = network(root, DataType.DOUBLE);
    root.setLossVariables(root.math().sqrt("root", root.math().square(z).mean()));
    assertRefused(root, "\"root\" (sqrt)", "made of a sum or mean over the batch's samples");

    SameDiff largest = SameDiff.create();
    z = network(largest, DataType.DOUBLE);
    largest.setLossVariables(z.max("largest"));
    assertRefused(largest, "\"largest\" (reduce_max)", "runs over the samples of a batch");

    SameDiff twice = SameDiff.create();
    z = network(twice, DataType.DOUBLE);
    SDVariable count = twice.sizeAt(twice.getVariable("x"), 0).castTo(DataType.DOUBLE);
    twice.setLossVariables(z.mean().div("twice", count));
    assertRefused(twice, "\"twice\" (divide)");

    SameDiff normalised = SameDiff.create();
    z = network(normalised, DataType.DOUBLE);
    SDVariable centred = z.sub("centred", z.mean(0));
    normalised.setLossVariables(normalised.math().square(centred).sum("loss"));
    assertRefused(normalised, "\"centred\" (subtract)");

    SameDiff weighted = SameDiff.create();
    z = network(weighted, DataType.DOUBLE);
    SDVariable y = weighted.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = weighted.math().square(z).sum(true, 1);
    weighted.loss().meanSquaredError("loss", y, z, w, LossReduce.MEAN_BY_WEIGHT);
    assertRefused(weighted, "parameters act on the sum of");

    SameDiff one = SameDiff.create();
    z = network(one, DataType.DOUBLE);
    count = one.sizeAt(one.getVariable("x"), 0).castTo(DataType.DOUBLE);
    one.setLossVariables(z.sum().div("less", count.sub(1.0)));
    assertRefused(one, "\"less\" (divide)");
  }

  /** Behind such ops the gradient of a penalty comes back with that of the samples. */
  @Test
  void penaltiesThatWouldCountForEachBatchAreRefused() {
    SameDiff less = SameDiff.create();
    SDVariable z = network(less, DataType.DOUBLE);
    SDVariable both = less.math().square(z).sum().add(penalty(less));
    less.setLossVariables(both.rdiv("inverse", 2.0));
    assertRefused(less, "\"inverse\"");

    SameDiff times = SameDiff.create();
    z = network(times, DataType.DOUBLE);
    both = times.math().square(z).sum().add(penalty(times));
    times.setLossVariables(both.mul("product", times.getVariable("v").sum()));
    assertRefused(times, "\"product\" (multiply)", "would count once for each batch");

    SameDiff weighted = SameDiff.create();
    z = network(weighted, DataType.DOUBLE);
    SDVariable s = weights(weighted, DataType.DOUBLE);
    both = weighted.math().square(z).mul(s).sum().add(penalty(weighted));
    weighted.setLossVariables(both.div("quotient", s.sum()));
    assertRefused(weighted, "\"quotient\" (divide)", "would count once for each batch");

    SameDiff turned = SameDiff.create();
    z = network(turned, DataType.DOUBLE);
    SDVariable columns = turned.math().square(z).sum(true, 0).add(penalty(turned));
    turned.setLossVariables(turned.transpose("turned", columns).sum("loss"));
    assertRefused(turned, "\"turned\"", "would count once for each batch");
  }

  @Test
  void whatExtensionsDoNotCombineIsRefused() {
    SameDiff sd = graph(Loss.MEAN, DataType.DOUBLE);
    Map<String, INDArray> all = data(DataType.DOUBLE);
    all.remove("s");
    try (ExtendedGraph graph = BackPack.extend(sd, new KFRA(), new BatchGrad())) {
      assertThatThrownBy(() -> DataSetQuantities.of(graph).over(batches(all, 7).iterator()))
          .isInstanceOf(UnsupportedGraphException.class)
          .hasMessageContaining("its recursion averages over the samples of a batch")
          .hasMessageContaining("say where rows go by rows(…)");
    }
  }
}
