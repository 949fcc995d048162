package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class MergeRuleTest {
  private static SDVariable merge(SameDiff sd, String how, SDVariable... values) {
    return switch (how) {
      case "add" -> sd.math().mergeAdd(values);
      case "avg" -> sd.math().mergeAvg(values);
      default -> sd.math().mergeMax(values);
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"add", "avg", "max"})
  void ofThree(String how) {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 2, 2);
    SDVariable y = Problems.samples(sd, "y", 2, 2);
    Problems.squared(sd, merge(sd, how, x, y, x.mul(y)));
    Problems.verifyInEveryWay(sd, Problems.feeds(sd), "z");
  }

  @ParameterizedTest
  @ValueSource(strings = {"add", "avg", "max"})
  void ofParameters(String how) {
    SameDiff sd = SameDiff.create();
    SDVariable v = Problems.parameter(sd, "v", 3, 2);
    SDVariable w = Problems.parameter(sd, "w", 3, 2);
    Problems.squared(sd, Problems.placeholder(sd, "x", 3).mmul(merge(sd, how, v, w)));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @ParameterizedTest
  @ValueSource(strings = {"add", "avg", "max"})
  void ofOneVariableTwice(String how) {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 2);
    Problems.squared(sd, merge(sd, how, x, x));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @Test
  void theFirstMaximumTakesTheSignalAsInNd4j() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 1);
    SDVariable p = sd.var("p", Nd4j.createFromArray(1.0));
    SDVariable q = sd.var("q", Nd4j.createFromArray(1.0));
    sd.math().mergeMax(x.mul(0.5), x.mul(p), x.mul(q)).sum("loss");
    sd.setLossVariables("loss");
    sd.setEnableCache(false);
    Map<String, INDArray> feeds = Map.of("x", Nd4j.createFromArray(1.0, 2.0).reshape(2, 1));
    Map<String, INDArray> expected = sd.calculateGradients(feeds, "p", "q");
    try (ExtendedGraph graph = BackPack.extend(sd)) {
      Map<String, INDArray> answer = graph.output(feeds, List.of("p.grad", "q.grad"));
      assertThat(answer.get("p.grad")).isEqualTo(expected.get("p"));
      assertThat(answer.get("q.grad")).isEqualTo(expected.get("q"));
      assertThat(answer.get("p.grad").getDouble(0)).isEqualTo(3);
    }
  }
}
