package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
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
    try (SameDiffBackPackListener listener = new SameDiffBackPackListener(new BatchGrad(), new DiagGGNExact())) {
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
}
