package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.stream.LongStream;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchDiagHessian;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.extension.DiagHessianMC;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.Graphs;
import org.backpack4j.samediff.testing.RandomGraph;
import org.backpack4j.samediff.testing.Seeds;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The diagonal of the Hessian against brute force. */
class HessianTest {
  private static final int N = 3;

  /** Skips, products of branches, attention, norms, and a weight that is used twice. */
  @Test
  void ofRandomGraphs() {
    Seeds.check(
        LongStream.of(7),
        seed -> {
          RandomGraph random = new RandomGraph(seed);
          Checked.checkNumbers(
              random.feeds(),
              BackPack.on(random.graph()).without(random.coupled().toArray(new String[0])),
              BruteForce.on(random.graph(), random.feeds()),
              new DiagHessian(),
              new BatchDiagHessian());
        });
  }

  private interface Body {
    SDVariable of(SameDiff sd, SDVariable x, SDVariable w);
  }

  /** x [N, 3] and a weight [3, 3] make logits. */
  private static SameDiff graph(Body body) {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Graphs.random(3, 3));
    sd.loss().softmaxCrossEntropy("loss", y, body.of(sd, x, w), null);
    return sd;
  }

  private static Map<String, INDArray> feeds() {
    return Map.of("x", Graphs.random(N, 3), "y", Graphs.oneHot(N, 3));
  }

  private static void check(Body body) {
    SameDiff sd = graph(body);
    Map<String, INDArray> feeds = feeds();
    Checked.check(
        sd,
        feeds,
        BackPack.on(sd),
        BruteForce.on(sd, feeds),
        new DiagHessian(),
        new BatchDiagHessian(),
        new DiagGGNExact());
  }

  @Test
  void ofAWeightUsedTwice() {
    check((sd, x, w) -> sd.math().tanh(x.mmul(w)).mmul(w));
  }

  @Test
  void ofAWeightThatMultipliesItsOwnProduct() {
    check((sd, x, w) -> x.mmul(w).mul(sd.math().tanh(x.mmul(w))));
  }

  /** A function of the weight alone, before it meets a sample. */
  @Test
  void ofAFunctionOfTheWeight() {
    check((sd, x, w) -> x.mmul(sd.math().exp(w).mul(w)));
  }

  /** Of a network that is linear in the weight it is the generalised Gauss-Newton matrix. */
  @Test
  void isTheGaussNewtonMatrixOfPiecewiseLinearNetworks() {
    SameDiff sd =
        graph((d, x, w) -> d.nn().relu(x.mmul(w), 0).mmul(d.var("v", Graphs.random(3, 3))));
    Map<String, INDArray> feeds = feeds();
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagHessian(), new DiagGGNExact())) {
      Map<String, INDArray> out = graph.output(feeds, graph.outputNames());
      for (String parameter : new String[] {"w", "v"}) {
        INDArray ggn = out.get(parameter + ".diag_ggn_exact");
        assertThat(out.get(parameter + ".diag_h").sub(ggn).amaxNumber().doubleValue())
            .isLessThan(1e-12 * ggn.amaxNumber().doubleValue());
      }
    }
  }

  /** The mean of many draws comes near; with as many sums as columns one draw is exact. */
  @Test
  void isEstimatedWithoutBias() {
    SameDiff sd = graph((d, x, w) -> d.math().tanh(x.mmul(w)).mmul(w));
    Map<String, INDArray> feeds = feeds();
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagHessian(), new DiagHessianMC());
        ExtendedGraph all = BackPack.extend(sd, new DiagHessianMC(100, 0))) {
      INDArray exact = graph.output(feeds, "w.diag_h").get("w.diag_h");
      double largest = exact.amaxNumber().doubleValue();
      INDArray whole = all.output(feeds, "w.diag_h_mc").get("w.diag_h_mc");
      assertThat(whole.sub(exact).amaxNumber().doubleValue()).isLessThan(1e-12 * largest);
      int draws = 2000;
      INDArray mean = exact.mul(0);
      for (int k = 0; k < draws; k++) {
        mean.addi(graph.output(feeds, "w.diag_h_mc").get("w.diag_h_mc").div(draws));
      }
      assertThat(mean.sub(exact).amaxNumber().doubleValue()).isLessThan(0.1 * largest);
    }
  }
}
