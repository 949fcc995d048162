package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** In single precision: ND4J's dropout says of its result that it is. */
class DropoutRuleTest {
  private static SameDiff network(boolean inverted, double kept) {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, 3);
    SDVariable h =
        x.mmul(sd.var("w", Nd4j.createFromArray(new float[][] {{1, 2}, {-1, 1}, {2, 0}})));
    SDVariable d = inverted ? sd.nn().dropoutInverted(h, kept) : sd.nn().dropout(h, kept);
    return Problems.squared(sd, d.mul(0.7));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void keepingEverythingIsAnIdentityThatDrawsNothing(boolean inverted) {
    SameDiff sd = network(inverted, 1);
    Map<String, INDArray> feeds =
        Map.of("x", Problems.random(3, -1, 1, 4, 3).castTo(DataType.FLOAT));
    try (ExtendedGraph graph = BackPack.on(sd).predictions("z").extend(Checked.all())) {
      Nd4j.getRandom().setSeed(5);
      double first = Nd4j.getRandom().nextDouble();
      Nd4j.getRandom().setSeed(5);
      Map<String, INDArray> answer = Checked.inEveryWay(graph, feeds, graph.outputNames());
      assertThat(Nd4j.getRandom().nextDouble()).isEqualTo(first);
      BruteForce.on(sd, feeds).predictions("z").verifier().tolerance(1e-4).verify(answer).orThrow();
    }
  }

  @Test
  void droppingIsRefused() {
    SameDiff sd = network(false, 0.9);
    assertThatThrownBy(() -> BackPack.extend(sd))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("dropout")
        .hasMessageContaining("drops entries at random")
        .hasMessageContaining("a retain probability of 1");
  }
}
