package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.conditions.Conditions;

/** Bad input gets an error that says what is the matter and what to do, and changes nothing. */
class RefusalTest {

  /** Standardises over the batch: samples influence each other. */
  private static SameDiff batchStatistics() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 5);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable h = x.mmul("h", sd.var("w", Graphs.random(5, 4)));
    SDVariable centred = h.sub("centred", h.mean("batch_mean", 0));
    SDVariable z = centred.mmul("z", sd.var("v", Graphs.random(4, 3)));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    return sd;
  }

  @Test
  void samplesThatInfluenceEachOtherAreRefusedForSecondOrder() {
    SameDiff sd = batchStatistics();
    String before = sd.summary();
    assertThatThrownBy(() -> BackPack.extend(sd, new BatchGrad(), new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("diag_ggn_exact")
        .hasMessageContaining("batch_mean")
        .hasMessageContaining("samples influence each other")
        .hasMessageContaining("fixed statistics")
        .hasMessageNotContaining("grad_batch");
    assertThat(sd.summary()).isEqualTo(before);
  }

  @Test
  void aLenientExtensionKeepsEverythingElse() {
    SameDiff sd = batchStatistics();
    try (ExtendedGraph graph =
        BackPack.on(sd).lenient().extend(new BatchGrad(), new DiagGGNExact())) {
      assertThat(graph.outputNames())
          .containsExactly("w.grad", "w.grad_batch", "v.grad", "v.grad_batch", "v.diag_ggn_exact");
      assertThat(graph.refusals()).hasSize(1);
      assertThat(graph.refusals().get(0).quantity()).isEqualTo("diag_ggn_exact");
      Map<String, INDArray> feeds = Graphs.feeds(4);
      Map<String, INDArray> out = graph.output(feeds, graph.outputNames());
      INDArray rows = out.get("w.grad_batch").sum(0);
      assertThat(rows.sub(out.get("w.grad")).amaxNumber().doubleValue()).isLessThan(1e-14);
    }
  }

  @Test
  void firstOrderQuantitiesFollowTheCoupledGradient() {
    SameDiff sd = batchStatistics();
    Map<String, INDArray> feeds = Graphs.feeds(4);
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      Map<String, INDArray> out = graph.output(feeds, graph.outputNames());
      BruteForce.on(sd, feeds)
          .gradient()
          .forEach(
              (parameter, expected) -> {
                INDArray gradient = out.get(parameter + ".grad");
                INDArray rows = out.get(parameter + ".grad_batch").sum(0);
                assertThat(gradient.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-8);
                assertThat(rows.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-8);
              });
    }
  }

  @Test
  void noLoss() {
    SameDiff sd = SameDiff.create();
    sd.placeHolder("x", DataType.DOUBLE, -1, 5).mmul("z", sd.var("w", Graphs.random(5, 4)));
    assertThatThrownBy(() -> BackPack.extend(sd, new BatchGrad()))
        .hasMessageContaining("no loss")
        .hasMessageContaining("setLossVariables");
  }

  @Test
  void anUnknownParameter() {
    assertThatThrownBy(
            () -> BackPack.on(Graphs.perceptron()).parameters("weight").extend(new BatchGrad()))
        .hasMessageContaining("\"weight\" is not a parameter")
        .hasMessageContaining("[b, v, w]");
  }

  @Test
  void aParameterThatIsNotOfAFloatingPointType() {
    SameDiff sd = Graphs.perceptron();
    sd.var("counts", Nd4j.zeros(DataType.INT32, 3));
    assertThatThrownBy(() -> BackPack.on(sd).parameters("counts").extend(new BatchGrad()))
        .hasMessageContaining("\"counts\"")
        .hasMessageContaining("INT");
  }

  @Test
  void aParameterThatTheLossDoesNotDependOn() {
    SameDiff sd = Graphs.perceptron();
    sd.var("idle", Graphs.random(3));
    assertThatThrownBy(() -> BackPack.on(sd).parameters("idle").extend(new BatchGrad()))
        .hasMessageContaining("do not depend on the parameter \"idle\"");
  }

  @Test
  void twoExtensionsOfOneField() {
    assertThatThrownBy(
            () -> BackPack.extend(Graphs.perceptron(), new DiagGGNMC(1), new DiagGGNMC(2)))
        .hasMessageContaining("diag_ggn_mc");
  }

  @Test
  void aNameThatIsTaken() {
    SameDiff sd = Graphs.perceptron();
    sd.getVariable("h").mul("w.grad_batch", 2);
    assertThatThrownBy(() -> BackPack.extend(sd, new BatchGrad()))
        .hasMessageContaining("\"w.grad_batch\"")
        .hasMessageContaining("rename");
  }

  @Test
  void noSampleAxis() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, 4, 5);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, 4, 3);
    sd.loss().meanSquaredError("loss", y, x.mmul(sd.var("w", Graphs.random(5, 3))), null);
    assertThatThrownBy(() -> BackPack.extend(sd, new BatchGrad()))
        .hasMessageContaining("No placeholder has a sample axis")
        .hasMessageContaining("sampleAxis");
    try (ExtendedGraph graph =
        BackPack.on(sd).sampleAxis("x", 0).sampleAxis("y", 0).extend(new BatchGrad())) {
      assertThat(
              graph
                  .output(
                      Map.of("x", Graphs.random(4, 5), "y", Graphs.random(4, 3)), "w.grad_batch")
                  .get("w.grad_batch")
                  .shape())
          .containsExactly(4, 5, 3);
    }
  }

  @Test
  void aPlaceholderWithoutAShapeOrWithTwoOpenAxes() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, -1, 5);
    sd.setLossVariables(x.sum(1).mmul(sd.var("w", Graphs.random(5, 3))).sum("loss").name());
    assertThatThrownBy(() -> BackPack.extend(sd, new BatchGrad()))
        .hasMessageContaining("\"x\"")
        .hasMessageContaining("axis 1 is not fixed");
  }

  @Test
  void feedsThatDoNotFit() {
    try (ExtendedGraph graph = BackPack.extend(Graphs.perceptron(), new BatchGrad())) {
      INDArray y = Graphs.oneHot(4, 3);
      assertThatThrownBy(
              () -> graph.output(Map.of("x", Graphs.random(4, 6), "y", y), "w.grad_batch"))
          .hasMessageContaining("\"x\"")
          .hasMessageContaining("[4, 6]")
          .hasMessageContaining("[-1, 5]");
      assertThatThrownBy(
              () -> graph.output(Map.of("x", Graphs.random(3, 5), "y", y), "w.grad_batch"))
          .hasMessageContaining("samples");
      assertThatThrownBy(
              () ->
                  graph.output(
                      Map.of("x", Nd4j.zeros(DataType.INT32, 4, 5), "y", y), "w.grad_batch"))
          .hasMessageContaining("INT");
      assertThatThrownBy(() -> graph.output(Map.of("y", y), "w.grad_batch"))
          .hasMessageContaining("\"x\"");
      assertThatThrownBy(() -> graph.output(Graphs.feeds(4), "w.diag_ggn_exact"))
          .hasMessageContaining("w.diag_ggn_exact");
    }
  }

  @Test
  void aHandWrittenLossNeedsItsPredictionsForSecondOrder() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 5);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable z = x.mmul("z", sd.var("w", Graphs.random(5, 3)));
    SDVariable d = z.sub("d", y);
    d.mul("squares", d).mean("loss");
    sd.setLossVariables("loss");
    assertThatThrownBy(() -> BackPack.extend(sd, new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("predictions(");
    Map<String, INDArray> feeds = Map.of("x", Graphs.random(4, 5), "y", Graphs.random(4, 3));
    Checked.check(
        sd,
        feeds,
        BackPack.on(sd).predictions("z"),
        BruteForce.on(sd, feeds).predictions("z"),
        Checked.all());
  }

  @Test
  void everyObstacleIsNamedAtOnce() {
    SameDiff sd = batchStatistics();
    SDVariable twice = sd.getVariable("z").mul("twice", 2);
    sd.replaceWhere(twice, 0.0, Conditions.isNan()).rename("replaced");
    sd.loss().softmaxCrossEntropy("other", sd.getVariable("y"), sd.getVariable("replaced"), null);
    assertThatThrownBy(() -> BackPack.extend(sd, new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("batch_mean")
        .hasMessageContaining("replaced")
        .satisfies(
            e ->
                assertThat(((UnsupportedGraphException) e).refusals())
                    .extracting(r -> r.remedy().isBlank())
                    .doesNotContain(true));
    assertThat(List.of(sd.getLossVariables())).isNotEmpty();
  }

  /** What keeps a graph from being copied or run is told together, whatever else is asked. */
  @Test
  void openAxesControlFlowAndDropoutAreToldAtOnce() {
    SameDiff sd = SameDiff.create();
    SDVariable ids = sd.placeHolder("ids", DataType.INT32, -1, -1);
    SDVariable y = sd.placeHolder("y", DataType.FLOAT, -1, 3);
    SDVariable shapeless = sd.placeHolder("shapeless", DataType.FLOAT, (long[]) null);
    SDVariable flag = sd.placeHolder("flag", DataType.BOOL);
    SDVariable rows = sd.gather(sd.var("table", Nd4j.rand(DataType.FLOAT, 9, 3)), ids, 0).mean(1);
    SDVariable h = sd.nn().dropout("dropped", rows, 0.5).add(shapeless);
    SDVariable z = sd.ifCond("chosen", "if", s -> flag, s -> h.mul(2), s -> h.mul(3));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    for (boolean lenient : new boolean[] {false, true}) {
      BackPack.Builder builder = lenient ? BackPack.on(sd).lenient() : BackPack.on(sd);
      assertThatThrownBy(() -> builder.extend(new BatchGrad()))
          .isInstanceOf(UnsupportedGraphException.class)
          .hasMessageContaining("\"chosen\" (merge)")
          .hasMessageContaining("sd.where(")
          .hasMessageContaining("the placeholder \"ids\"")
          .hasMessageContaining("axis 1 is not fixed")
          .hasMessageContaining("the placeholder \"shapeless\"")
          .hasMessageContaining("since it has no shape")
          .hasMessageContaining("(dropout)")
          .hasMessageContaining("drops entries at random")
          .hasMessageNotContaining("lenient()");
    }
  }

  /** What control flow does not concern is looked at all the same. */
  @Test
  void aNumberOfSamplesInTheGraphIsToldBesideControlFlow() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, 6);
    SDVariable y = sd.placeHolder("y", DataType.FLOAT, -1, 3);
    SDVariable flag = sd.placeHolder("flag", DataType.BOOL);
    SDVariable rows = x.reshape(8, 2, 3).rename("baked").mean(1);
    SDVariable h = rows.mmul(sd.var("w", Nd4j.rand(DataType.FLOAT, 3, 3)));
    SDVariable z = sd.ifCond("chosen", "if", s -> flag, s -> h.mul(2), s -> h.mul(3));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    assertThatThrownBy(() -> BackPack.extend(sd, new BatchGrad()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("\"chosen\" (merge)")
        .hasMessageContaining("\"baked\" (reshape)")
        .hasMessageContaining("the number of samples is fixed in it");
  }

  /** SameDiff does not look at the shapes that placeholders are declared with. */
  @Test
  void labelsThatAreDeclaredWithAnotherShape() {
    for (long[] declared : new long[][] {{}, {-1}, {-1, 2}}) {
      SameDiff sd = SameDiff.create();
      SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 5);
      SDVariable y = sd.placeHolder("y", DataType.DOUBLE, declared);
      SDVariable z = x.mmul("z", sd.var("w", Graphs.random(5, 1)));
      sd.loss().meanSquaredError("loss", y, z, null);
      Map<String, INDArray> feeds = Map.of("x", Graphs.random(4, 5), "y", Graphs.random(4, 1));
      assertThat(sd.output(feeds, "loss").get("loss").getDouble(0)).isPositive();
      assertThatThrownBy(() -> BackPack.extend(sd, new BatchGrad()))
          .isInstanceOf(UnsupportedGraphException.class)
          .hasMessageContaining("the placeholder \"y\"")
          .hasMessageContaining(
              declared.length == 0
                  ? "declared without a shape"
                  : "declared with the shape " + java.util.Arrays.toString(declared))
          .hasMessageContaining("\"loss\" (mean_sqerr_loss) cannot be computed")
          .hasMessageContaining("as in [−1, 1]");
    }
  }

  @Test
  void aNamedSampleAxisIsNotAskedForAgain() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, -1);
    x.sum("loss");
    sd.var("w", Graphs.random(3)).sum("penalty");
    sd.setLossVariables("loss", "penalty");
    assertThatThrownBy(() -> BackPack.on(sd).sampleAxis("x", 0).extend(new BatchGrad()))
        .hasMessageContaining("axis 1 is not fixed")
        .hasMessageNotContaining("sampleAxis");
  }

  /** The one thing to do is not hidden among its consequences. */
  @Test
  void missingPredictionsAreToldAlone() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 5);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable z =
        sd.math()
            .tanh(x.mmul(sd.var("w", Graphs.random(5, 4))))
            .mmul("z", sd.var("v", Graphs.random(4, 3)));
    SDVariable ready = sd.loss().softmaxCrossEntropy("ready", y, z, null);
    sd.math().square("squares", z.sub(y)).mean().add("total", ready);
    sd.setLossVariables("total");
    assertThatThrownBy(
            () -> BackPack.extend(sd, new BatchGrad(), new DiagGGNExact(), new DiagGGNMC()))
        .isInstanceOfSatisfying(
            UnsupportedGraphException.class,
            e -> assertThat(Refusal.lines(e.refusals())).hasSize(1))
        .hasMessageContaining("- name its predictions: BackPack.on(sd).predictions(…)")
        .hasMessageContaining("Where: \"squares\" (square)")
        .hasMessageContaining("Not to be had: diag_ggn_exact, diag_ggn_mc.");
  }

  @Test
  void aReasonIsToldOnceWithItsPlacesInTheGraphsOrder() {
    SameDiff sd = SameDiff.create();
    SDVariable h = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    for (int k = 0; k < 14; k++) {
      h = h.mmul("h" + k, sd.var("w" + k, Graphs.random(3, 3))).sub(h.mean("m" + k, 0));
    }
    sd.loss().meanSquaredError("loss", sd.placeHolder("y", DataType.DOUBLE, -1, 3), h, null);
    assertThatThrownBy(() -> BackPack.extend(sd, new DiagGGNExact(), new DiagGGNMC()))
        .isInstanceOfSatisfying(
            UnsupportedGraphException.class,
            e -> {
              assertThat(Refusal.lines(e.refusals())).hasSize(1);
              assertThat(e.refusals()).hasSize(2 * 13); // the first mean is of the input
            })
        .hasMessageContaining(
            "13 places: \"m1\" (reduce_mean), \"m2\" (reduce_mean), \"m3\" (reduce_mean)")
        .hasMessageContaining("\"m12\" (reduce_mean), …. Not to be had: ")
        .hasMessageContaining("\n  - use an op that treats samples apart")
        .hasMessageNotContaining("m13");
  }
}
