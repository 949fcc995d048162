package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Segments where an extent is one, which M2.1 gets wrong: against the same graph with the segments
 * written out as sums, maxima and products of single rows.
 */
class SegmentExtentsTest {
  private static final List<String> KINDS = List.of("sum", "mean", "max", "min", "prod", "sqrtN");

  @BeforeEach
  void seed() {
    Nd4j.getRandom().setSeed(11);
  }

  /** A segments op, or what stands for it. */
  private interface Segments {
    SDVariable of(SDVariable rows, int... ids);
  }

  private static int count(int... ids) {
    int most = 0;
    for (int id : ids) {
      most = Math.max(most, id + 1);
    }
    return most;
  }

  private static SDVariable unsorted(String kind, SDVariable x, SDVariable ids, int count) {
    SameDiff sd = x.getSameDiff();
    return switch (kind) {
      case "sum" -> sd.unsortedSegmentSum(x, ids, count);
      case "mean" -> sd.unsortedSegmentMean(x, ids, count);
      case "max" -> sd.unsortedSegmentMax(x, ids, count);
      case "min" -> sd.unsortedSegmentMin(x, ids, count);
      case "prod" -> sd.unsortedSegmentProd(x, ids, count);
      default -> sd.unsortedSegmentSqrtN(x, ids, count);
    };
  }

  private static SDVariable sorted(String kind, SDVariable x, SDVariable ids) {
    SameDiff sd = x.getSameDiff();
    return switch (kind) {
      case "sum" -> sd.segmentSum(x, ids);
      case "mean" -> sd.segmentMean(x, ids);
      case "max" -> sd.segmentMax(x, ids);
      case "min" -> sd.segmentMin(x, ids);
      default -> sd.segmentProd(x, ids);
    };
  }

  private static Segments unsorted(String kind) {
    return (x, ids) ->
        unsorted(kind, x, x.getSameDiff().constant(Nd4j.createFromArray(ids)), count(ids));
  }

  private static Segments sorted(String kind) {
    return (x, ids) -> sorted(kind, x, x.getSameDiff().constant(Nd4j.createFromArray(ids)));
  }

  /** By hand, row by row. */
  private static Segments written(String kind) {
    return (x, ids) -> {
      SameDiff sd = x.getSameDiff();
      SDVariable[] rows = ids.length == 1 ? null : sd.unstack(x, 0, ids.length);
      List<SDVariable> segments = new ArrayList<>();
      for (int segment = 0; segment < count(ids); segment++) {
        SDVariable all = null;
        int many = 0;
        for (int k = 0; k < ids.length; k++) {
          if (ids[k] == segment) {
            SDVariable row = rows == null ? sd.squeeze(x, 0) : rows[k];
            many++;
            all =
                all == null
                    ? row
                    : switch (kind) {
                      case "max" -> sd.math().max(all, row);
                      case "min" -> sd.math().min(all, row);
                      case "prod" -> all.mul(row);
                      default -> all.add(row);
                    };
          }
        }
        double scale = kind.equals("mean") ? many : kind.equals("sqrtN") ? Math.sqrt(many) : 1;
        segments.add(sd.expandDims(all.div(scale), 0));
      }
      return segments.size() == 1
          ? segments.get(0)
          : sd.concat(0, segments.toArray(new SDVariable[0]));
    };
  }

  private static INDArray random(long... shape) {
    INDArray array = Between.random(shape);
    return array.addi(1);
  }

  private static Map<String, INDArray> inBothWays(
      ExtendedGraph graph, Map<String, INDArray> feeds, List<String> names) {
    Map<String, INDArray> planned = graph.output(feeds, names);
    Checked.compare(
        "session", planned, graph.sameDiff().output(feeds, names.toArray(new String[0])));
    return planned;
  }

  private record Case(SameDiff sd, Map<String, INDArray> feeds) {
    Map<String, INDArray> results(Extension... extensions) {
      try (ExtendedGraph graph = BackPack.extend(sd, extensions)) {
        return inBothWays(graph, feeds, graph.outputNames());
      }
    }
  }

  /** A classifier of N samples; the op is applied to a value of the inputs. */
  private static Case classifier(
      long samples, long width, long[] part, BiFunction<SDVariable, SDVariable, SDVariable> op) {
    SameDiff sd = SameDiff.create();
    long[] shape = new long[part.length + 1];
    System.arraycopy(part, 0, shape, 1, part.length);
    shape[0] = 1;
    SDVariable w = sd.var("w", random(shape));
    shape[0] = samples;
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    feeds.put("x", random(shape));
    feeds.put("y", Nd4j.zeros(DataType.DOUBLE, samples, 2));
    for (int n = 0; n < samples; n++) {
      feeds.get("y").putScalar(n, n % 2, 1);
    }
    shape[0] = -1;
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, shape);
    SDVariable rows = op.apply(x.mul(w), w);
    SDVariable z = rows.mmul(sd.constant(Between.random(width, 2)));
    sd.loss().softmaxCrossEntropy("loss", sd.placeHolder("y", DataType.DOUBLE, -1, 2), z, null);
    return new Case(sd, feeds);
  }

  /** The rows on an axis of each sample: [P, N] and [P, N, D] go into the op. */
  private static BiFunction<SDVariable, SDVariable, SDVariable> ofRows(
      Segments op, long width, int... ids) {
    return (x, w) -> {
      SameDiff sd = x.getSameDiff();
      SDVariable first = sd.permute(x, 1, 0, 2);
      SDVariable rows = width == 1 ? first.reshape(ids.length, -1) : first;
      SDVariable segments = op.of(rows, ids);
      SDVariable back = sd.transpose(segments.reshape(count(ids), -1));
      return back.reshape(-1, width * count(ids)).mul(2);
    };
  }

  private static void same(Segments one, Segments other, long samples, long width, int... ids) {
    long[] part = {ids.length, width};
    long outputs = width * count(ids);
    Extension[] all = {new BatchGrad(), new DiagGGNExact()};
    Map<String, INDArray> expected =
        classifier(samples, outputs, part, ofRows(other, width, ids)).results(all);
    Map<String, INDArray> actual =
        classifier(samples, outputs, part, ofRows(one, width, ids)).results(all);
    assertThat(expected.get("w.grad").norm2Number().doubleValue()).isGreaterThan(1e-6);
    Checked.compare(samples + " samples of " + width + ", rows " + ids.length, expected, actual);
  }

  @ParameterizedTest
  @ValueSource(strings = {"sum", "mean", "max", "min", "prod", "sqrtN"})
  void segmentsOfEachSample(String kind) {
    for (int[] ids : new int[][] {{0}, {0, 1, 1}}) {
      for (long samples = 1; samples <= 2; samples++) {
        same(unsorted(kind), written(kind), samples, 1, ids);
        if (!kind.equals("sqrtN")) {
          same(sorted(kind), written(kind), samples, 1, ids);
        }
      }
    }
    same(unsorted(kind), written(kind), 1, 3, 0);
    if (!kind.equals("sqrtN")) {
      same(sorted(kind), written(kind), 1, 3, 0);
    }
  }

  /** The samples are the rows, and one of them is alone: the gradient of what they share. */
  @ParameterizedTest
  @CsvSource({"sum", "mean", "max", "min", "prod", "sqrtN"})
  void samplesAsRows(String kind) {
    BiFunction<SDVariable, SDVariable, SDVariable> op =
        (x, w) -> {
          SDVariable ids = x.getSameDiff().placeHolder("ids", DataType.INT32, -1);
          return x.mul(unsorted(kind, x, ids, 1));
        };
    Case fed = classifier(1, 3, new long[] {3}, op);
    fed.feeds().put("ids", Nd4j.zeros(DataType.INT32, 1));
    Case square = classifier(1, 3, new long[] {3}, (x, w) -> x.mul(x));
    Checked.compare(kind, square.results(), fed.results());
  }

  /** The rows are a parameter's: [1, D], a vector, a vector as a column. */
  @ParameterizedTest
  @ValueSource(strings = {"sum", "mean", "max", "min", "prod", "sqrtN"})
  void rowsOfAParameter(String kind) {
    for (long[] shape : new long[][] {{1, 3}, {3}, {3, 1}, {1}, {1, 1}}) {
      int[] ids = shape[0] == 1 ? new int[] {0} : new int[] {0, 1, 1};
      List<Segments> ways = new ArrayList<>(List.of(written(kind), unsorted(kind)));
      if (KINDS.indexOf(kind) < KINDS.size() - 1) {
        ways.add(sorted(kind));
      }
      List<Map<String, INDArray>> results = new ArrayList<>();
      for (Segments way : ways) {
        Case net =
            classifier(
                2,
                3,
                new long[] {3},
                (x, w) -> {
                  SDVariable q = x.getSameDiff().var("q", random(shape));
                  SDVariable sums = way.of(q, ids);
                  return x.mul(sums.mul(sums).sum());
                });
        try (ExtendedGraph graph = BackPack.extend(net.sd())) {
          results.add(inBothWays(graph, net.feeds(), List.of("q.grad", "loss")));
        }
      }
      results.forEach(found -> Checked.compare(kind, results.get(0), found));
    }
  }
}
