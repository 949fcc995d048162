package org.backpack4j.samediff.internal.rewrite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.internal.nd4j.GraphCopy;
import org.backpack4j.samediff.internal.nd4j.SaveRepair;
import org.backpack4j.samediff.testing.ArrayAssert;
import org.backpack4j.samediff.testing.GraphText;
import org.backpack4j.samediff.testing.Layouts;
import org.backpack4j.samediff.testing.OpCase;
import org.backpack4j.samediff.testing.OpCases;
import org.backpack4j.samediff.testing.SaveAndLoad;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class InputReshapesTest {
  private static final List<String> NAMES = List.of("loss", "grad", "diagonal");

  /** A dense layer with a squared error, its gradient and the diagonal of the latter's square. */
  private static SameDiff dense() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 5);
    SDVariable y = graph.placeHolder("y", DataType.DOUBLE, -1, 5);
    SDVariable w = graph.var("w", OpCase.random(5, 5));
    SDVariable d = x.mmul(w).sub(y);
    d.mul(d).sum("loss");
    graph.mmul("grad", x, d, true, false, false);
    graph.mmul("diagonal", x.mul(x), d.mul(d), true, false, false);
    return graph;
  }

  private static Map<String, INDArray> feeds(int layout) {
    return Map.of(
        "x", Layouts.of(OpCase.random(6, 5)).get(layout),
        "y", Layouts.of(OpCase.random(6, 5).addi(0.3)).get(layout));
  }

  private static SameDiff laidOut(SameDiff graph) {
    SameDiff copy = GraphCopy.of(graph);
    InputReshapes.apply(copy);
    return copy;
  }

  private static List<String> ops(SameDiff graph) {
    List<String> text = new ArrayList<>();
    for (SameDiffOp op : graph.getOps().values()) {
      text.add(
          String.join(", ", op.getOutputsOfOp())
              + " = "
              + op.getOp().opName()
              + "("
              + String.join(", ", op.getInputsToOp())
              + ")");
    }
    return text;
  }

  private static void assertRight(
      SameDiff graph, Map<String, INDArray> feeds, Map<String, INDArray> expected) {
    for (int i = 0; i < 3; i++) {
      Map<String, INDArray> computed = graph.output(feeds, List.copyOf(expected.keySet()));
      expected.forEach((name, array) -> ArrayAssert.assertClose(computed.get(name), array));
    }
  }

  /** The fault of M2.1 that the pass is there for. If this fails, the fault is gone. */
  @Test
  void withoutThemM21IsWrongFromTheSecondEvaluationOn() {
    SameDiff graph = GraphCopy.of(dense());
    Map<String, INDArray> feeds = feeds(1);
    INDArray expected = ReferenceInterpreter.run(graph, feeds, NAMES).get("diagonal");

    ArrayAssert.assertClose(graph.output(feeds, NAMES).get("diagonal"), expected);
    assertThat(ArrayAssert.difference(graph.output(feeds, NAMES).get("diagonal"), expected))
        .isGreaterThan(0.1);
  }

  @Test
  void withThemEveryEvaluationIsRightForEveryLayout() {
    for (int feeds = 0; feeds < 4; feeds++) {
      for (INDArray w : Layouts.of(OpCase.random(5, 5))) {
        SameDiff source = dense();
        source.getVariable("w").setArray(w);
        Map<String, INDArray> expected = ReferenceInterpreter.run(source, feeds(0), NAMES);

        SameDiff graph = laidOut(source);

        assertRight(graph, feeds(feeds), expected);
        assertRight(SaveAndLoad.through(graph), feeds(feeds), expected);
      }
    }
  }

  @Test
  void withThemAParameterMayChangeItsLayoutLater() {
    SameDiff source = dense();
    SameDiff graph = laidOut(source);
    for (INDArray w : Layouts.of(OpCase.random(5, 5).addi(1))) {
      source.getVariable("w").setArray(w);
      assertRight(graph, feeds(1), ReferenceInterpreter.run(source, feeds(0), NAMES));
    }
  }

  static List<OpCase> everyOp() {
    return OpCases.all();
  }

  @ParameterizedTest
  @MethodSource("everyOp")
  void everyOpIsRightWhereParametersAndConstantsAreInFOrder(OpCase op) {
    SameDiff source = op.graph();
    Map<String, INDArray> expected = ReferenceInterpreter.run(source, Map.of(), List.of("o"));
    for (SDVariable variable : source.variables()) {
      if (variable.getVariableType() != VariableType.ARRAY) {
        variable.setArray(variable.getArr().dup('f'));
      }
    }

    SameDiff graph = laidOut(source);

    assertRight(graph, Map.of(), expected);
    if (SaveRepair.lost(graph).isEmpty()) {
      assertRight(SaveAndLoad.through(graph), Map.of(), expected);
    }
  }

  @Test
  void rewireAllReaders() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 2);
    SDVariable w = graph.var("w", OpCase.random(2, 2));
    SDVariable c = graph.constant("c", OpCase.random(2, 2));
    SDVariable b = graph.constant("b", OpCase.random(2));
    x.mmul("z", w).add("a", b);
    x.mul("o", x).add("p", c);
    assertThat(ops(graph))
        .containsExactly(
            "z = matmul(x, w)", "a = add(z, b)", "o = multiply(x, x)", "p = add(o, c)");

    InputReshapes.apply(graph);

    assertThat(ops(graph))
        .containsExactly(
            "z = matmul(backpack/x/entrance, backpack/w/entrance)",
            "a = add(z, b)",
            "o = multiply(backpack/x/entrance, backpack/x/entrance)",
            "p = add(o, backpack/c/entrance)",
            "backpack/c/entrance = reshape(c)",
            "backpack/w/entrance = reshape(w)",
            "backpack/x/entrance = reshape(x)");
    assertThat(graph.getVariables().get("x").getInputsForOp())
        .containsExactly("backpack/x/reshape");
    assertThat(graph.getVariables().get("backpack/x/entrance").getInputsForOp())
        .containsExactly("matmul", "multiply");
    assertThat(InputReshapes.name("x")).isEqualTo("backpack/x/entrance");
    assertThat(InputReshapes.behind(graph, "backpack/x/entrance")).contains("x");
    assertThat(InputReshapes.behind(graph, "z")).isEmpty();
    assertThat(InputReshapes.behind(graph, "x")).isEmpty();
  }

  @Test
  void areAddedOnce() {
    SameDiff graph = laidOut(dense());
    List<String> before = ops(graph);

    InputReshapes.apply(graph);

    assertThat(ops(graph)).isEqualTo(before);
  }

  @Test
  void leaveTheSourceAlone() {
    SameDiff source = dense();
    String before = GraphText.of(source);

    laidOut(source).output(feeds(1), NAMES);

    assertThat(GraphText.of(source)).isEqualTo(before);
  }

  @Test
  void refuseATakenName() {
    SameDiff graph = dense();
    graph.var("backpack/x/entrance", OpCase.random(2));
    String before = GraphText.of(graph);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> InputReshapes.apply(graph))
        .withMessageContaining("\"backpack/x/entrance\"");

    assertThat(GraphText.of(graph)).isEqualTo(before);
  }

  private static SameDiff square(DataType type, long... shape) {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", type, shape);
    x.mul("o", x);
    return graph;
  }

  private static void assertSquares(SameDiff graph, INDArray x) {
    SameDiff laidOut = laidOut(graph);
    assertThat(laidOut.getVariables()).containsKey("backpack/x/entrance");
    Map<String, INDArray> expected = Map.of("o", x.mul(x));
    for (INDArray feed : Layouts.of(x)) {
      assertRight(laidOut, Map.of("x", feed), expected);
      assertRight(SaveAndLoad.through(laidOut), Map.of("x", feed), expected);
    }
  }

  @Test
  void takeAnyBatchSize() {
    SameDiff graph = square(DataType.DOUBLE, -1, 3, 2);
    assertSquares(graph, OpCase.random(1, 3, 2));
    assertSquares(graph, OpCase.random(7, 3, 2));
    INDArray none =
        laidOut(graph).output(Map.of("x", Nd4j.create(DataType.DOUBLE, 0, 3, 2)), "o").get("o");
    assertThat(none.shape()).containsExactly(0, 3, 2);
  }

  @Test
  void takeSeveralUnknownExtents() {
    assertSquares(square(DataType.DOUBLE, -1, -1, 2), OpCase.random(4, 3, 2));
    assertSquares(square(DataType.DOUBLE, -1, -1), OpCase.random(1, 3));
  }

  @Test
  void takeAnUnknownRank() {
    assertSquares(square(DataType.DOUBLE), OpCase.random(4, 3));
    assertSquares(square(DataType.DOUBLE), OpCase.random(4));
    assertSquares(square(DataType.DOUBLE), Nd4j.scalar(3.0));
  }

  @Test
  void takeWholeNumbersAndTruthValues() {
    assertSquares(
        square(DataType.INT32, -1, 2), Nd4j.createFromArray(new int[][] {{1, 2}, {3, 4}, {5, 6}}));
    SameDiff graph = SameDiff.create();
    SDVariable bits = graph.placeHolder("x", DataType.BOOL, -1, 2);
    graph.math().and("o", bits, bits);
    INDArray feed = Nd4j.createFromArray(new boolean[][] {{true, true}, {false, true}}).dup('f');
    assertRight(
        laidOut(graph),
        Map.of("x", feed),
        Map.of("o", Nd4j.createFromArray(new boolean[][] {{true, true}, {false, true}})));
  }

  @Test
  void leaveScalarsVectorConstantsAndUnreadVariablesAlone() {
    SameDiff graph = SameDiff.create();
    SDVariable n = graph.placeHolder("n", DataType.INT32);
    graph.placeHolder("unread", DataType.DOUBLE, -1, 2);
    SDVariable scalar = graph.var("scalar", Nd4j.scalar(2.0));
    graph.constant("c", OpCase.random(3)).mul("p", scalar);
    n.add("q", n);
    List<String> before = ops(graph);

    InputReshapes.apply(graph);

    assertThat(ops(graph)).isEqualTo(before);
  }
}
