package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/** What passes is tested with the other functions of one input. */
class ClipRuleTest {
  @Test
  void computedBoundsAreRefused() {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 3);
    SDVariable low = Problems.parameter(sd, "low");
    Problems.squared(sd, sd.clipByValue(x, low, low.add(1)));
    assertThatThrownBy(() -> BackPack.extend(sd))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("its bounds are computed")
        .hasMessageContaining("give them as numbers");
  }
}
