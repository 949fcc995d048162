package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/** Some norms are above the bound and some below. */
class ClipByNormRuleTest {
  static Stream<Arguments> axes() {
    return Stream.of(
        Arguments.of(false, 0.9, new int[] {1}),
        Arguments.of(false, 0.9, new int[] {-1}),
        Arguments.of(false, 1.2, new int[] {1, 2}),
        Arguments.of(true, 0.3, new int[] {1, 2}));
  }

  @ParameterizedTest
  @MethodSource("axes")
  void overAxesOfEachSample(boolean average, double bound, int[] axes) {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 2, 3).mul(2);
    Problems.squared(sd, clip(sd, average, x, bound, axes).add(0.2));
    Problems.verifyInEveryWay(sd, Problems.feeds(sd), "z");
  }

  private static SDVariable clip(
      SameDiff sd, boolean average, SDVariable x, double bound, int... axes) {
    return average ? sd.math().clipByAvgNorm(x, bound, axes) : sd.math().clipByNorm(x, bound, axes);
  }

  @Test
  void samplesInTheMiddle() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.permute(Problems.samples(sd, "x", 2, 3).mul(2), 1, 0, 2);
    Problems.squared(sd, sd.math().clipByNorm(x, 0.9, 0).add(0.2));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @Test
  void foldedSamples() {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 2, 3).mul(2).reshape(-1, 3);
    Problems.squared(sd, sd.math().clipByNorm(x, 0.9, 1).add(0.2));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @Test
  void ofAWeight() {
    SameDiff sd = SameDiff.create();
    SDVariable weight = sd.math().clipByNorm(Problems.parameter(sd, "w", 3, 2), 0.8, 0);
    SDVariable whole = sd.clipByNorm(Problems.parameter(sd, "v", 2, 2), 0.8);
    Problems.squared(sd, Problems.placeholder(sd, "x", 3).mmul(weight).mmul(whole));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @Test
  void aNormOverAllSamplesIsRefused() {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 3);
    Problems.squared(sd, sd.clipByNorm(x, 0.8));
    assertThatThrownBy(() -> BackPack.on(sd).predictions("z").extend(new BatchGrad()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("clipbynorm works along the sample axis");
  }

  @Test
  void itsCurvatureIsRefused() {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 3).add("u", 0.1);
    Problems.squared(sd, sd.math().clipByNorm(x, 0.8, 1));
    assertThatThrownBy(() -> BackPack.on(sd).predictions("u").extend(new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("the second derivative of clipbynorm is not known");
  }
}
