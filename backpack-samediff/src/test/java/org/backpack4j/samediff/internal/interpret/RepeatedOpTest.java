package org.backpack4j.samediff.internal.interpret;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** An op that runs again answers what one that runs for the first time does. */
class RepeatedOpTest {
  private final SameDiff sd = SameDiff.create();
  private final SDVariable x = sd.placeHolder("x", DataType.DOUBLE, 2, 3);

  static Stream<Arguments> ops() {
    return Stream.of(
        op("native", x -> x.mul(x)),
        op("of the older kind", x -> x.getSameDiff().math().tanh(x)),
        op("a sum", x -> x.sum(1)),
        op("a sum of a row over ones", x -> x.getSameDiff().sum(x, true, 0)),
        op("a scalar op", x -> x.add(2)),
        op("an identity", x -> x.getSameDiff().identity(x)),
        op("a constant beside it", x -> x.add(x.getSameDiff().constant(Graphs.random(1, 3)))),
        op("an op that spoils its input", x -> contrast(x.getSameDiff(), x)),
        op(
            "a shape that follows from numbers",
            x -> x.getSameDiff().range(x.min(), x.max(), x.std(true), DataType.DOUBLE)));
  }

  private static SDVariable contrast(SameDiff sd, SDVariable x) {
    return sd.image().adjustContrast(sd.reshape(x, 1, 2, 1, 3), 1.5);
  }

  private static Arguments op(String name, UnaryOperator<SDVariable> op) {
    return Arguments.of(name, op);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ops")
  void answersWhatANewOneDoes(String name, UnaryOperator<SDVariable> op) {
    String result = op.apply(x).name();
    List<SameDiffOp> ops = ReferenceInterpreter.order(sd, List.of(result));
    Map<String, RepeatedOp> repeated = new HashMap<>();
    ops.forEach(node -> repeated.put(node.getName(), new RepeatedOp(sd, node)));
    INDArray same = Nd4j.create(DataType.DOUBLE, 2, 3);
    for (int run = 0; run < 4; run++) {
      INDArray numbers = Graphs.random(2, 3).addi(run);
      same.assign(numbers);
      INDArray fed = run < 3 ? same : numbers; // at last another array
      Map<String, INDArray> known = new HashMap<>(Map.of("x", fed));
      for (SameDiffOp node : ops) {
        List<INDArray> inputs =
            node.getInputsToOp().stream()
                .map(i -> known.containsKey(i) ? known.get(i) : sd.getArrForVarName(i))
                .toList();
        List<INDArray> outputs = repeated.get(node.getName()).run(inputs);
        for (int k = 0; k < outputs.size(); k++) {
          known.put(node.getOutputsOfOp().get(k), outputs.get(k));
        }
      }
      INDArray plain =
          ReferenceInterpreter.run(sd, Map.of("x", numbers), List.of(result)).get(result);
      assertThat(known.get(result).shape()).as("run %d", run).isEqualTo(plain.shape());
      assertThat(known.get(result).ravel().toDoubleVector())
          .as("run %d", run)
          .isEqualTo(plain.ravel().toDoubleVector());
      assertThat(fed).isEqualTo(numbers);
    }
  }

  @Test
  void looksAtIndicesEachTime() {
    SDVariable indices = sd.placeHolder("i", DataType.INT32, 2);
    String result = sd.gather(x, indices, 0).name();
    RepeatedOp gather = new RepeatedOp(sd, ReferenceInterpreter.order(sd, List.of(result)).get(0));
    INDArray rows = Nd4j.createFromArray(0, 1);
    List<INDArray> inputs = List.of(Graphs.random(2, 3), rows);
    gather.run(inputs);
    rows.assign(Nd4j.createFromArray(1, 7));
    assertThatThrownBy(() -> gather.run(inputs))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("reads at the index 7");
  }
}
