package org.backpack4j.samediff.internal.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.OutputStream;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.testing.OpCase;
import org.backpack4j.samediff.testing.OpCases;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Holds the list of wrong gradients to be true and complete: on every op, SameDiff's gradient is
 * compared with a central difference, and is wrong if and only if a fault is reported.
 */
class GradientFaultsTest {
  private static PrintStream out;

  /** SameDiff prints a line for each op that it differentiates. */
  @BeforeAll
  static void silence() {
    out = System.out;
    System.setOut(new PrintStream(OutputStream.nullOutputStream()));
  }

  @AfterAll
  static void speak() {
    System.setOut(out);
  }

  static List<OpCase> everyOp() {
    return OpCases.all().stream()
        // In single precision a central difference says nothing.
        .filter(op -> !op.name().equals("cast"))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("everyOp")
  void gradientsAreWrongWhereAFaultIsReported(OpCase op) {
    SameDiff graph = weighted(op);
    Map<String, INDArray> directions = new LinkedHashMap<>();
    op.variables()
        .forEach((name, array) -> directions.put(name, OpCase.random(array.shape()).addi(0.3)));

    Map<String, INDArray> gradients = gradients(graph, directions);
    assumeThat(gradients).as("an error, which is no fault").isNotEmpty();

    boolean wrong = false;
    for (Map.Entry<String, INDArray> direction : directions.entrySet()) {
      INDArray gradient = gradients.get(direction.getKey());
      if (gradient != null) {
        double expected = centralDifference(graph, direction.getKey(), direction.getValue());
        wrong |= isOff(gradient, direction.getValue(), expected);
      }
    }
    List<Fault> faults = Faults.of(graph);
    assertThat(wrong).as("%s: %s", op, faults).isEqualTo(!faults.isEmpty());
  }

  /** A slice of one row is wrong, one of two is right. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void slicesOfARowAreFaults(int rows) {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.var("x", OpCase.random(rows, 3).addi(0.3));
    x.get(SDIndex.all(), SDIndex.interval(1, 2)).sum("loss");
    graph.setLossVariables("loss");
    INDArray direction = OpCase.random(rows, 3).addi(0.3);
    INDArray gradient = gradients(graph, Map.of("x", direction)).get("x");
    boolean wrong = isOff(gradient, direction, centralDifference(graph, "x", direction));
    assertThat(wrong).isEqualTo(rows == 1);
    assertThat(Faults.of(graph)).hasSize(wrong ? 1 : 0);
  }

  /** A weighted sum of the op's result, as the loss. */
  private static SameDiff weighted(OpCase op) {
    SameDiff graph = op.graph();
    SDVariable result = graph.getVariable("o");
    INDArray value = ReferenceInterpreter.run(graph, Map.of(), List.of("o")).get("o");
    SDVariable weights = graph.constant("weights", OpCase.random(value.shape()).addi(0.25));
    SDVariable weighted = result.castTo(DataType.DOUBLE).mul(weights);
    (value.rank() == 0 ? weighted : weighted.sum()).rename("loss");
    graph.setLossVariables("loss");
    return graph;
  }

  /** SameDiff's gradients without the array cache; none if SameDiff fails. */
  private static Map<String, INDArray> gradients(SameDiff graph, Map<String, INDArray> directions) {
    try {
      graph.createGradFunction(directions.keySet().toArray(new String[0]));
      graph.getFunction("grad").setEnableCache(false);
      return graph.calculateGradients(Map.of(), directions.keySet());
    } catch (RuntimeException e) {
      return Map.of();
    }
  }

  private static double centralDifference(SameDiff graph, String name, INDArray direction) {
    double step = 1e-6;
    INDArray parameter = graph.getVariable(name).getArr();
    parameter.addi(direction.mul(step));
    double above = loss(graph);
    parameter.subi(direction.mul(2 * step));
    double below = loss(graph);
    parameter.addi(direction.mul(step));
    return (above - below) / (2 * step);
  }

  private static double loss(SameDiff graph) {
    return ReferenceInterpreter.run(graph, Map.of(), List.of("loss")).get("loss").getDouble(0);
  }

  private static boolean isOff(INDArray gradient, INDArray direction, double expected) {
    if (gradient.length() != direction.length()) {
      return true;
    }
    double found = gradient.dup('c').mul(direction.dup('c')).sumNumber().doubleValue();
    double size = gradient.norm2Number().doubleValue() * direction.norm2Number().doubleValue();
    // preciseGelu's gradient has rounded constants, and is off by up to 6e-5.
    return !Double.isFinite(found) || !(Math.abs(found - expected) <= 1e-4 * Math.max(1, size));
  }
}
