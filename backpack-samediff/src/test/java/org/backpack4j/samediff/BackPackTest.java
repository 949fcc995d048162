package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;

class BackPackTest {

  @Test
  void everyQuantityOfAPerceptronIsThatOfBruteForce() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(4);
    Checked.check(
        sd,
        feeds,
        BackPack.on(sd),
        BruteForce.on(sd, feeds),
        new BatchGrad(),
        new BatchL2Grad(),
        new SumGradSquared(),
        new Variance(),
        new DiagGGNExact(),
        new BatchDiagGGNExact());
  }

  @Test
  void anyBatchSizeWillDo() {
    SameDiff sd = Graphs.perceptron();
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      for (int samples : new int[] {1, 7, 2, 7}) {
        INDArray rows = graph.output(Graphs.feeds(samples), "w.grad_batch").get("w.grad_batch");
        assertThat(rows.shape()).containsExactly(samples, 5, 4);
      }
      assertThat(graph.shape("w.grad_batch")).containsExactly(-1, 5, 4);
      assertThat(graph.shape("w.grad")).containsExactly(5, 4);
    }
  }

  @Test
  void resultsComeInTheOrderOfTheirNames() {
    try (ExtendedGraph graph = BackPack.extend(Graphs.perceptron(), new BatchGrad())) {
      List<String> names = List.of("w.grad", "loss", "v.grad_batch", "w.grad_batch", "v.grad");
      assertThat(graph.output(Graphs.feeds(3), names).keySet()).containsExactlyElementsOf(names);
    }
  }

  @Test
  void rowsOfTheTableAreTheOps() {
    try (ExtendedGraph graph = BackPack.extend(Graphs.perceptron(), new BatchGrad())) {
      List<GraphRow> rows = graph.rows();
      assertThat(graph.table().lines().count()).isEqualTo(rows.size() + 2);
      assertThat(rows).allSatisfy(row -> assertThat(graph.table()).contains(row.name()));
      assertThat(rows).anySatisfy(row -> assertThat(row.contributes()).contains("w.grad_batch"));
    }
  }

  @Test
  void rowsAddUpToTheGradientAndThePenaltyIsBesideThem() {
    SameDiff sd = Graphs.perceptron();
    SDVariable penalty = sd.getVariable("w").mul(sd.getVariable("w")).sum().mul("penalty", 0.3);
    sd.getVariable("loss").add("total", penalty);
    sd.setLossVariables("total");
    Map<String, INDArray> out = Checked.check(sd, Graphs.feeds(4));
    INDArray sum = out.get("w.grad_batch").sum(0).add(out.get("w.grad_penalty"));
    assertThat(sum.sub(out.get("w.grad")).amaxNumber().doubleValue()).isLessThan(1e-14);
    INDArray expected = sd.getVariable("w").getArr().mul(0.6);
    assertThat(out.get("w.grad_penalty").sub(expected).amaxNumber().doubleValue())
        .isLessThan(1e-14);
    assertThat(out).doesNotContainKey("v.grad_penalty");
  }

  @Test
  void aFactorBehindTheLossIsInEveryQuantity() {
    SameDiff sd = Graphs.perceptron();
    sd.getVariable("loss").mul("scaled", -2.5);
    sd.setLossVariables("scaled");
    Map<String, INDArray> out = Checked.check(sd, Graphs.feeds(3));
    assertThat(out.get("v.diag_ggn_exact").maxNumber().doubleValue()).isLessThanOrEqualTo(0);
  }

  @Test
  void trainingIsSeenByTheNextEvaluation() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(4);
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      graph.output(feeds, "w.grad_batch");
      sd.getVariable("w").getArr().muli(-1);
      INDArray inPlace = graph.output(feeds, "w.grad_batch").get("w.grad_batch");
      sd.getVariable("v").setArray(Graphs.random(4, 3));
      INDArray replaced = graph.output(feeds, "w.grad_batch").get("w.grad_batch");
      try (ExtendedGraph fresh = BackPack.extend(sd, new BatchGrad())) {
        INDArray expected = fresh.output(feeds, "w.grad_batch").get("w.grad_batch");
        assertThat(replaced).isEqualTo(expected);
        assertThat(inPlace).isNotEqualTo(expected);
      }
    }
  }

  @Test
  void aDataSetIsMappedAsTheTrainingConfigurationSays() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(4);
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      DataSet data = new DataSet(feeds.get("x"), feeds.get("y"));
      assertThatThrownBy(() -> graph.output(data))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("setTrainingConfig");
      sd.setTrainingConfig(
          TrainingConfig.builder()
              .updater(new Sgd(0.1))
              .dataSetFeatureMapping("x")
              .dataSetLabelMapping("y")
              .build());
      assertThat(graph.output(data, "w.grad_batch")).isEqualTo(graph.output(feeds, "w.grad_batch"));
      assertThat(graph.output(data).keySet()).containsExactlyElementsOf(graph.outputNames());
    }
  }

  @Test
  void theTypedWayAnswersTheSame() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(4);
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad(), new DiagGGNExact())) {
      QuantityResults evaluation = graph.evaluate(feeds);
      assertThat(evaluation.get("w", DiagGGNExact.class))
          .isEqualTo(graph.output(feeds, "w.diag_ggn_exact").get("w.diag_ggn_exact"));
      assertThat(evaluation.gradient("b")).isEqualTo(graph.output(feeds, "b.grad").get("b.grad"));
      assertThatThrownBy(() -> evaluation.get("w", Variance.class))
          .hasMessageContaining("Variance")
          .hasMessageContaining("BatchGrad");
      assertThat(graph.outputsOf("w").values())
          .containsExactly("w.grad", "w.grad_batch", "w.diag_ggn_exact");
      assertThat(graph.outputsOf(new BatchGrad()).values())
          .containsExactly("w.grad_batch", "b.grad_batch", "v.grad_batch");
    }
  }

  @Test
  void threadsDoNotDisturbEachOther() throws Exception {
    SameDiff sd = Graphs.perceptron();
    List<Map<String, INDArray>> feeds = new ArrayList<>();
    for (int k = 0; k < 4; k++) {
      feeds.add(Graphs.feeds(3 + k));
    }
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad(), new DiagGGNExact())) {
      List<Map<String, INDArray>> expected = new ArrayList<>();
      for (Map<String, INDArray> f : feeds) {
        expected.add(graph.output(f, graph.outputNames()));
      }
      List<Callable<Boolean>> calls = new ArrayList<>();
      for (int k = 0; k < 40; k++) {
        int which = k % 4;
        calls.add(
            () -> {
              Checked.compare(
                  "thread",
                  expected.get(which),
                  graph.output(feeds.get(which), graph.outputNames()));
              return true;
            });
      }
      for (Future<Boolean> call : threads.invokeAll(calls)) {
        assertThat(call.get()).isTrue();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void resultsBelongToTheCaller() {
    SameDiff sd = Graphs.perceptron();
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      INDArray first = graph.output(Graphs.feeds(4), "w.grad_batch").get("w.grad_batch");
      INDArray copy = first.dup();
      graph.output(Graphs.feeds(4), "w.grad_batch");
      assertThat(first).isEqualTo(copy);
      Map<String, INDArray> into = new LinkedHashMap<>();
      into.put("w.grad_batch", Nd4j.zeros(DataType.DOUBLE, 4, 5, 4));
      Map<String, INDArray> feeds = Graphs.feeds(4);
      assertThat(graph.output(feeds, into).get("w.grad_batch"))
          .isSameAs(into.get("w.grad_batch"))
          .isEqualTo(graph.output(feeds, "w.grad_batch").get("w.grad_batch"));
    }
  }

  @Test
  void samplingConvergesToTheExactDiagonalAtTheExpectedRate() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(6);
    Nd4j.getRandom().setSeed(5);
    double next = Nd4j.rand(DataType.DOUBLE, 1).getDouble(0);
    Nd4j.getRandom().setSeed(5);
    double few = error(sd, feeds, new DiagGGNMC(100, 3));
    double many = error(sd, feeds, new DiagGGNMC(10000, 3));
    assertThat(Nd4j.rand(DataType.DOUBLE, 1).getDouble(0))
        .as("the person's random numbers are untouched")
        .isEqualTo(next);
    // a hundred times the samples: a tenth of the error, give or take what chance allows
    assertThat(few / many).isBetween(3.0, 30.0);
    assertThat(many).isLessThan(0.05);
  }

  private static double error(SameDiff sd, Map<String, INDArray> feeds, DiagGGNMC sampled) {
    try (ExtendedGraph graph = BackPack.extend(sd, sampled, new DiagGGNExact())) {
      double squares = 0;
      double norm = 0;
      for (int k = 0; k < 5; k++) {
        for (String parameter : graph.parameters()) {
          QuantityResults evaluation = graph.evaluate(feeds);
          INDArray exact = evaluation.get(parameter, DiagGGNExact.class);
          INDArray off = evaluation.get(parameter, DiagGGNMC.class).sub(exact);
          squares += off.mul(off).sumNumber().doubleValue();
          norm += exact.mul(exact).sumNumber().doubleValue();
        }
      }
      return Math.sqrt(squares / norm);
    }
  }

  @Test
  void samplesAreNewAtEachCallAndTheSequenceIsReproducible() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(4);
    List<INDArray> first = sequence(sd, feeds, 7);
    assertThat(first.get(0)).isNotEqualTo(first.get(1));
    assertThat(sequence(sd, feeds, 7)).isEqualTo(first);
    assertThat(sequence(sd, feeds, 8)).isNotEqualTo(first);
  }

  private static List<INDArray> sequence(SameDiff sd, Map<String, INDArray> feeds, long seed) {
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNMC(2, seed))) {
      List<INDArray> sequence = new ArrayList<>();
      for (int k = 0; k < 3; k++) {
        sequence.add(graph.evaluate(feeds).get("w", DiagGGNMC.class));
      }
      return sequence;
    }
  }
}
