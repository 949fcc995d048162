package org.backpack4j.samediff.curvature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.backpack4j.samediff.testing.ArrayAssert.difference;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.Stream;
import java.util.zip.ZipFile;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.dataset.DataSetQuantities;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.extension.EKFAC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.KFAC;
import org.backpack4j.samediff.extension.KFACExpand;
import org.backpack4j.samediff.extension.KFACReduce;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.extension.KFRA;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.internal.evaluate.Vectors;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv1DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.factory.Nd4j;

/** Curvature matrices of what a graph gives, and their files. */
class QuantityBlocksTest {
  private static void assertClose(INDArray actual, INDArray expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(difference(actual, expected)).isLessThan(1e-11);
  }

  private static Curvature curvature(
      SameDiff sd, Map<String, INDArray> feeds, Extension extension) {
    try (ExtendedGraph graph = BackPack.extend(sd, extension)) {
      return Curvature.of(graph, graph.evaluate(feeds), extension);
    }
  }

  private interface Layer {
    SDVariable of(SameDiff sd, SDVariable x, SDVariable w);
  }

  private static Arguments layer(
      String name, long[] input, long[] weight, List<Integer> axes, Layer layer) {
    return Arguments.of(name, input, weight, axes, layer);
  }

  private static Conv2DConfig conv(WeightsFormat format) {
    return Conv2DConfig.builder().kH(2).kW(2).sH(1).sW(1).weightsFormat(format).build();
  }

  /** Layers of one position whose weights have axes that shapes cannot tell from each other. */
  static Stream<Arguments> layers() {
    return Stream.of(
        layer("dense", l(1, 2), l(2, 2), List.of(1), (sd, x, w) -> x.mmul(w)),
        layer(
            "dense, transposed",
            l(1, 2),
            l(2, 2),
            List.of(0),
            (sd, x, w) -> sd.mmul(x, w, false, true, false)),
        layer(
            "dense, permuted", l(1, 2), l(2, 2), List.of(0), (sd, x, w) -> x.mmul(w.permute(1, 0))),
        layer(
            "conv2d YXIO",
            l(1, 2, 2, 2),
            l(2, 2, 2, 2),
            List.of(3),
            (sd, x, w) -> sd.cnn().conv2d(x, w, conv(WeightsFormat.YXIO)).reshape(-1, 2)),
        layer(
            "conv2d OIYX",
            l(1, 2, 2, 2),
            l(2, 2, 2, 2),
            List.of(0),
            (sd, x, w) -> sd.cnn().conv2d(x, w, conv(WeightsFormat.OIYX)).reshape(-1, 2)),
        layer(
            "conv2d OYXI",
            l(1, 2, 2, 2),
            l(2, 2, 2, 2),
            List.of(0),
            (sd, x, w) -> sd.cnn().conv2d(x, w, conv(WeightsFormat.OYXI)).reshape(-1, 2)),
        layer(
            "conv1d",
            l(1, 2, 2),
            l(2, 2, 2),
            List.of(2),
            (sd, x, w) ->
                sd.cnn()
                    .conv1d(
                        x,
                        w,
                        Conv1DConfig.builder().k(2).s(1).paddingMode(PaddingMode.VALID).build())
                    .reshape(-1, 2)),
        layer(
            "weight of rank 3, reshaped",
            l(1, 4),
            l(2, 2, 2),
            List.of(2),
            (sd, x, w) -> x.mmul(w.reshape(4, 2))),
        layer(
            "weight of rank 3, outputs of two axes",
            l(1, 2),
            l(2, 2, 2),
            List.of(1, 2),
            (sd, x, w) -> x.mmul(w.reshape(2, 4)).mmul(sd.constant(Graphs.random(4, 2)))));
  }

  private static long[] l(long... numbers) {
    return numbers;
  }

  /** For one sample and one position the factors are the block of the matrix itself. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("layers")
  void factorsOfOneSampleAreTheBlock(
      String name, long[] input, long[] weight, List<Integer> axes, Layer layer) {
    Nd4j.getRandom().setSeed(3);
    SameDiff sd = SameDiff.create();
    long[] many = input.clone();
    many[0] = -1;
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, many);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 2);
    SDVariable w = sd.var("w", Graphs.random(weight));
    SDVariable mixed = sd.math().tanh(layer.of(sd, x, w)).mmul(sd.constant(Graphs.random(2, 2)));
    sd.loss().softmaxCrossEntropy("loss", y, mixed, null);
    Map<String, INDArray> feeds =
        Map.of("x", Graphs.random(input), "y", Nd4j.createFromArray(new double[][] {{0, 1}}));
    INDArray dense = DenseBlocks.ggn(sd, feeds);
    for (Extension extension :
        List.of(new KFLR(), new KFACExpand(), new KFACReduce(), new KFRA())) {
      try (ExtendedGraph graph = BackPack.extend(sd, extension)) {
        assertThat(graph.outputAxes("w." + extension.field() + ".B")).contains(axes);
        assertThat(graph.outputAxes("w." + extension.field() + ".A")).isEmpty();
        Curvature c = Curvature.of(graph, graph.evaluate(feeds), extension);
        assertThat(c.toString()).contains("Kronecker-factored");
        INDArray unit = Nd4j.eye(dense.size(0)).castTo(DataType.DOUBLE);
        assertClose(c.times(unit), dense);
        assertClose(c.times(c.solve(unit, 0.1)).add(c.solve(unit, 0.1).mul(0.1)), unit);
      }
    }
  }

  /** A transposed convolution's outputs are its weight's third axis. */
  @Test
  void axesOfATransposedConvolution() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2, 2, 2);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 2);
    SDVariable w = sd.var("w", Graphs.random(2, 2, 2, 2));
    DeConv2DConfig config = DeConv2DConfig.builder().kH(2).kW(2).sH(1).sW(1).build();
    SDVariable z = sd.cnn().deconv2d(x, w, config).mean(2, 3);
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    KFACReduce extension = new KFACReduce();
    try (ExtendedGraph graph = BackPack.extend(sd, extension)) {
      assertThat(graph.outputAxes("w.kfac_reduce.B")).isEqualTo(Optional.of(List.of(2)));
    }
  }

  private static SameDiff lookup() {
    Nd4j.getRandom().setSeed(9);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.INT32, -1);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 2);
    SDVariable table = sd.var("table", Graphs.random(2, 2));
    SDVariable b = sd.var("b", Graphs.random(2));
    sd.loss().softmaxCrossEntropy("loss", y, sd.gather(table, x, 0).add(b), null);
    return sd;
  }

  @Test
  void ofATableTheInputsAreADiagonal() {
    SameDiff sd = lookup();
    Map<String, INDArray> feeds =
        Map.of("x", Nd4j.createFromArray(1), "y", Nd4j.createFromArray(new double[][] {{0, 1}}));
    INDArray dense = DenseBlocks.ggn(sd, feeds);
    Curvature c = curvature(sd, feeds, new KFLR());
    INDArray unit = Nd4j.eye(6).castTo(DataType.DOUBLE);
    INDArray together = c.times(unit);
    for (int p = 0; p < 6; p++) {
      for (int q = 0; q < 6; q++) {
        boolean oneBlock = p < 4 == q < 4; // the table's, and the bias's
        assertThat(together.getDouble(p, q))
            .isCloseTo(oneBlock ? dense.getDouble(p, q) : 0, within(1e-12));
      }
    }
    assertThat(c.logdet(0.3)).isFinite();
  }

  private static BruteForce brute(SameDiff sd, Map<String, INDArray> feeds) {
    return BruteForce.on(sd, feeds);
  }

  /** All parameters together: brute force alone says what the diagonals are. */
  @Test
  void diagonalsAndRootsAreThoseOfTheGraph() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(4);
    Map<Extension, ToDoubleBiFunction<String, Long>> expected =
        Map.of(
            new DiagGGNExact(), brute(sd, feeds)::diagGgnExact,
            new SqrtGGNExact(), brute(sd, feeds)::diagGgnExact,
            new DiagHessian(), brute(sd, feeds)::hessianDiagonal,
            new BatchGrad(), brute(sd, feeds)::sumGradSquared,
            new SumGradSquared(), brute(sd, feeds)::sumGradSquared);
    expected.forEach(
        (extension, numbers) -> {
          Curvature c = curvature(sd, feeds, extension);
          c.layout()
              .split(c.diagonal())
              .forEach(
                  (p, part) -> {
                    INDArray flat = part.reshape(part.length());
                    for (long k = 0; k < part.length(); k++) {
                      assertThat(flat.getDouble(k))
                          .as(extension.field() + " of " + p)
                          .isCloseTo(numbers.applyAsDouble(p, k), within(1e-6));
                    }
                  });
        });
    Curvature root = curvature(sd, feeds, new SqrtGGNExact());
    assertThat(root.blocks()).hasSize(1);
    INDArray vectors = Graphs.random(2, root.size());
    assertClose(root.times(vectors), vectors.mmul(DenseBlocks.ggn(sd, feeds)));
  }

  /** A bias has its whole block. */
  @Test
  void sampledAndEmpiricalFactors() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(4);
    for (Extension extension :
        List.of(new KFAC(2, 5), new KFACExpand(Columns.GRADIENT), KFAC.signs(1, 3))) {
      Curvature c = curvature(sd, feeds, extension);
      assertThat(c.blocks()).hasSize(3);
      assertThat(c.block("b").toString()).contains("dense");
      INDArray vectors = Graphs.random(2, c.size());
      assertClose(c.damped(0.5).times(c.solve(vectors, 0.5)), vectors);
    }
  }

  @Test
  void whatIsNoMatrixIsRefused() {
    SameDiff sd = Graphs.perceptron();
    BatchL2Grad norms = new BatchL2Grad();
    try (ExtendedGraph graph = BackPack.extend(sd, norms)) {
      assertThatThrownBy(() -> Curvature.of(graph, graph.evaluate(Graphs.feeds(2)), norms))
          .hasMessageContaining("\"batch_l2\" is no curvature matrix");
      assertThatThrownBy(() -> Curvature.of(graph, graph.evaluate(Graphs.feeds(2)), new KFLR()))
          .hasMessageContaining("\"w.kflr.B\" was not computed");
    }
  }

  /** An extension by whose name eigenvalues are given. */
  private static final Extension CORRECTED =
      new Extension() {
        @Override
        public String field() {
          return "own";
        }

        @Override
        public Columns columns() {
          return Columns.EXACT;
        }
      };

  /** Second moments in the basis of the factors: the matrix has the exact trace then. */
  @Test
  void correctedEigenvaluesAreNearerToTheMatrix() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(7);
    Curvature factors = curvature(sd, feeds, new KFACExpand());
    Map<String, INDArray> vectors = factors.eigenvectors(CORRECTED);
    assertThat(vectors)
        .containsOnlyKeys("w.own.Q_B", "w.own.Q_A", "v.own.Q_B", "v.own.Q_A", "b.own.Q_B");
    INDArray root = DenseBlocks.root(sd, feeds);
    Map<String, INDArray> columns = factors.layout().split(root);
    Map<String, INDArray> eigenvalues = new HashMap<>();
    for (String p : factors.layout().names()) {
      INDArray sum = null;
      for (long k = 0; k < root.size(0); k++) {
        INDArray column = columns.get(p).slice(k).dup('c');
        INDArray turned = vectors.get(p + ".own.Q_B").transpose();
        turned =
            p.equals("b")
                ? turned.mmul(column.reshape(column.length(), 1)).reshape(column.length())
                : turned.mmul(column.transpose()).mmul(vectors.get(p + ".own.Q_A"));
        sum = sum == null ? turned.mul(turned) : sum.add(turned.mul(turned));
      }
      eigenvalues.put(p + ".own", sum);
    }
    QuantityResults results = new QuantityResults(eigenvalues, List.of(CORRECTED));
    Curvature corrected = factors.withEigenvalues(results, CORRECTED);
    INDArray dense = DenseBlocks.ggn(sd, feeds);
    assertThat(corrected.trace())
        .isCloseTo(Nd4j.diag(dense).sumNumber().doubleValue(), within(1e-12));
    INDArray unit = Nd4j.eye(dense.size(0)).castTo(DataType.DOUBLE);
    assertThat(corrected.times(unit).distance2(dense))
        .isLessThan(factors.times(unit).distance2(dense));
    assertThat(corrected.eigenvectors(CORRECTED).get("v.own.Q_A"))
        .isEqualTo(vectors.get("v.own.Q_A"));
    assertThatThrownBy(() -> curvature(sd, feeds, new SqrtGGNExact()).eigenvectors(CORRECTED))
        .hasMessageContaining("not of the low-rank block of \"w\"");
    eigenvalues.put("v.own", Nd4j.ones(DataType.DOUBLE, 4, 3));
    assertThatThrownBy(() -> factors.withEigenvalues(results, CORRECTED))
        .hasMessageContaining("\"v\"")
        .hasMessageContaining("[3, 4]");
  }

  /** The graph's own pass for them, with the eigenvectors as feeds. */
  @Test
  void correctedEigenvaluesOfTheGraph() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(7);
    Curvature factors = curvature(sd, feeds, new KFACExpand());
    EKFAC extension = new EKFAC();
    try (ExtendedGraph graph = BackPack.extend(sd, extension)) {
      Map<String, INDArray> fed = new HashMap<>(feeds);
      fed.putAll(factors.eigenvectors(extension));
      Curvature corrected = factors.withEigenvalues(graph.evaluate(fed), extension);
      INDArray dense = DenseBlocks.ggn(sd, feeds);
      assertThat(corrected.trace())
          .isCloseTo(Nd4j.diag(dense).sumNumber().doubleValue(), within(1e-12));
      INDArray unit = Nd4j.eye(dense.size(0)).castTo(DataType.DOUBLE);
      assertThat(corrected.times(unit).distance2(dense))
          .isLessThan(factors.times(unit).distance2(dense));
    }
  }

  /** Of a table A is a diagonal, whose eigenvectors are unit vectors. */
  @Test
  void correctedEigenvaluesOfATable(@TempDir Path folder) throws IOException {
    Curvature factors = curvature(lookup(), lookupFeeds(), new KFACExpand());
    assertThat(factors.eigenvectors(CORRECTED)).containsOnlyKeys("table.own.Q_B", "b.own.Q_B");
    Curvature corrected =
        factors.withEigenvalues(
            new QuantityResults(
                Map.of(
                    "table.own", Nd4j.createFromArray(new double[][] {{1, 2}, {3, 4}}),
                    "b.own", Nd4j.createFromArray(1.0, 2)),
                List.of(CORRECTED)),
            CORRECTED);
    assertThat(corrected.trace()).isCloseTo(13, within(1e-12));
    corrected.save(folder.resolve("c"));
    Curvature loaded = Curvature.load(folder.resolve("c"), corrected.layout());
    assertThat(bits(loaded.diagonal())).isEqualTo(bits(corrected.diagonal()));
  }

  /** What is gathered of a data set is the matrix of one batch of all its samples. */
  @Test
  void ofADataSet() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> all = Graphs.feeds(7);
    KFACExpand factors = new KFACExpand();
    try (ExtendedGraph graph = BackPack.extend(sd, factors)) {
      List<Map<String, INDArray>> batches = List.of(rows(all, 0, 3), rows(all, 3, 7));
      QuantityResults gathered = DataSetQuantities.of(graph).over(batches.iterator()).quantities();
      Curvature expected = Curvature.of(graph, graph.evaluate(all), factors);
      Curvature c = Curvature.of(graph, gathered, factors);
      assertThat(c.logdet(0.1)).isCloseTo(expected.logdet(0.1), within(1e-9));
      assertClose(c.diagonal(), expected.diagonal());
    }
  }

  private static Map<String, INDArray> rows(Map<String, INDArray> feeds, int from, int to) {
    Map<String, INDArray> some = new HashMap<>();
    feeds.forEach((name, array) -> some.put(name, Vectors.rows(array, from, to).dup('c')));
    return some;
  }

  private static Curvature everyForm() {
    Curvature factors = curvature(Graphs.perceptron(), Graphs.feeds(4), new KFLR());
    ParameterLayout layout = factors.layout();
    INDArray q3 = Eigen.of("B", symmetric(3)).vectors();
    INDArray q4 = Eigen.of("A", symmetric(4)).vectors();
    return Curvature.builder(layout)
        .blocks(factors.block("w").withFactoredDamping())
        .diagonal("b", Graphs.random(4).add(1))
        .corrected("v", q3, q4, Graphs.random(3, 4).add(1), 1)
        .build();
  }

  private static Map<String, INDArray> lookupFeeds() {
    return Map.of("x", Nd4j.createFromArray(1), "y", Nd4j.createFromArray(new double[][] {{0, 1}}));
  }

  private static INDArray symmetric(int n) {
    INDArray x = Graphs.random(n, n);
    return x.add(x.transpose()).dup('c');
  }

  /** Bit for bit, also what is worked out of the arrays. */
  @Test
  void aFileHoldsEveryBit(@TempDir Path folder) throws IOException {
    Curvature factors = curvature(Graphs.perceptron(), Graphs.feeds(4), new KFLR());
    Curvature table = curvature(lookup(), lookupFeeds(), new KFACExpand());
    Curvature low = curvature(Graphs.perceptron(), Graphs.feeds(4), new SqrtGGNExact());
    for (Curvature c : List.of(factors, table, low, everyForm(), factors.withFactoredDamping())) {
      Path file = folder.resolve("curvature.zip");
      c.save(file);
      Curvature loaded = Curvature.load(file, c.layout());
      INDArray vectors = Graphs.random(2, c.size());
      assertThat(loaded).hasToString(c.toString());
      assertThat(bits(loaded.times(vectors))).isEqualTo(bits(c.times(vectors)));
      assertThat(bits(loaded.diagonal())).isEqualTo(bits(c.diagonal()));
      assertThat(bits(loaded.eigenvalues())).isEqualTo(bits(c.eigenvalues()));
      assertThat(bits(loaded.solve(vectors, 0.7))).isEqualTo(bits(c.solve(vectors, 0.7)));
      assertThat(loaded.logdet(0.7)).isEqualTo(c.logdet(0.7));
      assertThat(bits(loaded.sample(2, 0.7, new SplittableRandom(1))))
          .isEqualTo(bits(c.sample(2, 0.7, new SplittableRandom(1))));
    }
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).hasSize(1);
    }
  }

  private static long[] bits(INDArray array) {
    double[] numbers = Matrices.numbers(array);
    long[] bits = new long[numbers.length];
    for (int k = 0; k < bits.length; k++) {
      bits[k] = Double.doubleToRawLongBits(numbers[k]);
    }
    return bits;
  }

  /** The format that the documentation tells; NumPy's header is padded to 64 bytes. */
  @Test
  void theFormatIsTheDocumentedOne(@TempDir Path folder) throws IOException {
    ParameterLayout layout = ParameterLayout.of(Map.of("conv/w 1", new long[] {3}));
    INDArray diagonal = Nd4j.createFromArray(0.1, 2, 3);
    Path file = folder.resolve("c.zip");
    Curvature.builder(layout).diagonal("conv/w 1", diagonal).build().save(file);
    try (ZipFile zip = new ZipFile(file.toFile())) {
      byte[] index = zip.getInputStream(zip.getEntry("index.txt")).readAllBytes();
      assertThat(new String(index, StandardCharsets.UTF_8))
          .isEqualTo(
              "backpack-curvature 1\nparameter conv%2Fw+1 3\nblock diagonal conv%2Fw+1\n"
                  + "array diagonal 0.diagonal.npy\n");
      byte[] npy = zip.getInputStream(zip.getEntry("0.diagonal.npy")).readAllBytes();
      assertThat(npy).hasSize(128 + 24);
      INDArray read = Nd4j.createNpyFromByteArray(npy);
      assertThat(read).isEqualTo(diagonal);
    }
  }

  @Test
  void aFileOfOtherParametersIsRefusedByName(@TempDir Path folder) throws IOException {
    Curvature c = curvature(Graphs.perceptron(), Graphs.feeds(2), new KFLR());
    Path file = folder.resolve("c.zip");
    c.save(file);
    ParameterLayout fewer = c.layout().only(List.of("w", "v"));
    assertThatThrownBy(() -> Curvature.load(file, fewer))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("it has [b] too");
    ParameterLayout other =
        ParameterLayout.of(Map.of("w", l(5, 4), "b", l(4), "v", l(4, 3), "u", l(1)));
    assertThatThrownBy(() -> Curvature.load(file, other)).hasMessageContaining("it has no [u]");
    Path text = folder.resolve("text.zip");
    Files.writeString(text, "no zip");
    assertThatThrownBy(() -> Curvature.load(text, fewer)).isInstanceOf(IOException.class);
    Curvature free =
        Curvature.builder(c.layout()).matrixFree(c, new ConjugateGradients(1e-3, 9)).build();
    assertThatThrownBy(() -> free.save(file))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("has no file");
    assertThat(Curvature.load(file, c.layout()).trace()).isEqualTo(c.trace()); // still the old one
  }
}
