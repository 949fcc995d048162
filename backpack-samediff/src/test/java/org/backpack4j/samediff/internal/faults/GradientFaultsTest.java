package org.backpack4j.samediff.internal.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.OutputStream;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.testing.OpCase;
import org.backpack4j.samediff.testing.OpCases;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
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

  /** What SameDiff cannot differentiate, and says so: an error, which is no fault. */
  private static final Set<String> REFUSED =
      Set.of(
          "adjustHue",
          "adjustSaturation",
          "all",
          "and",
          "any",
          "argmax",
          "batchNorm 2d",
          "batchNorm nchw",
          "batchNorm nhwc",
          "bitShift",
          "bitwise and",
          "cholesky",
          "clipByAvgNorm",
          "clipByNorm of all",
          "comparison of two",
          "conv2d NCHW SAME OIYX",
          "conv2d NCHW SAME OYXI",
          "conv2d NCHW VALID OIYX",
          "conv2d NCHW VALID OYXI",
          "conv2d NHWC SAME OIYX",
          "conv2d NHWC SAME OYXI",
          "conv2d NHWC VALID OIYX",
          "conv2d NHWC VALID OYXI",
          "countNonZero",
          "dropout p=1",
          "embeddingLookup",
          "extractImagePatches",
          "firstIndex",
          "gather axis 1",
          "gatherNd",
          "greater",
          "iamax",
          "imageResize",
          "isFinite",
          "isMax",
          "lastIndex",
          "logEntropy",
          "logSoftmax axis 1 of 4d",
          "matchCondition",
          "matrixBandPart",
          "matrixDeterminant",
          "mergeMaxIndex",
          "rank",
          "reduce logSumExp",
          "resizeBilinear",
          "rgbToYuv",
          "shape",
          "size",
          "sizeAt",
          "tensorMmul 3d by 2d",
          "topK",
          "where");

  static List<OpCase> differentiated() {
    return OpCases.all().stream()
        .filter(op -> !REFUSED.contains(op.name()))
        // In single precision a central difference says nothing.
        .filter(op -> !op.name().equals("cast"))
        .toList();
  }

  static List<OpCase> refused() {
    return OpCases.all().stream().filter(op -> REFUSED.contains(op.name())).toList();
  }

  @ParameterizedTest
  @MethodSource("differentiated")
  void gradientsAreWrongWhereAFaultIsReported(OpCase op) {
    SameDiff graph = weighted(op);
    Map<String, INDArray> directions = directions(op);
    Map<String, INDArray> gradients = gradients(graph, directions);

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

  @ParameterizedTest
  @MethodSource("refused")
  void whatSameDiffCannotDifferentiateItRefuses(OpCase op) {
    SameDiff graph = weighted(op);
    assertThatThrownBy(() -> gradients(graph, directions(op))).isInstanceOf(RuntimeException.class);
  }

  @Test
  void everyRefusedOpIsTried() {
    assertThat(refused()).extracting(OpCase::name).containsExactlyInAnyOrderElementsOf(REFUSED);
  }

  private static Map<String, INDArray> directions(OpCase op) {
    Map<String, INDArray> directions = new LinkedHashMap<>();
    op.variables()
        .forEach((name, array) -> directions.put(name, OpCase.random(array.shape()).addi(0.3)));
    return directions;
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

  /** SameDiff's gradients without the array cache. */
  private static Map<String, INDArray> gradients(SameDiff graph, Map<String, INDArray> directions) {
    graph.createGradFunction(directions.keySet().toArray(new String[0]));
    graph.getFunction("grad").setEnableCache(false);
    return graph.calculateGradients(Map.of(), directions.keySet());
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
