package org.backpack4j.samediff.curvature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Eigenpairs from the Gram matrix against those of the whole matrix. */
class GGNEigenpairsTest {
  private static final int N = 3;

  /** Two losses, one of which not every parameter acts on. */
  private static SameDiff network() {
    Nd4j.getRandom().setSeed(21);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable t = sd.placeHolder("t", DataType.DOUBLE, -1, 2);
    SDVariable h = sd.math().tanh(x.mmul(sd.var("w", Graphs.random(4, 5))));
    SDVariable z = h.mmul(sd.var("v", Graphs.random(5, 3))).add(sd.var("b", Graphs.random(3)));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    sd.loss().meanSquaredError("error", t, h.mmul(sd.constant(Graphs.random(5, 2))), null);
    return sd;
  }

  private static Map<String, INDArray> feeds() {
    Map<String, INDArray> feeds = new HashMap<>();
    feeds.put("x", Graphs.random(N, 4));
    feeds.put("y", Graphs.oneHot(N, 3));
    feeds.put("t", Graphs.random(N, 2));
    return feeds;
  }

  private static double entry(INDArray a, int row, int column) {
    return a.getDouble(row, column);
  }

  private static void compare(int most, String... parameters) {
    SameDiff sd = network();
    Map<String, INDArray> feeds = feeds();
    GGNEigenpairs pairs = GGNEigenpairs.of(sd, feeds, most, parameters);
    ParameterLayout layout = pairs.layout();
    SqrtGGNExact root = new SqrtGGNExact();
    BatchGrad rows = new BatchGrad();
    INDArray u; // [V N, D]
    INDArray g; // [N, D]
    try (ExtendedGraph graph = BackPack.on(sd).parameters(parameters).extend(root, rows)) {
      Map<String, INDArray> out = graph.output(feeds, graph.outputNames());
      Map<String, INDArray> columns = new HashMap<>();
      Map<String, INDArray> gradients = new HashMap<>();
      for (String p : layout.names()) {
        INDArray part = out.get(p + ".sqrt_ggn_exact").dup('c');
        long[] shape = part.shape();
        long[] flat = new long[shape.length - 1];
        System.arraycopy(shape, 1, flat, 0, flat.length);
        flat[0] = shape[0] * shape[1];
        columns.put(p, part.reshape(flat));
        gradients.put(p, out.get(p + ".grad_batch"));
      }
      u = layout.joinRows(columns);
      g = layout.joinRows(gradients);
    }
    INDArray matrix = u.transpose().mmul(u);
    double[] expected = Eigen.values("the matrix", matrix);
    double[] found = pairs.eigenvalues();
    for (int d = 0; d < found.length; d++) {
      assertThat(found[d])
          .isCloseTo(expected[expected.length - 1 - d], Offset.offset(1e-12 * found[0]));
    }
    INDArray v = pairs.directions();
    INDArray gram = v.mmul(v.transpose());
    INDArray along = g.mmul(v.transpose());
    INDArray curved = v.mmul(matrix).mmul(v.transpose());
    INDArray perSample = u.mmul(v.transpose()); // [V N, K]
    for (int d = 0; d < found.length; d++) {
      for (int e = 0; e < found.length; e++) {
        assertThat(entry(gram, d, e)).isCloseTo(d == e ? 1 : 0, Offset.offset(1e-7));
        assertThat(entry(curved, d, e))
            .isCloseTo(d == e ? found[d] : 0, Offset.offset(1e-9 * found[0]));
      }
      for (int n = 0; n < N; n++) {
        assertThat(entry(pairs.firstDerivatives(), n, d))
            .isCloseTo(entry(along, n, d), Offset.offset(1e-9));
        double second = 0;
        for (int k = n; k < perSample.rows(); k += N) {
          second += entry(perSample, k, d) * entry(perSample, k, d);
        }
        assertThat(entry(pairs.secondDerivatives(), n, d))
            .isCloseTo(second, Offset.offset(1e-9 * found[0]));
      }
    }
    INDArray step = Nd4j.zeros(DataType.DOUBLE, layout.size());
    INDArray gradient = g.sum(0);
    for (int d = 0; d < found.length; d++) {
      INDArray direction = v.getRow(d);
      double slope = gradient.mul(direction).sumNumber().doubleValue();
      step.subi(direction.mul(slope / (found[d] + 0.3)));
    }
    assertThat(pairs.newtonStep(0.3).distance2(step)).isLessThan(1e-9);
  }

  @Test
  void areThoseOfTheWholeMatrix() {
    compare(5);
  }

  @Test
  void areThoseOfAGroupOfParameters() {
    compare(4, "v", "b");
  }

  /** No more than there are; more than the rank are not made up. */
  @Test
  void leavesOutWhatIsZero() {
    GGNEigenpairs pairs = GGNEigenpairs.of(network(), feeds(), 1000, "b");
    assertThat(pairs.eigenvalues()).hasSize(2); // softmax does not see a shift of all logits
    assertThat(pairs.directions().shape()).containsExactly(2, 3);
  }

  @Test
  void refusesWhatIsNoNumber() {
    assertThatThrownBy(() -> GGNEigenpairs.of(network(), feeds(), 0))
        .isInstanceOf(IllegalArgumentException.class);
    GGNEigenpairs pairs = GGNEigenpairs.of(network(), feeds(), 1);
    assertThatThrownBy(() -> pairs.newtonStep(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("damping");
  }
}
