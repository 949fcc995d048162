package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.SingletonDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;

class SameDiffBackPackListenerTest {
  private static final INDArray X = Nd4j.linspace(DataType.DOUBLE, -1, 0.1, 20).reshape(5, 4);
  private static final INDArray Y =
      Nd4j.eye(3)
          .castTo(DataType.DOUBLE)
          .get(
              org.nd4j.linalg.indexing.NDArrayIndex.indices(0, 1, 2, 0, 1),
              org.nd4j.linalg.indexing.NDArrayIndex.all())
          .dup();

  private static SameDiff model() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Nd4j.linspace(DataType.DOUBLE, -0.5, 0.1, 12).reshape(4, 3));
    sd.loss().softmaxCrossEntropy("loss", y, sd.math().tanh(x.mmul(w)), null);
    sd.setTrainingConfig(
        new TrainingConfig.Builder()
            .updater(new Adam(0.01))
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("y")
            .build());
    return sd;
  }

  private static void fit(SameDiff sd, int iterations) {
    for (int k = 0; k < iterations; k++) {
      sd.fit(new SingletonDataSetIterator(new DataSet(X, Y)), 1);
    }
  }

  @Test
  void quantitiesAreThoseOfTheParametersBeforeTheStep() {
    SameDiff sd = model();
    fit(sd, 2);
    Map<String, INDArray> expected;
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad(), new DiagGGNExact())) {
      expected = graph.output(Map.of("x", X, "y", Y), graph.outputNames());
    }
    try (SameDiffBackPackListener listener =
        new SameDiffBackPackListener(new BatchGrad(), new DiagGGNExact())) {
      sd.setListeners(listener.check(sd));
      fit(sd, 1);
      assertThat(listener.outputs()).isEqualTo(expected);
      assertThat(listener.get("w", DiagGGNExact.class)).isEqualTo(expected.get("w.diag_ggn_exact"));
    }
  }

  @Test
  void trainingIsAsWithoutTheListener() {
    SameDiff plain = model();
    SameDiff watched = model();
    watched.setListeners(new SameDiffBackPackListener(new BatchGrad(), new DiagGGNExact()));
    fit(plain, 20);
    fit(watched, 20);
    assertThat(watched.getVariable("w").getArr()).isEqualTo(plain.getVariable("w").getArr());
  }

  @Test
  void onlyIterationsChosenAreEvaluated() {
    SameDiff sd = model();
    List<Integer> iterations = new ArrayList<>();
    sd.setListeners(
        new SameDiffBackPackListener(new BatchGrad())
            .everyNIterations(3)
            .onStep(s -> iterations.add(s.iteration())));
    fit(sd, 8);
    assertThat(iterations).containsExactly(0, 3, 6);
  }

  @Test
  void aFailureIsThrownToWhoAsksAndTrainingGoesOn() {
    SameDiff plain = model();
    SameDiff watched = model();
    SameDiffBackPackListener listener =
        new SameDiffBackPackListener(new BatchGrad()).with(b -> b.parameters("nothing"));
    watched.setListeners(listener);
    fit(plain, 3);
    fit(watched, 3);
    assertThat(watched.getVariable("w").getArr()).isEqualTo(plain.getVariable("w").getArr());
    assertThatThrownBy(() -> listener.get("w", BatchGrad.class))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("nothing");
  }

  @Test
  void whatCannotBeHadIsToldBeforehand() {
    SameDiffBackPackListener listener =
        new SameDiffBackPackListener(new BatchGrad()).with(b -> b.parameters("nothing"));
    assertThatThrownBy(() -> listener.check(model())).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(listener::outputs)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("before fit");
  }

  /** Counts how often graphs are extended: it is asked once for each parameter of a graph. */
  private static final class Counting implements Extension {
    private final AtomicInteger extended = new AtomicInteger();
    private final boolean fails;

    Counting(boolean fails) {
      this.fails = fails;
    }

    @Override
    public String field() {
      return "counted";
    }

    @Override
    public Columns columns() {
      return Columns.GRADIENT;
    }

    @Override
    public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
      extended.incrementAndGet();
      if (fails) {
        throw new IllegalArgumentException("the extension's own");
      }
      return new BatchGrad().compute(emit, contributions);
    }
  }

  @Test
  void graphsInTurnsHaveTheirOwnNumbersAndAreExtendedOnce() {
    SameDiff one = model();
    SameDiff other = model();
    other.getVariable("w").getArr().addi(0.7);
    Counting counting = new Counting(false);
    Map<SameDiff, INDArray> heard = new IdentityHashMap<>();
    try (SameDiffBackPackListener listener =
        new SameDiffBackPackListener(counting)
            .onStepOf((sd, step) -> heard.put(sd, step.quantities().get("w", counting)))) {
      one.setListeners(listener);
      other.setListeners(listener);
      for (int k = 0; k < 3; k++) {
        for (SameDiff sd : List.of(one, other)) {
          INDArray right;
          try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
            right = graph.output(Map.of("x", X, "y", Y), "w.grad_batch").get("w.grad_batch");
          }
          fit(sd, 1);
          assertThat(heard.get(sd)).isEqualTo(right);
          assertThat(listener.get("w", Counting.class)).isEqualTo(right);
        }
        assertThat(listener.latest(one).quantities().get("w", counting)).isSameAs(heard.get(one));
        assertThat(listener.latest()).isSameAs(listener.latest(other));
      }
      assertThat(counting.extended).hasValue(2);
    }
  }

  @Test
  void aRefusalIsWorkedOutOnce() {
    SameDiff sd = model();
    Counting counting = new Counting(true);
    try (SameDiffBackPackListener listener = new SameDiffBackPackListener(counting)) {
      sd.setListeners(listener);
      fit(sd, 5);
      assertThat(counting.extended).hasValue(1);
      assertThatThrownBy(listener::latest).hasMessageContaining("the extension's own");
      assertThatThrownBy(() -> listener.check(sd)).hasMessageContaining("the extension's own");
      assertThat(counting.extended).hasValue(2);
    }
  }

  @Test
  void aGraphThatIsGoneIsNotKept() {
    try (SameDiffBackPackListener listener = new SameDiffBackPackListener(new BatchGrad())) {
      WeakReference<SameDiff> gone = trained(listener);
      for (int k = 0; gone.get() != null && k < 50; k++) {
        System.gc();
      }
      assertThat(gone.get()).isNull();
      assertThat(listener.outputs()).containsKey("w.grad_batch");
    }
  }

  private static WeakReference<SameDiff> trained(SameDiffBackPackListener listener) {
    SameDiff sd = model();
    sd.setListeners(listener);
    fit(sd, 1);
    return new WeakReference<>(sd);
  }

  /** Nobody asks for the steps: each gives its memory to the one after the next. */
  @Test
  void stepsThatNobodyHasAskedForTakeNoMemory() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Nd4j.linspace(DataType.DOUBLE, -0.1, 0.0001, 4000).reshape(4, 1000));
    SDVariable v = sd.var("v", Nd4j.linspace(DataType.DOUBLE, -0.1, 0.0001, 3000).reshape(1000, 3));
    sd.loss().softmaxCrossEntropy("loss", y, sd.math().tanh(x.mmul(w)).mmul(v), null);
    sd.setTrainingConfig(
        new TrainingConfig.Builder()
            .updater(new Adam(0.01))
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("y")
            .build());
    long step = (5 + 1) * 7000 * 8L;
    try (SameDiffBackPackListener listener = new SameDiffBackPackListener(new BatchGrad())) {
      sd.setListeners(listener);
      fit(sd, 3);
      long before = PlannedGraph.allocated();
      fit(sd, 20);
      assertThat(PlannedGraph.allocated() - before).isLessThan(3 * step);
      TrainingStep held = listener.latest();
      INDArray rows = held.quantities().get("w", BatchGrad.class).dup();
      fit(sd, 5);
      assertThat(held.quantities().get("w", BatchGrad.class)).isEqualTo(rows);
    }
  }
}
