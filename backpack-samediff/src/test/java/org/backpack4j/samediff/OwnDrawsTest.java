package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.nd4j.autodiff.listeners.Listener;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.random.custom.DistributionUniform;
import org.nd4j.linalg.api.ops.random.custom.RandomBernoulli;
import org.nd4j.linalg.api.ops.random.custom.RandomNormal;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.SingletonDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;

/**
 * A graph that draws random numbers itself is refused by name, whatever is asked for, and nothing
 * that this library does moves ND4J's generator.
 */
class OwnDrawsTest {
  private static final DataType TYPE =
      DataType.FLOAT; // of what some ops draw whatever is asked for

  private interface Noise {
    SDVariable on(SameDiff sd, SDVariable h);
  }

  private static SDVariable drawn(SDVariable noise) {
    return noise.castTo(TYPE);
  }

  private static Map<String, Noise> draws() {
    Map<String, Noise> all = new LinkedHashMap<>();
    all.put("normal", (sd, h) -> h.add(drawn(sd.random().normal(0, 0.1, TYPE, 4))));
    all.put("uniform", (sd, h) -> h.mul(drawn(sd.random().uniform(0, 1, TYPE, 4))));
    all.put("bernoulli", (sd, h) -> h.mul(drawn(sd.random().bernoulli(0.5, TYPE, 4))));
    all.put("binomial", (sd, h) -> h.mul(drawn(sd.random().binomial(3, 0.5, TYPE, 4))));
    all.put("exponential", (sd, h) -> h.mul(drawn(sd.random().exponential(1, TYPE, 4))));
    all.put("log normal", (sd, h) -> h.mul(drawn(sd.random().logNormal(0, 0.1, TYPE, 4))));
    all.put("truncated", (sd, h) -> h.mul(drawn(sd.random().normalTruncated(0, 0.1, TYPE, 4))));
    all.put(
        "of another batch's shape", (sd, h) -> h.add(drawn(sd.random().normal(0, 1, TYPE, 7, 4))));
    all.put(
        "normal of a computed shape",
        (sd, h) -> h.add(drawn(new RandomNormal(sd, sd.shape(h), 0, 1).outputVariable())));
    all.put(
        "dropout as TensorFlow has it",
        (sd, h) -> {
          SDVariable u = new DistributionUniform(sd, sd.shape(h), 0, 1, TYPE).outputVariable();
          return h.mul(drawn(drawn(u).gt(0.3)));
        });
    all.put(
        "bernoulli of a computed shape",
        (sd, h) -> h.mul(drawn(new RandomBernoulli(sd, sd.shape(h), 0.5).outputVariable())));
    all.put("dropout", (sd, h) -> sd.nn().dropout(h, 0.7));
    all.put("inverted dropout", (sd, h) -> sd.nn().dropoutInverted(h, 0.7));
    return all;
  }

  private static SameDiff network(Noise noise) {
    Nd4j.getRandom().setSeed(2);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", TYPE, -1, 5);
    SDVariable y = sd.placeHolder("y", TYPE, -1, 3);
    SDVariable h = sd.math().tanh(x.mmul(sd.var("w", Graphs.random(5, 4).castTo(TYPE))));
    SDVariable z = noise.on(sd, h).mmul("z", sd.var("v", Graphs.random(4, 3).castTo(TYPE)));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    return sd;
  }

  private static Map<String, INDArray> feeds() {
    return Map.of("x", Graphs.random(4, 5).castTo(TYPE), "y", Graphs.oneHot(4, 3).castTo(TYPE));
  }

  private static List<Long> generator() {
    return List.of(Nd4j.getRandom().rootState(), Nd4j.getRandom().nodeState());
  }

  @TestFactory
  Stream<DynamicTest> whatDrawsIsRefusedByNameAndNothingIsDrawn() {
    return draws().entrySet().stream()
        .map(form -> DynamicTest.dynamicTest(form.getKey(), () -> refused(form.getValue())));
  }

  private static void refused(Noise noise) {
    SameDiff sd = network(noise);
    Map<String, INDArray> feeds = feeds();
    List<Long> before = generator();
    for (Extension extension : List.of(new BatchGrad(), new DiagGGNExact(), new DiagGGNMC(1))) {
      refused(() -> BackPack.extend(sd, extension)).isInstanceOf(UnsupportedGraphException.class);
    }
    refused(() -> BackPack.extend(sd)).isInstanceOf(UnsupportedGraphException.class);
    refused(() -> BruteForce.on(sd, feeds));
    refused(() -> ReferenceInterpreter.run(sd, feeds, List.of("loss")));
    try (PlannedGraph planned = new PlannedGraph(sd, ExecutionOptions.defaults())) {
      refused(() -> planned.output(feeds, List.of("loss")));
      refused(() -> planned.bytes(feeds, List.of("loss")));
    }
    assertThat(generator()).isEqualTo(before);
  }

  private static AbstractThrowableAssert<?, ?> refused(ThrowingCallable call) {
    return assertThatThrownBy(call)
        .hasMessageMatching("(?s).*(draws random numbers|drops entries at random).*")
        .hasMessageContaining("feed them by a placeholder");
  }

  /** With leniency as well, not even the gradient is left, as it would be of another draw. */
  @Test
  void leniencyLeavesWhatDoesNotDependOnTheDraw() {
    SameDiff sd = network(draws().get("normal"));
    SDVariable x = sd.getVariable("x");
    SDVariable u = sd.var("u", Graphs.random(5, 1).castTo(TYPE));
    sd.math().square(x.mmul(u)).sum("other");
    sd.setLossVariables("loss", "other");
    Map<String, INDArray> feeds = feeds();
    List<Long> before = generator();
    try (ExtendedGraph graph = BackPack.on(sd).lenient().extend(new BatchGrad())) {
      assertThat(graph.outputNames()).containsExactly("u.grad", "u.grad_batch");
      assertThat(graph.refusals())
          .singleElement()
          .satisfies(r -> assertThat(r.reason()).contains("not even the gradient"))
          .extracting(Refusal::quantity)
          .isEqualTo("*");
      assertThat(graph.evaluate(feeds).outputs()).containsOnlyKeys("u.grad", "u.grad_batch");
      assertThatThrownBy(() -> graph.output(feeds, "loss"))
          .hasMessageContaining("draws random numbers");
    }
    assertThat(generator()).isEqualTo(before);
  }

  /** Every other obstacle is told beside it. */
  @Test
  void itIsToldAmongTheOthers() {
    SameDiff sd =
        network((graph, h) -> draws().get("uniform").on(graph, h.sub(h.mean("centre", 0))));
    assertThatThrownBy(() -> BackPack.extend(sd, new DiagGGNExact()))
        .hasMessageContaining("draws random numbers")
        .hasMessageContaining("\"centre\"");
  }

  /** Counting is no drawing, though ND4J has it among the random ops. */
  @Test
  void aRangeDrawsNothing() {
    SameDiff sd =
        network(
            (graph, h) ->
                h.add(
                    graph.range(
                        graph.constant(Nd4j.scalar(0f)),
                        graph.constant(Nd4j.scalar(4f)),
                        graph.constant(Nd4j.scalar(1f)),
                        TYPE)));
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      assertThat(graph.refusals()).isEmpty();
    }
  }

  private static SameDiff trainable(SameDiff sd) {
    sd.setTrainingConfig(
        new TrainingConfig.Builder()
            .updater(new Sgd(0.5))
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("y")
            .build());
    return sd;
  }

  private static INDArray trained(SameDiff sd, Map<String, INDArray> feeds, Listener... listeners) {
    Nd4j.getRandom().setSeed(6);
    sd.setListeners(listeners);
    sd.fit(new SingletonDataSetIterator(new DataSet(feeds.get("x"), feeds.get("y"))), 3);
    return sd.getVariable("w").getArr().dup();
  }

  @Test
  void trainingDrawsAsWithoutTheListener() {
    for (String form : List.of("normal", "uniform")) {
      Map<String, INDArray> feeds = feeds();
      INDArray plain = trained(trainable(network(draws().get(form))), feeds);
      double next = Nd4j.getRandom().nextDouble();
      for (boolean lenient : new boolean[] {false, true}) {
        try (SameDiffBackPackListener listener = new SameDiffBackPackListener(new BatchGrad())) {
          listener.with(b -> lenient ? b.lenient() : b);
          INDArray w = trained(trainable(network(draws().get(form))), feeds, listener);
          assertThat(w).isEqualTo(plain);
          assertThat(Nd4j.getRandom().nextDouble()).isEqualTo(next);
          if (lenient) {
            assertThat(listener.outputs()).isEmpty();
          } else {
            assertThatThrownBy(listener::latest).hasStackTraceContaining("draws random numbers");
          }
        }
      }
    }
  }

  /** A usual graph, dropout that keeps everything in it: no way in moves the generator. */
  @Test
  void noWayInMovesTheGenerator() {
    SameDiff sd = trainable(network((graph, h) -> graph.nn().dropout(h, 1.0)));
    Map<String, INDArray> feeds = feeds();
    DataSet data = new DataSet(feeds.get("x"), feeds.get("y"));
    Extension[] all = {new BatchGrad(), new DiagGGNExact(), new DiagGGNMC(2)};
    List<Long> before = generator();
    try (ExtendedGraph graph = BackPack.extend(sd, all);
        ExtendedGraph divided = BackPack.on(sd).memoryBudget(1).extend(all);
        PlannedGraph planned = new PlannedGraph(sd, ExecutionOptions.defaults());
        SameDiffBackPackListener listener = new SameDiffBackPackListener(all)) {
      unmoved("extend", before);
      Map<String, INDArray> answer = graph.output(feeds, graph.outputNames());
      graph.output(data);
      divided.output(feeds, divided.outputNames());
      unmoved("output", before);
      graph.evaluate(feeds);
      unmoved("evaluate", before);
      graph.memory(feeds, graph.outputNames());
      unmoved("memory", before);
      assertThat(graph.table()).isNotEmpty();
      unmoved("table", before);
      BruteForce brute = BruteForce.on(sd, feeds);
      brute.verifier().entries(1).verify(answer);
      brute.gradient("v", 0);
      unmoved("brute force", before);
      planned.output(feeds, List.of("loss"));
      planned.bytes(feeds, List.of("loss"));
      unmoved("planned execution", before);
      ReferenceInterpreter.run(sd, feeds, List.of("loss"));
      unmoved("walk", before);
      listener.check(sd);
      unmoved("check", before);
    }
  }

  private static void unmoved(String call, List<Long> before) {
    assertThat(generator()).as(call).isEqualTo(before);
  }
}
