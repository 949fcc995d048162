package org.backpack4j.samediff.internal.nd4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.testing.ArrayAssert;
import org.backpack4j.samediff.testing.GraphText;
import org.backpack4j.samediff.testing.OpCase;
import org.backpack4j.samediff.testing.OpCases;
import org.backpack4j.samediff.testing.SaveAndLoad;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.NameScope;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.LSTMLayer;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Sgd;

class GraphCopyTest {
  private static SameDiff regression() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable y = graph.placeHolder("y", DataType.DOUBLE, -1, 2);
    SDVariable w = graph.var("w", OpCase.random(4, 2));
    SDVariable scale = graph.constant("scale", OpCase.random(2));
    SDVariable z = x.mmul(w).mul("z", scale);
    graph.loss().meanSquaredError("loss", y, z, null);
    graph.setOutputs("z");
    return graph;
  }

  private static Map<String, INDArray> feeds() {
    return Map.of("x", OpCase.random(3, 4), "y", OpCase.random(3, 2));
  }

  private static INDArray loss(SameDiff graph) {
    return graph.output(feeds(), "loss").get("loss");
  }

  static List<OpCase> everyOp() {
    return OpCases.all();
  }

  @ParameterizedTest
  @MethodSource("everyOp")
  void computesTheSameAlsoAfterSaveAndLoad(OpCase op) {
    SameDiff source = op.graph();
    INDArray expected = ReferenceInterpreter.run(source, Map.of(), List.of("o")).get("o");

    SameDiff copy = GraphCopy.of(source);

    assertComputes(copy, expected);
    if (op.name().startsWith("lstmLayer") || op.name().startsWith("replaceWhere, ")) {
      // M2.1 cannot load such a graph.
      assertThat(SaveRepair.lost(copy)).hasSize(1);
    } else {
      assertThat(SaveRepair.lost(copy)).isEmpty();
      assertComputes(SaveAndLoad.through(copy), expected);
    }
  }

  private static void assertComputes(SameDiff graph, INDArray expected) {
    graph.setEnableCache(false);
    ArrayAssert.assertClose(
        ReferenceInterpreter.run(graph, Map.of(), List.of("o")).get("o"), expected);
    for (int i = 0; i < 2; i++) {
      ArrayAssert.assertClose(graph.output(Map.of(), "o").get("o"), expected);
    }
  }

  @ParameterizedTest
  @MethodSource("everyOp")
  void leavesTheSourceUntouched(OpCase op) {
    SameDiff source = op.graph();
    String before = GraphText.of(source);

    GraphCopy.of(source).output(Map.of(), "o");

    assertThat(GraphText.of(source)).isEqualTo(before);
  }

  @Test
  void hasTheSameVariablesOpsLossesAndOutputs() {
    SameDiff source = regression();

    SameDiff copy = GraphCopy.of(source);

    assertThat(copy.getVariables().keySet()).isEqualTo(source.getVariables().keySet());
    assertThat(copy.getOps().keySet()).isEqualTo(source.getOps().keySet());
    assertThat(copy.getLossVariables()).containsExactly("loss");
    assertThat(copy.outputs()).containsExactly("z");
    assertThat(copy.inputs()).containsExactly("x", "y");
    assertThat(copy.getVariable("x").placeholderShape()).containsExactly(-1, 4);
    assertThat(copy.getVariable("x").dataType()).isEqualTo(DataType.DOUBLE);
    assertThat(copy.getVariable("w").getSameDiff()).isSameAs(copy);
    for (SameDiffOp op : copy.getOps().values()) {
      SameDiffOp original = source.getOps().get(op.getName());
      assertThat(op.getOp()).isNotSameAs(original.getOp());
      assertThat(op.getOp().getOwnName()).isEqualTo(op.getName());
      assertThat(op.getOp().getSameDiff()).isSameAs(copy);
      assertThat(op.getInputsToOp()).isEqualTo(original.getInputsToOp());
      assertThat(op.getOutputsOfOp()).isEqualTo(original.getOutputsOfOp());
    }
  }

  @Test
  void sharesTheArraysOfParametersAndConstants() {
    SameDiff source = regression();
    SameDiff copy = GraphCopy.of(source);

    assertThat(copy.getVariable("w").getArr()).isSameAs(source.getVariable("w").getArr());
    assertThat(copy.getVariable("scale").getArr()).isSameAs(source.getVariable("scale").getArr());

    source.getVariable("w").setArray(OpCase.random(4, 2).addi(1));
    ArrayAssert.assertClose(loss(copy), loss(source));
    source.getVariable("w").getArr().addi(1);
    ArrayAssert.assertClose(loss(copy), loss(source));
    source.setArrayForVariable("scale", OpCase.random(2).addi(1));
    ArrayAssert.assertClose(loss(copy), loss(source));
  }

  @Test
  void seesATrainingStepOfTheSource() {
    SameDiff source = regression();
    SameDiff copy = GraphCopy.of(source);
    INDArray before = loss(copy);
    source.setTrainingConfig(
        TrainingConfig.builder()
            .updater(new Sgd(0.1))
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("y")
            .build());

    for (int i = 0; i < 3; i++) {
      source.fit(new DataSet(feeds().get("x"), feeds().get("y")));
      ArrayAssert.assertClose(loss(copy), loss(source));
    }

    assertThat(loss(copy).getDouble(0)).isLessThan(before.getDouble(0));
    assertThat(copy.getVariables().keySet()).noneMatch(name -> name.endsWith("-grad"));
  }

  @Test
  void keepsItsOwnArrays() {
    SameDiff source = regression();
    SameDiff copy = GraphCopy.of(source);
    INDArray w = source.getVariable("w").getArr().dup();

    copy.getVariable("w").setArray(OpCase.random(4, 2).addi(1));
    copy.var("more", OpCase.random(2));
    copy.renameVariable("scale", "factor");

    ArrayAssert.assertClose(source.getVariable("w").getArr(), w);
    ArrayAssert.assertClose(copy.getVariable("w").getArr(), OpCase.random(4, 2).addi(1));
    ArrayAssert.assertClose(copy.getVariable("more").getArr(), OpCase.random(2));
    assertThat(copy.getVariable("factor").getArr()).isSameAs(source.getVariable("scale").getArr());
    assertThat(source.hasVariable("more")).isFalse();
    assertThat(copy.getVariablesArrays().arrayNames()).containsExactlyInAnyOrder("w", "more");
  }

  @Test
  void savesAndLoadsWhatItShares() {
    SameDiff source = regression();

    SameDiff loaded = SaveAndLoad.through(GraphCopy.of(source));

    ArrayAssert.assertClose(loss(loaded), loss(source));
    assertThat(loaded.getVariable("w").getArr()).isNotSameAs(source.getVariable("w").getArr());
  }

  @Test
  void canBeCopiedAgain() {
    SameDiff source = regression();

    SameDiff copy = GraphCopy.of(GraphCopy.of(source));

    source.getVariable("w").setArray(OpCase.random(4, 2).addi(1));
    ArrayAssert.assertClose(loss(copy), loss(source));
  }

  @Test
  void isAGraphThatCanBeDifferentiatedAndTrained() {
    SameDiff source = regression();
    SameDiff copy = GraphCopy.of(source);

    INDArray expected = source.calculateGradients(feeds(), "w").get("w");

    ArrayAssert.assertClose(copy.calculateGradients(feeds(), "w").get("w"), expected);
  }

  @Test
  void bindsTheWeightsThatALayerRemembers() {
    SameDiff source =
        everyOp().stream()
            .filter(op -> op.name().startsWith("lstm"))
            .findFirst()
            .orElseThrow()
            .graph();

    SameDiff copy = GraphCopy.of(source);

    LSTMLayer layer = (LSTMLayer) copy.getOps().values().iterator().next().getOp();
    assertThat(layer.getWeights().getRWeights()).isSameAs(copy.getVariable("u"));
  }

  @Test
  void namesTheOpThatCannotBeCopied() {
    SameDiff source = SameDiff.create();
    SDVariable x = source.placeHolder("x", DataType.DOUBLE, 2);
    source.ifCond(g -> x.sum().gt(0.0), g -> x.mul(2.0), g -> x.mul(3.0));
    String before = GraphText.of(source);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> GraphCopy.of(source))
        .withMessageContaining("switch")
        .withMessageContaining("control flow");

    assertThat(GraphText.of(source)).isEqualTo(before);
  }

  @Test
  void doesNotMindAnOpenNameScope() {
    SameDiff source = regression();
    try (NameScope scope = source.withNameScope("open")) {
      SameDiff copy = GraphCopy.of(source);

      assertThat(scope.getName()).isEqualTo("open");
      assertThat(copy.currentNameScope()).isNull();
      assertThat(copy.getVariables().keySet()).isEqualTo(source.getVariables().keySet());
    }
  }

  @Test
  void canBeEvaluatedByManyThreads() throws Exception {
    SameDiff copy = GraphCopy.of(regression());
    INDArray expected = ReferenceInterpreter.run(copy, feeds(), List.of("loss")).get("loss");
    ExecutorService threads = Executors.newFixedThreadPool(4);
    List<Future<INDArray>> losses = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      losses.add(threads.submit(() -> loss(copy).dup()));
    }
    for (Future<INDArray> loss : losses) {
      ArrayAssert.assertClose(loss.get(), expected);
    }
    threads.shutdown();
  }
}
