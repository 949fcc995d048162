package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.GramGGN;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Quantities that are handed to a hook as they come. */
class HookTest {
  private static final int N = 5;

  /** The same arrays as an evaluation of all, each once; also a few samples at a time. */
  @ParameterizedTest
  @ValueSource(longs = {1, 1L << 30})
  void seesEveryQuantityOnce(long budget) {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(N);
    try (ExtendedGraph graph =
        BackPack.on(sd)
            .memoryBudget(budget)
            .extend(new BatchGrad(), new DiagGGNExact(), new GramGGN())) {
      List<String> names = new ArrayList<>(graph.outputNames());
      names.addAll(sd.getLossVariables());
      Map<String, INDArray> all = graph.output(feeds, names);
      for (int k = 0; k < 2; k++) { // also with a plan that is there
        Map<String, INDArray> seen = new LinkedHashMap<>();
        List<INDArray> given = new ArrayList<>();
        graph.output(
            feeds,
            names,
            (name, array) -> {
              assertThat(seen.put(name, array.dup())).isNull();
              given.add(array);
            });
        assertThat(seen.keySet()).containsExactlyInAnyOrderElementsOf(names);
        seen.forEach((name, array) -> assertThat(array).as(name).isEqualTo(all.get(name)));
        assertThat(given).allMatch(INDArray::wasClosed);
      }
    }
  }

  @Test
  void whatItThrowsEndsTheEvaluation() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(N);
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      List<String> names = graph.outputNames();
      assertThatThrownBy(
              () ->
                  graph.output(
                      feeds,
                      names,
                      (name, array) -> {
                        throw new IllegalStateException("enough");
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("enough");
      List<String> seen = new ArrayList<>();
      graph.output(feeds, names, (name, array) -> seen.add(name));
      assertThat(seen).hasSameSizeAs(names);
    }
  }

  /** Eight layers' gradients of samples take the room of two: one, and the hook's copy. */
  @Test
  void needsRoomForTheLargestAlone() {
    int layers = 8;
    int width = 128;
    int samples = 32;
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, width);
    SDVariable h = x;
    for (int k = 0; k < layers; k++) {
      INDArray w = Nd4j.rand(DataType.FLOAT, width, width).subi(0.5);
      h = sd.math().tanh(h.mmul(sd.var("w" + k, w)));
    }
    sd.math().square(h).sum("loss");
    sd.setLossVariables("loss");
    Map<String, INDArray> feeds = Map.of("x", Nd4j.rand(DataType.FLOAT, samples, width));
    long largest = 4L * samples * width * width;
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      long before = PlannedGraph.allocated();
      long[] most = {0};
      graph.output(
          feeds,
          graph.outputNames(),
          (name, array) -> most[0] = Math.max(most[0], PlannedGraph.allocated() - before));
      assertThat(most[0]).isBetween(largest, 3 * largest);
    }
  }
}
