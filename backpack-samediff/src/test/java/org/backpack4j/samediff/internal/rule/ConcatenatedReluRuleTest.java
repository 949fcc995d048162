package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

class ConcatenatedReluRuleTest {
  @ParameterizedTest
  @ValueSource(strings = {"matrix", "image", "folded", "samples in the middle"})
  void twiceTheChannels(String kind) {
    SameDiff sd = SameDiff.create();
    SDVariable x =
        switch (kind) {
          case "matrix" -> Problems.samples(sd, "x", 3);
          case "image" -> Problems.samples(sd, "x", 2, 2, 2);
          case "folded" -> Problems.samples(sd, "x", 2, 3).reshape(-1, 3);
          default -> sd.permute(Problems.samples(sd, "x", 2, 3), 1, 0, 2);
        };
    Problems.squared(sd, sd.nn().cReLU(x).sub(0.3));
    Problems.verifyInEveryWay(sd, Problems.feeds(sd), "z");
  }

  @Test
  void samplesOnTheLastAxisAreRefused() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.permute(Problems.samples(sd, "x", 3), 1, 0);
    Problems.squared(sd, sd.nn().cReLU(x));
    assertThatThrownBy(() -> BackPack.extend(sd))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("beside each other on the sample axis");
  }
}
