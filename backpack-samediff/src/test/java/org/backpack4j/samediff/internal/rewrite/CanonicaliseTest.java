package org.backpack4j.samediff.internal.rewrite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backpack4j.samediff.testing.OpCase.random;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.internal.nd4j.GraphCopy;
import org.backpack4j.samediff.testing.ArrayAssert;
import org.backpack4j.samediff.testing.GraphLines;
import org.backpack4j.samediff.testing.SaveAndLoad;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.PartitionMode;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.reduce.TensorMmul;
import org.nd4j.linalg.api.ops.impl.transforms.custom.DotProductAttention;
import org.nd4j.linalg.api.ops.impl.transforms.custom.MultiHeadDotProductAttention;
import org.nd4j.linalg.api.ops.impl.transforms.custom.XwPlusB;
import org.nd4j.linalg.factory.Nd4j;

/** What composite ops are written as, and that it computes the same. */
class CanonicaliseTest {
  private final SameDiff sd = SameDiff.create();
  private final Map<String, INDArray> feeds = new LinkedHashMap<>();

  private SDVariable fed(String name, long... shape) {
    feeds.put(name, random(shape));
    long[] open = shape.clone();
    open[0] = -1;
    return sd.placeHolder(name, DataType.DOUBLE, open);
  }

  private SDVariable parameter(String name, long... shape) {
    return sd.var(name, random(shape));
  }

  /** The text of the graph after the rewriting, whose results are those of the graph before. */
  private String rewritten(String... results) {
    List<String> targets = List.of(results);
    Map<String, INDArray> before = ReferenceInterpreter.run(sd, feeds, targets);
    SameDiff copy = GraphCopy.of(sd);
    Canonicalise.apply(copy, targets, Map.of());
    same(before, ReferenceInterpreter.run(copy, feeds, targets));
    same(before, copy.output(feeds, results));
    same(before, copy.output(feeds, results));
    same(before, SaveAndLoad.through(copy).output(feeds, results));
    same(before, ReferenceInterpreter.run(GraphCopy.of(copy), feeds, targets));
    return GraphLines.of(copy, targets);
  }

  private static void same(Map<String, INDArray> expected, Map<String, INDArray> actual) {
    expected.forEach((name, array) -> ArrayAssert.assertClose(actual.get(name), array));
  }

  @Test
  void linear() {
    sd.nn().linear("z", fed("x", 3, 5), parameter("w", 5, 4), parameter("b", 4));
    assertThat(rewritten("z"))
        .isEqualTo(
            """
            backpack/xw_plus_b/product = matmul(x, w) [0, 0, 0]
            z = add(backpack/xw_plus_b/product, b)
            """);
  }

  @Test
  void linearOfTransposedWeights() {
    XwPlusB op = new XwPlusB(sd, fed("x", 3, 5), parameter("w", 4, 5), parameter("b", 4));
    op.addIArgument(1);
    op.outputVariable().rename("z");
    assertThat(rewritten("z")).contains("matmul(x, w) [0, 1, 0]");
  }

  @Test
  void reluLayer() {
    sd.nn().reluLayer("z", fed("x", 3, 5), parameter("w", 5, 4), parameter("b", 4));
    assertThat(rewritten("z"))
        .isEqualTo(
            """
            backpack/relu_layer/product = matmul(x, w) [0, 0, 0]
            backpack/relu_layer/sum = add(backpack/relu_layer/product, b)
            z = relu(backpack/relu_layer/sum)
            """);
  }

  @Test
  void resultKeepsItsReadersAndItsName() {
    SDVariable z = sd.nn().linear("z", fed("x", 3, 5), parameter("w", 5, 4), parameter("b", 4));
    SDVariable y = sd.nn().linear("y", z, parameter("v", 4, 4), z.mean(0)).add("sum", z);
    sd.math().tanh("t", y);
    assertThat(rewritten("t", "z"))
        .isEqualTo(
            """
            backpack/xw_plus_b/product = matmul(x, w) [0, 0, 0]
            z = add(backpack/xw_plus_b/product, b)
            reduce_mean = reduce_mean(z)
            backpack/xw_plus_b_1/product = matmul(z, v) [0, 0, 0]
            y = add(backpack/xw_plus_b_1/product, reduce_mean)
            sum = add(y, z)
            t = tanh(sum)
            """);
  }

  @Test
  void matrixProductOfTensors() {
    sd.tensorMmul("z", fed("x", 3, 2, 5), parameter("w", 4, 5, 2), new int[] {2}, 1);
    assertThat(rewritten("z"))
        .isEqualTo(
            """
backpack/tensordot/matrix = reshape(x) [-99, -1, 5]
backpack/tensordot/permuted = permute(w) [1, 0, 2]
backpack/tensordot/matrix_1 = reshape(backpack/tensordot/permuted) [-99, 5, 8]
backpack/tensordot/product = matmul(backpack/tensordot/matrix, backpack/tensordot/matrix_1) [0, 0, 0]
z = reshape(backpack/tensordot/product) [-99, -1, 2, 4, 2]
""");
  }

  @ParameterizedTest
  @CsvSource({"1, 0, 2, 0, 2, 1", "2, 1, 0, -1, -3, 0"})
  void matrixProductOverTwoAxes(int a, int b, int c, int d, int e, int f) {
    new TensorMmul(
            sd,
            fed("x", 3, 2, 5),
            sd.permute(parameter("w", 2, 5, 4), c, d < 0 ? 1 : d, f == 0 ? 2 : 1).reshape(2, 5, 4),
            new int[][] {{1, 2}, {0, 1}})
        .outputVariable()
        .rename("z");
    assertThat(rewritten("z")).contains("matmul");
  }

  @Test
  void layerNormalisation() {
    sd.nn().layerNorm("z", fed("x", 3, 4, 5), parameter("g", 5), parameter("b", 5), false, 2);
    assertThat(rewritten("z"))
        .isEqualTo(
            """
            backpack/layer_norm/standardized = standardize(x) [2]
            backpack/layer_norm/scaled = multiply(backpack/layer_norm/standardized, g)
            z = add(backpack/layer_norm/scaled, b)
            """);
  }

  @Test
  void layerNormalisationOfImagesWithoutBias() {
    sd.nn().layerNorm("z", fed("x", 2, 4, 3, 3), parameter("g", 4), true, 1, 2, 3);
    assertThat(rewritten("z"))
        .isEqualTo(
            """
            backpack/layer_norm/standardized = standardize(x) [1, 2, 3]
            backpack/layer_norm/gain = reshape(g) [-99, 4, 1, 1]
            z = multiply(backpack/layer_norm/standardized, backpack/layer_norm/gain)
            """);
  }

  @Test
  void attention() {
    sd.nn()
        .dotProductAttention(
            "z", fed("q", 2, 3, 4), fed("k", 2, 3, 5), fed("v", 2, 6, 5), fed("m", 2, 5), true);
    assertThat(rewritten("z"))
        .isEqualTo(
            """
backpack/dot_product_attention/scores = matmul(k, q) [1, 0, 0]
backpack/dot_product_attention/scaled = div_scalar(backpack/dot_product_attention/scores)
backpack/dot_product_attention/mask = reshape(m) [-99, -1, 5, 1]
backpack/dot_product_attention/masked = sub_scalar(backpack/dot_product_attention/mask)
backpack/dot_product_attention/low = mul_scalar(backpack/dot_product_attention/masked)
backpack/dot_product_attention/masked_scores = add(backpack/dot_product_attention/scaled, backpack/dot_product_attention/low)
backpack/dot_product_attention/weights = softmax(backpack/dot_product_attention/masked_scores) [1]
z = matmul(v, backpack/dot_product_attention/weights) [0, 0, 0]
""");
  }

  @Test
  void attentionWithItsWeights() {
    SDVariable[] both =
        new DotProductAttention(
                sd,
                fed("q", 2, 2, 3, 4),
                fed("k", 2, 2, 3, 5),
                fed("v", 2, 2, 6, 5),
                fed("m", 2, 5),
                false,
                true)
            .outputVariables();
    both[0].rename("z");
    both[1].rename("w").sum("entropy", 1, 2, 3).add("t", both[0].mean(1, 2, 3));
    feeds.put("m", Nd4j.createFromArray(new double[][] {{1, 1, 0, 1, 0}, {1, 0, 1, 1, 1}}));
    assertThat(rewritten("t", "w", "z"))
        .contains("w = softmax(", "z = matmul(v, w) [0, 0, 0]")
        .doesNotContain("dot_product_attention(");
  }

  @ParameterizedTest
  @CsvSource({"true, false, false", "false, true, false", "true, true, true"})
  void multiHeadAttention(boolean scaled, boolean masked, boolean withWeights) {
    SDVariable[] out =
        new MultiHeadDotProductAttention(
                sd,
                fed("q", 2, 3, 4),
                fed("k", 2, 5, 6),
                fed("v", 2, 2, 6),
                parameter("wq", 3, 7, 3),
                parameter("wk", 3, 7, 5),
                parameter("wv", 3, 8, 2),
                parameter("wo", 24, 9),
                masked ? fed("m", 2, 6) : null,
                scaled,
                withWeights)
            .outputVariables();
    out[0].rename("z");
    String text = rewritten(withWeights ? new String[] {"z", out[1].name()} : new String[] {"z"});
    assertThat(text).contains("softmax(", "z = permute(").doesNotContain("dot_product_attention(");
  }

  @Test
  void embeddingLookup() {
    feeds.put("i", Nd4j.createFromArray(1, 3, 3));
    SDVariable i = sd.placeHolder("i", DataType.INT32, -1);
    sd.math().embeddingLookup("z", parameter("w", 4, 3), i, PartitionMode.MOD);
    assertThat(rewritten("z")).isEqualTo("z = gather(w, i) [0]\n");
  }

  @Test
  void nothingElseIsTouched() {
    fed("x", 3, 5).mmul("z", parameter("w", 5, 4)).add("y", 1);
    assertThat(rewritten("y")).isEqualTo("z = matmul(x, w) [0, 0, 0]\ny = add_scalar(z)\n");
  }

  @Test
  void whatDoesNotLeadToATargetIsLeftAlone() {
    SDVariable x = fed("x", 3, 5);
    sd.nn().linear("other", x, parameter("w", 5, 4), parameter("b", 4));
    x.mean("z", 1);
    SameDiff copy = GraphCopy.of(sd);
    Canonicalise.apply(copy, List.of("z"), Map.of());
    assertThat(GraphLines.of(copy, List.of("other"))).isEqualTo("other = xw_plus_b(x, w, b)\n");
  }
}
