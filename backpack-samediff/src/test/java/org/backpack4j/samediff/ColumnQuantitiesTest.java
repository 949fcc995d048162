package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchDiagGGNMC;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.backpack4j.samediff.extension.SqrtGGNMC;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What is made of the columns of one square root must be one thing. */
class ColumnQuantitiesTest {
  private static final int N = 4;
  private static final SameDiff SD = Graphs.perceptron();
  private static final Map<String, INDArray> FEEDS = Graphs.feeds(N);

  private static Map<String, INDArray> results(Extension... extensions) {
    try (ExtendedGraph graph = BackPack.extend(SD, extensions)) {
      List<String> names = new ArrayList<>(graph.outputNames());
      return new HashMap<>(graph.output(FEEDS, names));
    }
  }

  private static void assertSame(INDArray actual, INDArray expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(actual.sub(expected).amaxNumber().doubleValue())
        .isLessThanOrEqualTo(1e-12 * expected.amaxNumber().doubleValue());
  }

  private static List<String> parameters() {
    return SD.variables().stream()
        .filter(v -> v.getVariableType() == VariableType.VARIABLE)
        .map(SDVariable::name)
        .toList();
  }

  @Test
  void squaresOfTheRootAreTheDiagonal() {
    Map<String, INDArray> out =
        results(new SqrtGGNExact(), new DiagGGNExact(), new BatchDiagGGNExact());
    for (String p : parameters()) {
      INDArray root = out.get(p + ".sqrt_ggn_exact");
      assertThat(root.size(1)).isEqualTo(N);
      assertSame(root.mul(root).sum(0), out.get(p + ".diag_ggn_exact_batch"));
      assertSame(root.mul(root).sum(0, 1), out.get(p + ".diag_ggn_exact"));
    }
  }

  /** With the same seed they are of the same draw. */
  @Test
  void sampledQuantitiesAreOfOneDraw() {
    Map<String, INDArray> out =
        results(new SqrtGGNMC(3, 1), new DiagGGNMC(3, 1), new BatchDiagGGNMC(3, 1));
    for (String p : parameters()) {
      INDArray root = out.get(p + ".sqrt_ggn_mc");
      assertThat(root.size(0)).isEqualTo(3);
      assertSame(root.mul(root).sum(0), out.get(p + ".diag_ggn_mc_batch"));
      assertSame(root.mul(root).sum(0, 1), out.get(p + ".diag_ggn_mc"));
    }
  }

  /** Three classes have two columns: two sums are exact, one is not. */
  @Test
  void randomSignsAreExactWithAsManySums() {
    Map<String, INDArray> exact = results(new DiagGGNExact());
    Map<String, INDArray> two = results(DiagGGNMC.signs(2, 9));
    Map<String, INDArray> one = results(DiagGGNMC.signs(1, 9));
    for (String p : parameters()) {
      INDArray diagonal = exact.get(p + ".diag_ggn_exact");
      assertSame(two.get(p + ".diag_ggn_mc"), diagonal);
      double off = one.get(p + ".diag_ggn_mc").sub(diagonal).amaxNumber().doubleValue();
      assertThat(off).isGreaterThan(1e-6 * diagonal.amaxNumber().doubleValue());
    }
  }

  @Test
  void randomSignsAreUnbiased() {
    Map<String, INDArray> exact = results(new DiagGGNExact());
    int draws = 2000;
    try (ExtendedGraph graph = BackPack.extend(SD, DiagGGNMC.signs(1, 2))) {
      for (String p : parameters()) {
        String name = p + ".diag_ggn_mc";
        INDArray mean = graph.output(FEEDS, name).get(name).mul(0);
        for (int k = 0; k < draws; k++) {
          mean.addi(graph.output(FEEDS, name).get(name).div(draws));
        }
        INDArray diagonal = exact.get(p + ".diag_ggn_exact");
        assertThat(mean.sub(diagonal).amaxNumber().doubleValue())
            .isLessThan(0.1 * diagonal.amaxNumber().doubleValue());
      }
    }
  }

  /** A loss that is written out may curve downwards: its root is refused, by name. */
  @Test
  void refusesTheRootOfWhatIsNotPositive() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2);
    SDVariable z = x.mmul("z", sd.var("w", Graphs.random(2, 2)));
    sd.math().sin(z).sum("loss");
    sd.setLossVariables("loss");
    BackPack.Builder builder = BackPack.on(sd).predictions("z");
    assertThatThrownBy(() -> builder.extend(new SqrtGGNExact(), new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("sqrt_ggn_exact")
        .hasMessageContaining("not known to be positive")
        .hasMessageContaining("ask for the diagonal");
    try (ExtendedGraph graph = builder.lenient().extend(new SqrtGGNExact(), new DiagGGNExact())) {
      assertThat(graph.outputNames())
          .contains("w.diag_ggn_exact")
          .doesNotContain("w.sqrt_ggn_exact");
      assertThat(graph.refusals()).hasSize(1);
    }
  }
}
