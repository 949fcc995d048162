package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.backpack4j.samediff.internal.extend.Noise;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Graphs in half precision: everything that is inserted is computed in single precision, so that
 * the numbers are those of the same graph in double precision, up to the rounding of its own
 * values.
 */
class HalfPrecisionTest {
  private static final Extension[] ALL = {
    new BatchGrad(),
    new BatchL2Grad(),
    new SumGradSquared(),
    new Variance(),
    new DiagGGNExact(),
    new BatchDiagGGNExact(),
    new DiagGGNMC(1)
  };

  /** A graph with its feeds, of numbers that every type has. */
  private record Case(SameDiff graph, Map<String, INDArray> feeds) {}

  private enum Kind {
    PERCEPTRON,
    CONVOLUTION,
    NORMALISATION,
    SQUARED_ERROR;

    Case of(DataType type, int n) {
      Numbers numbers = new Numbers(type);
      SameDiff sd = SameDiff.create();
      Map<String, INDArray> feeds = new LinkedHashMap<>();
      SDVariable z;
      if (this == CONVOLUTION) {
        feeds.put("x", numbers.in(1, n, 2, 6, 6));
        SDVariable x = sd.placeHolder("x", type, -1, 2, 6, 6);
        Conv2DConfig three = Conv2DConfig.builder().kH(3).kW(3).build();
        Pooling2DConfig two = Pooling2DConfig.builder().kH(2).kW(2).sH(2).sW(2).build();
        SDVariable h = sd.cnn().conv2d(x, sd.var("w0", numbers.in(0.5, 3, 3, 2, 4)), three);
        SDVariable flat = sd.cnn().maxPooling2d(h, two).reshape(-1, 16);
        z = flat.mmul("z", sd.var("w1", numbers.in(0.5, 16, 3)));
      } else {
        feeds.put("x", numbers.in(1, n, 4));
        SDVariable h = sd.placeHolder("x", type, -1, 4).mmul(sd.var("w0", numbers.in(0.5, 4, 5)));
        h =
            this == NORMALISATION
                ? sd.nn().layerNorm(h, sd.var("gain", Nd4j.ones(type, 5)), true, 1)
                : sd.math().tanh(h.add(sd.var("b0", numbers.in(0.5, 1, 5))));
        z = h.mmul("z", sd.var("w1", numbers.in(0.5, 5, 3)));
      }
      feeds.put("y", numbers.oneHot(n, 3));
      SDVariable y = sd.placeHolder("y", type, -1, 3);
      if (this == SQUARED_ERROR) {
        sd.loss().meanSquaredError("loss", y, z, null);
      } else {
        sd.loss().softmaxCrossEntropy("loss", y, z, null);
      }
      return new Case(sd, feeds);
    }
  }

  /** Multiples of 1/64, the same for each type. */
  private record Numbers(DataType type, Random random) {
    Numbers(DataType type) {
      this(type, new Random(3));
    }

    INDArray in(double size, long... shape) {
      INDArray array = Nd4j.create(DataType.DOUBLE, shape);
      for (long i = 0; i < array.length(); i++) {
        array.putScalar(i, Math.rint((random.nextDouble() - 0.5) * 2 * size * 64) / 64);
      }
      return array.castTo(type);
    }

    INDArray oneHot(int n, int classes) {
      INDArray array = Nd4j.zeros(DataType.DOUBLE, n, classes);
      for (int i = 0; i < n; i++) {
        array.putScalar(i, random.nextInt(classes), 1);
      }
      return array.castTo(type);
    }
  }

  static List<Arguments> kindsAndTypes() {
    List<Arguments> all = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      all.add(Arguments.of(kind, DataType.FLOAT16, 3, 1e-2));
      all.add(Arguments.of(kind, DataType.BFLOAT16, 3, 6e-2));
    }
    // sums of ones in half precision end at 2,048, in the other one at 256
    all.add(Arguments.of(Kind.PERCEPTRON, DataType.FLOAT16, 3000, 1e-2));
    all.add(Arguments.of(Kind.PERCEPTRON, DataType.BFLOAT16, 3000, 6e-2));
    all.add(Arguments.of(Kind.SQUARED_ERROR, DataType.FLOAT16, 3000, 1e-2));
    return all;
  }

  @ParameterizedTest
  @MethodSource("kindsAndTypes")
  void isAsGoodAsItsForwardPass(Kind kind, DataType type, int n, double tolerance) {
    Case half = kind.of(type, n);
    Case exact = kind.of(DataType.DOUBLE, n);
    try (ExtendedGraph graph = BackPack.extend(half.graph, ALL);
        ExtendedGraph reference = BackPack.extend(exact.graph, ALL)) {
      List<String> names = graph.outputNames();
      Map<String, INDArray> results = graph.output(half.feeds, names);
      assertClose(results, reference.output(exact.feeds, names), tolerance);
      assertThat(results.values()).allMatch(a -> a.dataType() == DataType.FLOAT);
      if (n < 10) {
        Map<String, INDArray> natively =
            graph.sameDiff().output(withNoise(graph, half.feeds, n), names.toArray(new String[0]));
        names.stream().filter(name -> name.endsWith("_mc")).forEach(natively::remove);
        assertClose(natively, results, 1e-5);
      }
    }
  }

  private static Map<String, INDArray> withNoise(
      ExtendedGraph graph, Map<String, INDArray> feeds, int n) {
    long width = graph.sameDiff().getVariable(Noise.PLACEHOLDER).placeholderShape()[1];
    Map<String, INDArray> all = new LinkedHashMap<>(feeds);
    all.put(Noise.PLACEHOLDER, Nd4j.valueArrayOf(new long[] {n, width}, 0.5, DataType.FLOAT));
    return all;
  }

  private static void assertClose(
      Map<String, INDArray> actual, Map<String, INDArray> expected, double tolerance) {
    actual.forEach(
        (name, array) -> {
          INDArray wanted = expected.get(name).castTo(DataType.DOUBLE);
          double off = array.castTo(DataType.DOUBLE).sub(wanted).norm2Number().doubleValue();
          double norm = wanted.norm2Number().doubleValue();
          assertThat(norm).as(name).isPositive();
          assertThat(off / norm).as(name).isLessThan(tolerance);
        });
  }

  @ParameterizedTest
  @EnumSource(names = {"HALF", "BFLOAT16"})
  void bruteForceAllowsForTheForwardPass(DataType type) {
    Case half = Kind.PERCEPTRON.of(type, 3);
    try (ExtendedGraph graph = BackPack.extend(half.graph, new BatchGrad(), new DiagGGNExact())) {
      BruteForce.on(half.graph, half.feeds)
          .verify(graph.output(half.feeds, graph.outputNames()))
          .orThrow();
    }
  }

  /** Probabilities that are zero in half precision; nothing is divided by them. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "HALF", "BFLOAT16"})
  void tailsOfSoftmaxAreFinite(DataType type) {
    Map<DataType, INDArray> diagonals = new LinkedHashMap<>();
    for (DataType t : List.of(type, DataType.DOUBLE)) {
      SameDiff sd = SameDiff.create();
      SDVariable x = sd.placeHolder("x", t, -1, 1);
      INDArray w = Nd4j.createFromArray(2, 1, 0, -0.5, -12, -30.).reshape(1, 6).castTo(t);
      SDVariable z = x.mmul("z", sd.var("w", w));
      sd.loss().softmaxCrossEntropy("loss", sd.placeHolder("y", t, -1, 6), z, null);
      INDArray y = Nd4j.zeros(DataType.DOUBLE, 2, 6);
      y.putColumn(1, Nd4j.ones(DataType.DOUBLE, 2));
      Map<String, INDArray> feeds =
          Map.of("x", Nd4j.createFromArray(1, 3.).reshape(2, 1).castTo(t), "y", y.castTo(t));
      try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNExact())) {
        diagonals.put(t, graph.output(feeds, "w.diag_ggn_exact").get("w.diag_ggn_exact"));
      }
    }
    assertClose(
        Map.of("diagonal", diagonals.get(type)),
        Map.of("diagonal", diagonals.get(DataType.DOUBLE)),
        type == DataType.BFLOAT16 ? 5e-2 : 1e-2);
  }

  @ParameterizedTest
  @EnumSource(names = {"HALF", "BFLOAT16"})
  void namesEveryRowOfATable(DataType type) {
    SameDiff sd = table(type, sd2 -> sd2.placeHolder("ids", DataType.INT32, -1), 5000);
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchL2Grad(), new SumGradSquared())) {
      INDArray ids = Nd4j.createFromArray(4097, 4096, 2049, 4999);
      Map<String, INDArray> results = graph.output(Map.of("ids", ids), graph.outputNames());
      INDArray squares = results.get("table.sum_grad_squared");
      for (int row = 0; row < 5000; row++) {
        boolean read = row == 4097 || row == 4096 || row == 2049 || row == 4999;
        assertThat(squares.getDouble(row, 0) > 0).as("row %d", row).isEqualTo(read);
      }
    }
  }

  @Test
  void numbersOfRowsThatTheTypeDoesNotKnowAreRefused() {
    for (Map.Entry<DataType, Integer> most :
        Map.of(DataType.FLOAT16, 2049, DataType.BFLOAT16, 257).entrySet()) {
      DataType type = most.getKey();
      int rows = most.getValue();
      SameDiff known = table(type, sd -> floating(sd, type), rows);
      BackPack.extend(known, new BatchL2Grad()).close();
      SameDiff unknown = table(type, sd -> floating(sd, type), rows + 1);
      assertThatThrownBy(() -> BackPack.extend(unknown, new BatchL2Grad()))
          .isInstanceOf(UnsupportedGraphException.class)
          .hasMessageContaining("\"ids\"")
          .hasMessageContaining(type + ", which counts to " + (rows - 1))
          .hasMessageContaining("integer type");
    }
  }

  @Test
  void numbersOfClassesThatTheTypeDoesNotKnowAreRefused() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT16, -1, 2);
    SDVariable z = x.mmul("z", sd.var("w", Nd4j.ones(DataType.FLOAT16, 2, 2500)));
    SDVariable classes = floating(sd, DataType.FLOAT16);
    sd.loss()
        .softmaxCrossEntropy("loss", sd.oneHot(classes, 2500, -1, 1, 0, DataType.FLOAT16), z, null);
    assertThatThrownBy(() -> BackPack.extend(sd, new BatchL2Grad()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("2500 rows or classes")
        .hasMessageContaining("\"ids\" of type HALF");
  }

  private static SDVariable floating(SameDiff sd, DataType type) {
    return sd.placeHolder("ids", type, -1).castTo(DataType.INT32);
  }

  private static SameDiff table(
      DataType type, java.util.function.Function<SameDiff, SDVariable> ids, int rows) {
    SameDiff sd = SameDiff.create();
    SDVariable table = sd.var("table", Nd4j.ones(type, rows, 2));
    SDVariable z = sd.gather("z", table, ids.apply(sd), 0);
    sd.math().square(z).sum("loss");
    sd.setLossVariables("loss");
    return sd;
  }
}
