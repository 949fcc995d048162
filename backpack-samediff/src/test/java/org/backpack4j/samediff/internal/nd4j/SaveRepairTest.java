package org.backpack4j.samediff.internal.nd4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.testing.ArrayAssert;
import org.backpack4j.samediff.testing.GraphText;
import org.backpack4j.samediff.testing.OpCase;
import org.backpack4j.samediff.testing.SaveAndLoad;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Tanh;

class SaveRepairTest {
  private static INDArray value(SameDiff graph, String name) {
    return ReferenceInterpreter.run(graph, Map.of(), List.of(name)).get(name);
  }

  @Test
  void writesABiasedVarianceOut() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.var("x", OpCase.random(3, 4, 2));
    graph.variance("v", x, false, 1);
    INDArray expected = value(graph, "v");
    // The fault of M2.1 that this mends: the loaded graph corrects the bias.
    assertThat(ArrayAssert.difference(value(SaveAndLoad.through(graph), "v"), expected))
        .isGreaterThan(0.1);
    assertThat(SaveRepair.lost(graph)).hasSize(1);

    SaveRepair.apply(graph);

    ArrayAssert.assertClose(value(graph, "v"), expected);
    ArrayAssert.assertClose(value(SaveAndLoad.through(graph), "v"), expected);
    assertThat(SaveRepair.lost(graph)).isEmpty();
  }

  @Test
  void leavesACorrectedVarianceAlone() {
    SameDiff graph = SameDiff.create();
    graph.variance("v", graph.var("x", OpCase.random(3, 4)), true, 1);
    String before = GraphText.of(graph);

    SaveRepair.apply(graph);

    assertThat(GraphText.of(graph)).isEqualTo(before);
  }

  @Test
  void reducesLogSoftmaxToItsArguments() {
    SameDiff graph = SameDiff.create();
    graph.nn().logSoftmax("o", graph.var("x", OpCase.random(2, 3, 4)), 1);
    INDArray expected = value(graph, "o");

    SaveRepair.apply(graph);

    assertThat(graph.getOps().values())
        .singleElement()
        .satisfies(op -> assertThat(op.getOp()).isInstanceOf(PlainOp.class))
        .satisfies(op -> assertThat(op.getOp().opName()).isEqualTo("log_softmax"));
    ArrayAssert.assertClose(value(graph, "o"), expected);
    ArrayAssert.assertClose(value(SaveAndLoad.through(graph), "o"), expected);
  }

  @Test
  void renamesAnOpThatHasAVariablesName() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.var("x", OpCase.random(2));
    graph.math().tanh(x).rename("h");
    SDVariable named = graph.var("tanh", OpCase.random(2));
    graph.getVariable("h").add("o", named);
    INDArray expected = value(graph, "o");
    // The fault of M2.1 that this mends: the loaded op computes "tanh" instead of "h".
    assertThat(SaveAndLoad.through(graph).getVariableOutputOp("h")).isNull();

    SaveRepair.apply(graph);

    SameDiffOp op = graph.getOps().get("tanh_op");
    assertThat(op.getOp()).isInstanceOf(Tanh.class);
    assertThat(graph.getVariables().get("h").getOutputOfOp()).isEqualTo("tanh_op");
    assertThat(graph.getVariables().get("x").getInputsForOp()).containsExactly("tanh_op");
    assertThat(graph.getOps().keySet()).containsExactly("tanh_op", "add");
    ArrayAssert.assertClose(value(graph, "o"), expected);
    ArrayAssert.assertClose(value(SaveAndLoad.through(graph), "o"), expected);
  }
}
