package org.backpack4j.samediff.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.array.SingleThreadArrayHolder;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Graphs of single and half precision, and what becomes of them. */
class DoubleCopyTest {

  private static INDArray run(SameDiff graph, Map<String, INDArray> feeds, String name) {
    return ReferenceInterpreter.run(graph, feeds, List.of(name)).get(name);
  }

  @Test
  @DisplayName("what single precision loses is there in the copy")
  void precision() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, 2);
    SDVariable w = graph.var("w", Nd4j.createFromArray(1f, 2f));
    graph.math().exp("z", x.mul(w).div(3).add(graph.constant(1f)));
    Map<String, INDArray> feeds = Map.of("x", Nd4j.createFromArray(1.0, 0.1));

    INDArray z = run(DoubleCopy.of(graph), feeds, "z");

    assertThat(z.dataType()).isEqualTo(DataType.DOUBLE);
    assertThat(z.getDouble(0)).isCloseTo(Math.exp(4.0 / 3), within(1e-15));
    assertThat(z.getDouble(1)).isCloseTo(Math.exp(0.2 / 3 + 1), within(1e-15));
  }

  @Test
  @DisplayName("casts and ops that make arrays of a type of their own")
  void typesThatOpsHold() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.INT32, 3);
    SDVariable half = x.castTo(DataType.FLOAT16).div(3).castTo(DataType.FLOAT);
    SDVariable hot = graph.oneHot(x, 4, -1, 0.7, 0, DataType.FLOAT);
    SDVariable made =
        graph
            .zerosLike(half)
            .add(graph.onesLike(half))
            .add(graph.linspace(DataType.FLOAT, 0, 1, 3))
            .add(graph.range(0, 3, 1, DataType.FLOAT))
            .add(graph.fill(graph.constant(Nd4j.createFromArray(3)), DataType.FLOAT, 0.1));
    half.add(hot.sum(1)).add("z", made);

    SameDiff copy = DoubleCopy.of(graph);
    INDArray z = run(copy, Map.of("x", Nd4j.createFromArray(1, 2, 3)), "z");

    assertThat(copy.variables())
        .extracting(SDVariable::dataType)
        .allMatch(type -> type == DataType.DOUBLE || type.isIntType());
    for (int k = 0; k < 3; k++) {
      double expected = (k + 1) / 3.0 + 0.7 + 1 + k / 2.0 + k + 0.1;
      assertThat(z.getDouble(k)).isCloseTo(expected, within(1e-15));
    }
  }

  @Test
  @DisplayName("the original keeps its types and values, whatever is done to the copy")
  void originalIsUntouched() {
    SameDiff graph = SameDiff.create();
    SDVariable w = graph.var("w", Nd4j.createFromArray(1f, 2f).reshape('f', 1, 2));
    SDVariable c = graph.constant("c", Nd4j.createFromArray(3f));
    w.mul(c).castTo("z", DataType.FLOAT16);
    INDArray array = w.getArr();

    SameDiff copy = DoubleCopy.of(graph);
    copy.getArrForVarName("w").assign(7);
    copy.getArrForVarName("c").assign(7);

    assertThat(graph.getArrForVarName("w")).isSameAs(array);
    assertThat(array).isEqualTo(Nd4j.createFromArray(1f, 2f).reshape(1, 2));
    assertThat(c.getArr().getDouble(0)).isEqualTo(3);
    assertThat(graph.variables()).extracting(SDVariable::dataType).doesNotContain(DataType.DOUBLE);
    assertThat(run(graph, Map.of(), "z").dataType()).isEqualTo(DataType.FLOAT16);
    assertThat(copy.getArrForVarName("w").ordering()).isEqualTo('c');
  }

  @Test
  void parameterWithoutArray() {
    SameDiff graph = SameDiff.create();
    graph.var("w", DataType.FLOAT, 2, 2);
    graph.setArrayHolders(new SingleThreadArrayHolder(), new SingleThreadArrayHolder(), false);

    assertThatThrownBy(() -> DoubleCopy.of(graph))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("\"w\"");
  }
}
