package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Variance;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.factory.Nd4j;

/** How much memory an evaluation takes, and what happens where it is too much. */
class MemoryTest {
  private static final int SAMPLES = 12;

  private static SameDiff convolutional() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2, 8, 8);
    SDVariable labels = sd.placeHolder("labels", DataType.DOUBLE, -1, 6);
    SDVariable w = sd.var("w", Nd4j.rand(DataType.DOUBLE, 3, 3, 2, 4).subi(0.5));
    Conv2DConfig config =
        Conv2DConfig.builder().kH(3).kW(3).sH(1).sW(1).paddingMode(PaddingMode.SAME).build();
    SDVariable h = sd.nn().relu(sd.cnn().conv2d(x, w, config), 0);
    SDVariable dense = sd.var("dense", Nd4j.rand(DataType.DOUBLE, 256, 6).subi(0.5));
    SDVariable logits = sd.reshape(h, -1, 256).mmul(dense);
    sd.loss().softmaxCrossEntropy("loss", labels, logits, null);
    return sd;
  }

  private static Map<String, INDArray> feeds() {
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, SAMPLES, 6);
    for (int n = 0; n < SAMPLES; n++) {
      labels.putScalar(n, n % 6, 1);
    }
    return Map.of("x", Nd4j.rand(DataType.DOUBLE, SAMPLES, 2, 8, 8), "labels", labels);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.5, 0.7, 0.9})
  void anyBudgetGivesTheSameNumbers(double share) {
    SameDiff sd = convolutional();
    Map<String, INDArray> feeds = feeds();
    try (ExtendedGraph whole = BackPack.extend(sd, new DiagGGNExact(), new Variance())) {
      List<String> names = new ArrayList<>(whole.outputNames());
      names.add("loss");
      long all = whole.memory(feeds, names).work();
      long budget = Math.max(1, (long) (share * all));
      try (ExtendedGraph little =
          BackPack.on(sd).memoryBudget(budget).extend(new DiagGGNExact(), new Variance())) {
        long less = little.memory(feeds, names).work();
        assertThat(less).isLessThan(all);
        if (share > 0) {
          assertThat(less).isBetween(budget / 2, budget);
        }
        Checked.compare("in portions", whole.output(feeds, names), little.output(feeds, names));
      }
    }
  }

  @Test
  void groupsOfSamplesAreReportedAndCanBeStopped() {
    SameDiff sd = convolutional();
    Map<String, INDArray> feeds = feeds();
    List<String> heard = new ArrayList<>();
    try (ExtendedGraph graph =
        BackPack.on(sd)
            .memoryBudget(1)
            .progress(
                (work, done, total) -> {
                  if (work.startsWith("evaluate")) {
                    heard.add(done + " of " + total);
                    if (heard.size() == 3) {
                      Thread.currentThread().interrupt();
                    }
                  }
                })
            .extend(new DiagGGNExact())) {
      assertThatThrownBy(() -> graph.output(feeds, "w.diag_ggn_exact"))
          .isInstanceOf(CancellationException.class);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(heard).containsExactly("0 of 12", "1 of 12", "2 of 12");
      graph.output(feeds, "w.diag_ggn_exact");
      assertThat(heard).hasSize(3 + SAMPLES).last().isEqualTo("11 of 12");
    }
  }

  @Test
  void budgetMustBePositive() {
    assertThatThrownBy(() -> BackPack.on(convolutional()).memoryBudget(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0 bytes");
  }

  @Test
  void tellsBeforehand() {
    Map<String, INDArray> feeds = feeds();
    try (ExtendedGraph graph = BackPack.extend(convolutional(), new BatchGrad(), new DiagGGNMC())) {
      MemoryUse use =
          graph.memory(feeds, List.of("w.grad_batch", "w.grad", "w.diag_ggn_mc", "loss"));
      long weights = 3 * 3 * 2 * 4 * Double.BYTES;
      assertThat(use.results()).isEqualTo((SAMPLES + 2) * weights);
      assertThat(use.work()).isPositive();
      assertThat(use.total()).isEqualTo(use.results() + use.work());
      assertThat(use.toString()).contains("0.0 MiB of results");
    }
  }

  /**
   * Gradients of 20 million samples of a million weights: nothing must run before it is refused.
   */
  @Test
  void refusesWhatCannotFit() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, 1);
    SDVariable w = sd.var("w", Nd4j.zeros(DataType.FLOAT, 1, 1_000_000));
    x.mmul(w).mul("loss", 1.0);
    sd.setLossVariables("loss");
    Map<String, INDArray> feeds = Map.of("x", Nd4j.zeros(DataType.FLOAT, 20_000_000, 1));
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      assertThatThrownBy(() -> graph.output(feeds, "w.grad_batch", "w.grad"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("20000000 samples need 74505.8 GiB")
          .hasMessageContaining("w.grad_batch: 74505.8 GiB")
          .hasMessageContaining("batch_l2");
    }
  }
}
