package org.backpack4j.samediff.internal.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.internal.shape.StaticShapes;
import org.backpack4j.samediff.testing.GraphText;
import org.backpack4j.samediff.testing.OpCase;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.PadMode;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.TruncateDivOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.conditions.Conditions;

class FaultsTest {
  private final SameDiff graph = SameDiff.create();

  private SDVariable w(long... shape) {
    return graph.var("w", OpCase.random(shape));
  }

  private SDVariable x(long... shape) {
    return graph.placeHolder("x", DataType.DOUBLE, shape);
  }

  /** Makes the sum of a variable the loss. */
  private void loss(SDVariable variable) {
    variable.sum("loss");
    graph.setLossVariables("loss");
  }

  private void assertNone() {
    assertThat(Faults.of(graph)).isEmpty();
  }

  private void assertOnly(String node, String problem) {
    assertThat(Faults.of(graph))
        .singleElement()
        .satisfies(fault -> assertThat(fault.node()).isEqualTo(node))
        .satisfies(fault -> assertThat(fault.problem()).contains(problem).endsWith("."))
        .satisfies(fault -> assertThat(fault.cure()).isNotEmpty().endsWith("."))
        .satisfies(
            fault ->
                assertThat(fault.message())
                    .isEqualTo("\"" + node + "\": " + fault.problem() + " " + fault.cure()));
  }

  // Segments where an extent is one.

  private SDVariable ids(int... ids) {
    return graph.constant(Nd4j.createFromArray(ids));
  }

  @Test
  void aSingleRowIsTakenForAVector() {
    loss(graph.unsortedSegmentSum("s", w(1, 3), ids(2), 5));

    assertOnly("s", "takes a single row [1, D] for a vector");
  }

  @Test
  void samplesAsRowsMayBeOne() {
    loss(graph.unsortedSegmentMax("s", x(-1, 3), ids(2), 5));

    assertOnly("s", "takes a single row [1, D] for a vector");
  }

  @Test
  void theMaximumOfAVectorForgetsItsFirstSegment() {
    loss(graph.segmentMax("s", w(3), ids(0, 1, 1)));

    assertOnly("s", "forgets the first segment of a vector");
  }

  @Test
  void theMeanOfARowIsZero() {
    loss(graph.segmentMean("s", w(1, 2, 2), ids(0)));

    assertOnly("s", "zeros for the mean of a single row");
  }

  @Test
  void otherSegmentsAreRight() {
    loss(
        graph
            .unsortedSegmentSum(w(2, 3), ids(1, 1), 2)
            .add(graph.segmentMax(graph.var("v", OpCase.random(3, 3)), ids(0, 1, 1))));

    assertNone();
  }

  // Layout.

  @Test
  void linearAnswersInFOrder() {
    graph.nn().linear("z", x(-1, 4), w(4, 3), graph.var("b", OpCase.random(3)));
    loss(graph.getVariable("z"));

    assertOnly("z", "answers in 'f' order");
  }

  @Test
  void linearToOneUnitAnswersInBothOrders() {
    loss(graph.nn().linear("z", x(-1, 4), w(4, 1), graph.var("b", OpCase.random(1))));

    assertNone();
  }

  @Test
  void linearThatNothingReadsDoesNoHarm() {
    graph
        .nn()
        .linear(
            "z", x(-1, 4), graph.constant(OpCase.random(4, 3)), graph.constant(OpCase.random(3)));
    loss(w(2));

    assertNone();
  }

  @Test
  void matrixProductsAnswerInCOrder() {
    loss(x(-1, 4).mmul(w(4, 3)).add(graph.var("b", OpCase.random(3))));

    assertNone();
  }

  @Test
  void withoutTheCacheLinearDoesNoHarm() {
    loss(graph.nn().linear("z", x(-1, 4), w(4, 3), graph.var("b", OpCase.random(3))));
    graph.setEnableCache(false);
    assertOnly("z", "answers in 'f' order");

    graph.createGradFunction();
    graph.getFunction("grad").setEnableCache(false);
    assertNone();
  }

  @Test
  void aParameterIsInFOrder() {
    SDVariable w = w(4, 3);
    loss(x(-1, 4).mmul(w));
    w.setArray(OpCase.random(4, 3).dup('f'));

    assertOnly("w", "in 'f' order");
  }

  @Test
  void aParameterInFOrderThatIsReadThroughAReshapeDoesNoHarm() {
    SDVariable w = w(4, 3);
    loss(x(-1, 4).mmul(w.reshape(4, 3)));
    w.setArray(OpCase.random(4, 3).dup('f'));

    assertNone();
  }

  @Test
  void aConstantIsInFOrder() {
    loss(w(4, 3).mul(graph.constant("c", OpCase.random(4, 3).dup('f'))));

    assertOnly("c", "in 'f' order");
  }

  @Test
  void aRowInFOrderIsInBothOrders() {
    SDVariable w = w(1, 3);
    loss(x(-1, 3).mul(w));
    w.setArray(OpCase.random(1, 3).dup('f'));

    assertNone();
  }

  @Test
  void aParameterInFOrderThatNothingReadsDoesNoHarm() {
    graph.var("unread", OpCase.random(4, 3).dup('f'));
    loss(w(2));

    assertNone();
  }

  // Gathers.

  private SDVariable indices() {
    return graph.placeHolder("i", DataType.INT32, -1);
  }

  @Test
  void theRowsOfAnEmbeddingAreGathered() {
    loss(graph.gather("e", w(5, 3), indices(), 0));

    assertOnly("e", "gather along axis 0");
  }

  @Test
  void rowsAreGatheredByWrittenIndices() {
    loss(graph.gather("e", w(5, 3), new int[] {1, 1, 2}, 0));

    assertOnly("e", "gather along axis 0");
  }

  @Test
  void rowsAreGatheredInOrder() {
    SDVariable w = w(5, 3);
    SDVariable some = graph.gather(w, new int[] {0, 1, 2}, 0);
    loss(some.add(graph.gather(w, graph.constant(Nd4j.createFromArray(0, 1, 2)), 0)));

    assertNone();
  }

  @Test
  void rowsOfDataAreGathered() {
    loss(graph.gather("e", x(5, 3), indices(), 0).mul(w(3)));

    assertNone();
  }

  @Test
  void columnsAreGathered() {
    loss(graph.gather("e", w(5, 3), indices(), 1));

    assertNone();
  }

  @Test
  void rowsThatNoLossDependsOnAreGathered() {
    SDVariable w = w(5, 3);
    graph.gather("e", w, indices(), 0);
    loss(w.mul(2));

    assertNone();
  }

  // Wrong gradients.

  @Test
  void batchNormalisationIsDifferentiated() {
    SDVariable[] statistics = new SDVariable[4];
    for (int i = 0; i < 4; i++) {
      statistics[i] = graph.constant(OpCase.random(3).addi(1));
    }
    loss(
        graph
            .nn()
            .batchNorm(
                "n",
                x(-1, 3).mul(w(3)),
                statistics[0],
                statistics[1],
                statistics[2],
                statistics[3],
                1e-3,
                1));

    assertOnly("n", "cannot differentiate");
  }

  @Test
  void batchNormalisationOfDataIsNotDifferentiated() {
    SDVariable[] statistics = new SDVariable[4];
    for (int i = 0; i < 4; i++) {
      statistics[i] = graph.constant(OpCase.random(3).addi(1));
    }
    loss(
        graph
            .nn()
            .batchNorm(
                "n", x(-1, 3), statistics[0], statistics[1], statistics[2], statistics[3], 1e-3, 1)
            .mul(w(3)));

    assertNone();
  }

  @Test
  void paddingReflects() {
    SDVariable padding = graph.constant(Nd4j.createFromArray(new int[][] {{0, 0}, {1, 1}}));
    loss(graph.nn().pad("p", w(3, 4), padding, PadMode.REFLECT, 0));

    assertOnly("p", "reflecting");
  }

  @Test
  void paddingIsConstant() {
    SDVariable padding = graph.constant(Nd4j.createFromArray(new int[][] {{0, 0}, {1, 1}}));
    loss(graph.nn().pad("p", w(3, 4), padding, PadMode.CONSTANT, 0));

    assertNone();
  }

  @Test
  void upsamplingHasChannelsLast() {
    loss(graph.cnn().upsampling2d("u", w(1, 2, 2, 3), 2, 2, false));

    assertOnly("u", "channels last");
  }

  @Test
  void upsamplingHasChannelsFirst() {
    loss(graph.cnn().upsampling2d("u", w(1, 3, 2, 2), 2, 2, true));

    assertNone();
  }

  @Test
  void cumulativeSumsAreDifferentiated() {
    loss(graph.cumsum("s", w(3, 4), false, false, 1));

    assertOnly("s", "gradient of this op is wrong");
  }

  @Test
  void cumulativeSumsOfDataAreNotDifferentiated() {
    loss(graph.cumsum("s", x(-1, 4), false, false, 1).mul(w(4)));

    assertNone();
  }

  @Test
  void theSmallerInputOfAMaximumIsTrained() {
    loss(graph.max("m", x(-1, 4), w(4)));

    assertOnly("m", "broadcast");
  }

  @Test
  void theLargerInputOfAMaximumIsTrained() {
    loss(graph.max("m", w(3, 4), graph.constant(OpCase.random(4))));

    assertNone();
  }

  @Test
  void theShapesOfAMaximumAreTold() {
    SDVariable w = w(4);
    SDVariable h = x(-1, 4).mul("h", w);
    loss(graph.max("m", h, h.add("k", 1.0)));
    assertOnly("m", "broadcast");

    StaticShapes shapes = name -> Optional.of(new long[] {-1, 4});
    assertThat(Faults.of(graph, List.of("loss"), shapes)).isEmpty();
  }

  // Losses.

  private SDVariable meanSquares(String name) {
    return graph
        .loss()
        .meanSquaredError(name, graph.constant(OpCase.random(3, 4)), w(3, 4).mul(2.0), null);
  }

  @Test
  void aLossIsScaled() {
    meanSquares("mse").mul("total", 0.5);
    graph.setLossVariables("total");

    assertOnly("mse", "ignores");
  }

  @Test
  void aLossPerSampleIsReduced() {
    graph
        .loss()
        .meanSquaredError(
            "mse", graph.constant(OpCase.random(3, 4)), w(3, 4), null, LossReduce.NONE)
        .mean("total");
    graph.setLossVariables("total");

    assertOnly("mse", "ignores");
  }

  @Test
  void aLossIsCountedTwice() {
    SDVariable loss = meanSquares("mse");
    loss.add("total", loss);
    graph.setLossVariables("total");

    assertOnly("mse", "ignores");
  }

  @Test
  void aLossIsAddedToAPenalty() {
    SDVariable loss = meanSquares("mse");
    SDVariable w = graph.getVariable("w");
    loss.add("total", w.mul(w).sum().mul(0.01)).add("shifted", 1.0);
    graph.setLossVariables("shifted");

    assertNone();
  }

  @Test
  void aPenaltyOpIsScaled() {
    SDVariable loss = meanSquares("mse");
    loss.add("total", graph.loss().l2Loss("penalty", graph.getVariable("w")).mul(0.01));
    graph.setLossVariables("total");

    assertOnly("penalty", "ignores");
  }

  @Test
  void aLossIsReportedByAnOpThatNoLossDependsOn() {
    meanSquares("mse").mul("percent", 100);

    assertThat(graph.getLossVariables()).containsExactly("mse");
    assertNone();
  }

  // Evaluation.

  @Test
  void aStrideIsNegative() {
    graph.stridedSlice("s", w(3, 4), new long[] {0, 3}, new long[] {3, 0}, new long[] {1, -1});

    assertOnly("s", "crash");
  }

  @Test
  void aStrideIsPositive() {
    graph.stridedSlice("s", w(3, 4), new long[] {0, 0}, new long[] {3, 4}, new long[] {1, 2});

    assertNone();
  }

  private void convolution(boolean channelsLast, PaddingMode padding, long... extents) {
    long[] shape =
        channelsLast
            ? new long[] {-1, extents[0], extents[1], 2}
            : new long[] {-1, 2, extents[0], extents[1]};
    Conv2DConfig config =
        Conv2DConfig.builder()
            .kH(3)
            .kW(3)
            .dH(2)
            .paddingMode(padding)
            .dataFormat(channelsLast ? "NHWC" : "NCHW")
            .build();
    loss(graph.cnn().conv2d("c", x(shape), w(3, 3, 2, 4), config));
  }

  @Test
  void aDilatedKernelIsLargerThanTheImage() {
    convolution(true, PaddingMode.VALID, 4, 4);

    assertOnly("c", "no elements");
  }

  @Test
  void aKernelIsLargerThanTheImageWithChannelsFirst() {
    convolution(false, PaddingMode.VALID, 5, 2);

    assertOnly("c", "no elements");
  }

  @Test
  void aKernelFitsTheImage() {
    convolution(true, PaddingMode.VALID, 5, 3);

    assertNone();
  }

  @Test
  void anImageIsPaddedToTheSameSize() {
    convolution(false, PaddingMode.SAME, 2, 2);

    assertNone();
  }

  @Test
  void theSizeOfAnImageIsNotKnown() {
    convolution(false, PaddingMode.VALID, -1, -1);

    assertNone();
  }

  @Test
  void contrastIsComputedInPlace() {
    graph.image().adjustContrast("a", x(-1, 4, 4, 3), 1.5);

    assertOnly("a", "computes this op in its input");
  }

  @Test
  void aVarianceIsNotCorrected() {
    graph.variance("v", x(-1, 4), false, 0);

    assertOnly("v", "forgets biasCorrected");
  }

  @Test
  void aVarianceIsCorrected() {
    graph.variance("v", x(-1, 4), true, 0);
    graph.standardDeviation("s", graph.getVariable("x"), false, 0);

    assertNone();
  }

  // All together.

  @Test
  void allAreFoundAtOnceAndNothingIsChanged() {
    SDVariable w = w(4, 3);
    SDVariable z = graph.nn().linear("z", x(-1, 4), w, graph.var("b", OpCase.random(3)));
    graph.cumsum("s", z, false, false, 1);
    graph
        .loss()
        .meanSquaredError("mse", graph.constant(OpCase.random(2, 3)), graph.getVariable("s"), null)
        .mul("total", 2.0);
    graph.setLossVariables("total");
    w.setArray(OpCase.random(4, 3).dup('f'));
    String before = GraphText.of(graph);

    assertThat(Faults.of(graph)).extracting(Fault::node).containsExactly("w", "z", "s", "mse");
    assertThat(GraphText.of(graph)).isEqualTo(before);
  }

  @Test
  void aTruncatedDivisionByWhatMayBeSmallIsRefusedBeforeItRuns() {
    SDVariable x = x(-1, 4);
    SDVariable half = graph.var("half", OpCase.random(4));
    SDVariable q = new TruncateDivOp(graph, x.mul(w(4)), half).outputVariable().rename("q");
    q.sum("loss");
    graph.setLossVariables("loss");

    assertThat(Faults.of(graph)).extracting(Fault::node).contains("q");
    assertThatThrownBy(() -> GraphShapes.of(graph, List.of("loss"), Map.of()))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("truncatediv")
        .hasMessageContaining("between -1 and 1");
  }

  @Test
  void aTruncatedDivisionByALargeConstantIsNot() {
    SDVariable three = graph.constant("three", 3.0);
    new TruncateDivOp(graph, w(4), three).outputVariable().rename("q");

    assertThat(
            ReferenceInterpreter.run(graph, Map.of(), List.of("q"))
                .get("q")
                .amaxNumber()
                .doubleValue())
        .isZero();
  }

  @Test
  void invertedDropoutInDoublePrecision() {
    graph.nn().dropoutInverted("d", x(-1, 4), 1.0);

    assertThat(Faults.of(graph)).extracting(Fault::node).containsExactly("d");
  }

  /** Where the others of a type are, and rows along another axis, M2.1 is right. */
  @Test
  void softmaxInHalfPrecision() {
    for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16}) {
      SDVariable z = graph.placeHolder("z" + type, type, -1, 4, 3);
      graph.nn().softmax("last" + type, z, -1);
      graph.nn().softmax("second" + type, z, 2);
      graph.nn().softmax("other" + type, z, 1);
    }

    assertThat(Faults.of(graph))
        .extracting(Fault::node)
        .containsExactlyInAnyOrder("last" + DataType.FLOAT16, "second" + DataType.FLOAT16);
  }

  @Test
  void replacingFromAnotherShape() {
    SDVariable x = x(-1, 4);
    graph
        .replaceWhere(x, graph.constant(Nd4j.ones(DataType.DOUBLE, 4)), Conditions.lessThan(0))
        .rename("row");
    graph
        .replaceWhere(x, graph.constant(Nd4j.scalar(1.0)), Conditions.lessThan(0))
        .rename("number");
    graph.replaceWhere(x, x.mul(2), Conditions.lessThan(0)).rename("same");

    assertThat(Faults.of(graph, List.of(), StaticShapes.declared(graph)))
        .filteredOn(fault -> !fault.ofGradient())
        .extracting(Fault::node)
        .containsExactly("row");
  }

  @Test
  void theWalkRefusesANegativeStride() {
    graph.stridedSlice("s", w(3, 4), new long[] {0, 3}, new long[] {3, 0}, new long[] {1, -1});

    assertThatThrownBy(
            () -> ReferenceInterpreter.run(graph, Map.<String, INDArray>of(), List.of("s")))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("negative stride");
  }
}
