package org.backpack4j.samediff.testing;

import static org.backpack4j.samediff.testing.OpCase.random;
import static org.backpack4j.samediff.testing.OpCase.variables;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.DataFormat;
import org.nd4j.enums.ImageResizeMethod;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.custom.DivideNoNan;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.conditions.Conditions;

/**
 * Ops with unusual attributes: enums, conditions, nested arrays, boxed numbers, several outputs.
 */
final class RareCases {
  private final List<OpCase> cases = new ArrayList<>();

  private RareCases() {}

  static List<OpCase> all() {
    RareCases all = new RareCases();
    all.images();
    all.spaces();
    all.conditions();
    all.segments();
    all.statistics();
    all.distances();
    all.algebra();
    all.makers();
    all.clipping();
    return all.cases;
  }

  private void add(String name, INDArray array, BiFunction<SameDiff, SDVariable, SDVariable> op) {
    cases.add(
        new OpCase(
            name,
            variables("x", array),
            sd -> op.apply(sd, sd.getVariable("x")).castTo(DataType.DOUBLE)));
  }

  private void images() {
    INDArray image = random(2, 4, 4, 3);
    add("resizeBilinear", image, (sd, x) -> sd.image().resizeBiLinear(x, 6, 5, false, true));
    add(
        "imageResize",
        image,
        (sd, x) ->
            sd.image()
                .imageResize(
                    x, sd.constant(Nd4j.createFromArray(6, 5)), ImageResizeMethod.ResizeNearest));
    add("adjustSaturation", image, (sd, x) -> sd.image().adjustSaturation(x, 1.5));
    add("adjustHue", image, (sd, x) -> sd.image().adjustHue(x, 0.2));
    add("rgbToYuv", image, (sd, x) -> sd.image().rgbToYuv(x));
    add("upsampling3d", random(2, 3, 2, 2, 2), (sd, x) -> sd.cnn().upsampling3d(x, true, 2, 2, 3));
    add(
        "depthToSpace nhwc",
        random(2, 3, 3, 8),
        (sd, x) -> sd.cnn().depthToSpace(x, 2, DataFormat.NHWC));
  }

  private void spaces() {
    add(
        "spaceToBatch",
        random(2, 4, 4, 1),
        (sd, x) -> sd.cnn().spaceToBatch(x, new int[] {2, 2}, new int[] {0, 0}, 0, 2));
    add(
        "batchToSpace",
        random(4, 2, 2, 1),
        (sd, x) -> sd.cnn().batchToSpace(x, new int[] {2, 2}, new int[] {0, 0}, 0, 0));
    add(
        "reverseSequence",
        random(3, 4, 2),
        (sd, x) -> sd.reverseSequence(x, sd.constant(Nd4j.createFromArray(2, 4, 1)), 1, 0));
    add(
        "meshgrid",
        random(3),
        (sd, x) -> {
          SDVariable[] grid = sd.math().meshgrid(new SDVariable[] {x, x}, true);
          return grid[0].add(grid[1]);
        });
    add(
        "embeddingLookup",
        random(5, 3),
        (sd, x) ->
            sd.gather(x, sd.constant(Nd4j.createFromArray(new int[][] {{1, 1}, {4, 0}})), 0));
    add(
        "dynamicPartition",
        random(4, 3),
        (sd, x) -> {
          SDVariable[] parts =
              sd.dynamicPartition(x, sd.constant(Nd4j.createFromArray(0, 1, 0, 1)), 2);
          return parts[0].add(parts[1]);
        });
    add(
        "dynamicStitch",
        random(2, 3),
        (sd, x) ->
            sd.dynamicStitch(
                new SDVariable[] {
                  sd.constant(Nd4j.createFromArray(0, 2)), sd.constant(Nd4j.createFromArray(1, 3))
                },
                new SDVariable[] {x, x.mul(2)}));
  }

  private void conditions() {
    add(
        "matchCondition",
        random(3, 4),
        (sd, x) -> sd.matchCondition(x, Conditions.greaterThan(0.1)));
    add(
        "firstIndex",
        random(3, 4),
        (sd, x) -> sd.math().firstIndex(x, Conditions.greaterThan(0.1), 1));
    add(
        "lastIndex",
        random(3, 4),
        (sd, x) -> sd.math().lastIndex(x, Conditions.greaterThan(0.1), 1));
    add("replaceWhere", random(3, 4), (sd, x) -> sd.replaceWhere(x, 7.0, Conditions.lessThan(0.1)));
    add("isFinite", random(3, 4), (sd, x) -> sd.math().isFinite(x));
    add("all", random(3, 4), (sd, x) -> sd.all(x.gt(0.0), 1));
    add("any", random(3, 4), (sd, x) -> sd.any(x.gt(0.0), 1));
    add("comparison of two", random(3, 4), (sd, x) -> x.gte(x.mul(x)));
    add("and", random(3, 4), (sd, x) -> sd.math().and(x.gt(0.0), x.lt(0.3)));
    add("iamax", random(3, 4), (sd, x) -> sd.math().iamax(x, 1));
    add("topK", random(3, 4), (sd, x) -> sd.nn().topK(x, 2, true)[0]);
  }

  private void segments() {
    add(
        "segmentMean",
        random(4, 3),
        (sd, x) -> sd.segmentMean(x, sd.constant(Nd4j.createFromArray(0, 0, 1, 2))));
    add(
        "segmentMax",
        random(4, 3),
        (sd, x) -> sd.segmentMax(x, sd.constant(Nd4j.createFromArray(0, 0, 1, 2))));
    add(
        "unsortedSegmentMean",
        random(4, 3),
        (sd, x) -> sd.unsortedSegmentMean(x, sd.constant(Nd4j.createFromArray(0, 2, 0, 1)), 3));
    add(
        "sequenceMask",
        random(3, 4),
        (sd, x) ->
            x.mul(sd.sequenceMask(sd.constant(Nd4j.createFromArray(1, 4, 2)), 4, DataType.DOUBLE)));
  }

  private void statistics() {
    add(
        "moments",
        random(3, 4),
        (sd, x) -> {
          SDVariable[] moments = sd.math().moments(x, new int[] {1}, false);
          return moments[0].add(moments[1]);
        });
    add("std, corrected", random(3, 4), (sd, x) -> sd.standardDeviation(x, true, 1));
    add(
        "std, keeping dimensions",
        random(3, 4),
        (sd, x) -> sd.standardDeviation(x, false, true, 1));
    add("variance of all, biased", random(3, 4), (sd, x) -> sd.variance(x, false));
    add("countNonZero", random(3, 4), (sd, x) -> sd.math().countNonZero(x, 1));
    add("zeroFraction", random(3, 4), (sd, x) -> sd.math().zeroFraction(x));
    add("logEntropy", random(3, 4).muli(0.1).addi(0.3), (sd, x) -> sd.math().logEntropy(x, 1));
    add(
        "confusionMatrix",
        random(3, 3),
        (sd, x) ->
            x.add(
                sd.math()
                    .confusionMatrix(
                        sd.constant(Nd4j.createFromArray(0, 1, 2)),
                        sd.constant(Nd4j.createFromArray(0, 2, 2)),
                        DataType.DOUBLE)));
    add(
        "mergeMaxIndex",
        random(3, 4),
        (sd, x) -> sd.math().mergeMaxIndex(new SDVariable[] {x, x.mul(x)}, DataType.INT32));
  }

  private void distances() {
    add("euclideanDistance", random(3, 4), (sd, x) -> sd.math().euclideanDistance(x, x.mul(2), 1));
    add("manhattanDistance", random(3, 4), (sd, x) -> sd.math().manhattanDistance(x, x.mul(2), 1));
    add("cosineDistance", random(3, 4), (sd, x) -> sd.math().cosineDistance(x, x.mul(x), 1));
    add("hammingDistance", random(3, 4), (sd, x) -> sd.math().hammingDistance(x, x.mul(x), 1));
    add(
        "jaccardDistance",
        random(3, 4).addi(1),
        (sd, x) -> sd.math().jaccardDistance(x, x.mul(x), 1));
  }

  private void algebra() {
    add("matrixInverse", random(3, 3), (sd, x) -> sd.math().matrixInverse(x));
    add("matrixDeterminant", random(3, 3), (sd, x) -> sd.math().matrixDeterminant(x));
    add("trace", random(3, 3), (sd, x) -> sd.math().trace(x));
    add("cross", random(4, 3), (sd, x) -> sd.math().cross(x, x.mul(x)));
    add(
        "cholesky",
        random(3, 3),
        (sd, x) -> sd.linalg().cholesky(sd.mmul(x, x, false, true, false)));
    add("matrixBandPart", random(4, 4), (sd, x) -> sd.linalg().matrixBandPart(x, 1, 0)[0]);
    add("setDiag", random(3, 3), (sd, x) -> sd.math().setDiag(x, sd.constant(random(3))));
    add("diag", random(3), (sd, x) -> sd.math().diag(x));
  }

  private void makers() {
    add("eye", random(3, 3), (sd, x) -> x.mul(sd.math().eye(3, 3, DataType.DOUBLE)));
    add(
        "fill",
        random(2, 3),
        (sd, x) -> x.mul(sd.fill(sd.constant(Nd4j.createFromArray(2, 3)), DataType.DOUBLE, 2.5)));
    add("linspace", random(4), (sd, x) -> x.mul(sd.linspace(DataType.DOUBLE, 0.0, 3.0, 4)));
    add(
        "invertPermutation",
        random(3),
        (sd, x) ->
            x.mul(
                sd.invertPermutation(sd.constant(Nd4j.createFromArray(1, 2, 0)))
                    .castTo(DataType.DOUBLE)));
    add("rank", random(3, 2), (sd, x) -> sd.rank(x));
    add("size", random(3, 2), (sd, x) -> sd.size(x));
    add(
        "bitShift",
        random(3),
        (sd, x) ->
            sd.math()
                .bitShift(sd.constant(Nd4j.createFromArray(1, 2, 3)), sd.constant(Nd4j.scalar(2))));
    add(
        "bitwise and",
        random(3),
        (sd, x) ->
            sd.bitwise()
                .and(
                    sd.constant(Nd4j.createFromArray(5, 6, 7)),
                    sd.constant(Nd4j.createFromArray(3, 3, 3))));
  }

  private void clipping() {
    add("clipByAvgNorm", random(3, 4), (sd, x) -> sd.math().clipByAvgNorm(x, 0.1, 1));
    add("clipByNorm of all", random(3, 4), (sd, x) -> sd.math().clipByNorm(x, 0.7));
    add("rationalTanh", random(3, 4), (sd, x) -> sd.math().rationalTanh(x));
    add("rectifiedTanh", random(3, 4), (sd, x) -> sd.math().rectifiedTanh(x));
    add("thresholdRelu", random(3, 4), (sd, x) -> sd.nn().relu(x, 0.2));
    add("mod", random(3, 4), (sd, x) -> sd.math().mod(x, sd.constant(random(3, 4).addi(1))));
    add(
        "floorMod",
        random(3, 4),
        (sd, x) -> sd.math().floorMod(x, sd.constant(random(3, 4).addi(1))));
    add(
        "floorMod, divisor",
        random(3, 4).addi(1),
        (sd, x) -> sd.math().floorMod(sd.constant(random(4, 3).reshape(3, 4).addi(3)), x));
    add(
        "clipByValue by inputs",
        random(3, 4),
        (sd, x) -> sd.clipByValue(x, sd.constant(-0.1), sd.constant(0.3)));
    add("relu6 with a cutoff", random(3, 4), (sd, x) -> sd.nn().relu6(x, 0.2));
    add(
        "replaceWhere, from",
        random(3, 4),
        (sd, x) -> sd.replaceWhere(sd.constant(random(3, 4)), x, Conditions.lessThan(0.1)));
    add(
        "replaceWhere, to",
        random(3, 4),
        (sd, x) -> sd.replaceWhere(x, sd.constant(random(3, 4)), Conditions.lessThan(0.1)));
    add(
        "divideNoNan",
        random(3),
        (sd, x) ->
            new DivideNoNan(sd, x, sd.constant(Nd4j.createFromArray(2.0, 1.0, -1.0)))
                .outputVariable());
    add(
        "divideNoNan by zero",
        random(3),
        (sd, x) ->
            new DivideNoNan(sd, x, sd.constant(Nd4j.createFromArray(2.0, 0.0, 1.0)))
                .outputVariable());
    add(
        "floorDiv",
        random(3, 4),
        (sd, x) -> sd.math().floorDiv(x, sd.constant(random(3, 4).addi(1))));
  }
}
