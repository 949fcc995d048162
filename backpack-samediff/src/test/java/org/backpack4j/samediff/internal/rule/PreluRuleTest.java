package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class PreluRuleTest {
  static Stream<Arguments> slopes() {
    return Stream.of(
        Arguments.of("for each channel", new long[] {4, 1, 1}, new int[] {2, 3}),
        Arguments.of("for each channel, a vector", new long[] {4}, new int[] {2, 3}),
        Arguments.of("for each pixel", new long[] {1, 2, 3}, new int[] {1}),
        Arguments.of("for each column", new long[] {1, 1, 3}, new int[] {1, 2}),
        Arguments.of("for all", new long[] {1}, new int[] {1, 2, 3}));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("slopes")
  void ofImages(String name, long[] shape, int[] shared) {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 4, 2, 3);
    Problems.squared(sd, sd.nn().prelu(x, Problems.parameter(sd, "alpha", shape), shared));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @Test
  void inEveryWay() {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 2, 3);
    Problems.squared(sd, sd.nn().prelu(x, Problems.parameter(sd, "alpha", 2, 1), 2));
    Problems.verifyInEveryWay(sd, Problems.feeds(sd), "z");
  }

  @Test
  void samplesOnTheSecondAxis() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.permute(Problems.samples(sd, "x", 2, 3), 2, 0, 1);
    Problems.squared(sd, sd.nn().prelu(x, Problems.parameter(sd, "alpha", 1, 2), 1));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @Test
  void foldedSamples() {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 2, 3, 2).reshape(-1, 3, 2);
    Problems.squared(sd, sd.nn().prelu(x, Problems.parameter(sd, "alpha", 3, 1), 2));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @Test
  void ofAWeight() {
    SameDiff sd = SameDiff.create();
    SDVariable alpha = Problems.parameter(sd, "alpha", 1);
    SDVariable weight = sd.nn().prelu(Problems.parameter(sd, "w", 3, 2), alpha, 1);
    Problems.squared(sd, Problems.placeholder(sd, "x", 3).mmul(weight));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @Test
  void atZeroTheDerivativeIsOneAsInNd4j() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2);
    SDVariable b = sd.var("b", Nd4j.zeros(DataType.DOUBLE, 2));
    sd.nn().prelu(x.add(b), sd.constant(Nd4j.createFromArray(0.3)), 1).sum("loss");
    sd.setLossVariables("loss");
    Map<String, INDArray> feeds = Map.of("x", Nd4j.zeros(DataType.DOUBLE, 1, 2));
    sd.setEnableCache(false);
    INDArray expected = sd.calculateGradients(feeds, "b").get("b");
    try (ExtendedGraph graph = BackPack.extend(sd)) {
      INDArray actual = graph.output(feeds, List.of("b.grad")).get("b.grad");
      assertThat(actual).isEqualTo(expected);
      assertThat(actual.toDoubleVector()).containsExactly(1, 1);
    }
  }

  @Test
  void slopesThatDependOnSamplesAreRefused() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.permute(Problems.samples(sd, "x", 2, 3), 1, 0, 2);
    Problems.squared(sd, sd.nn().prelu(x, Problems.placeholder(sd, "s", 1), 2));
    assertThatThrownBy(() -> BackPack.extend(sd))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("slopes depend on the samples")
        .hasMessageContaining("relu(x) − alpha · relu(−x)");
  }
}
