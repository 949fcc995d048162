package org.backpack4j.dl4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DampingRuleTest {
  private static DampingRule rule(int every) {
    DampingRule rule = new DampingRule(2);
    rule.every(every);
    return rule;
  }

  @ParameterizedTest
  @CsvSource({
    "-0.8, 0.8, 0.9025", // the loss falls as the model says: less damping
    "-0.5, 0.5, 1",
    "-0.2, 0.2, 1.10803324099723",
    "1, -1, 1.10803324099723" // it rises
  })
  void theRatioDecides(double change, double ratio, double factor) {
    DampingRule rule = rule(2);
    double told = rule.adapt(3, 3 + change, -1, 1e-12);
    assertThat(told).isCloseTo(ratio, org.assertj.core.api.Assertions.within(1e-12));
    assertThat(rule.damping() / 2).isCloseTo(factor, org.assertj.core.api.Assertions.within(1e-12));
  }

  @Test
  void aRatioThatTellsNothingChangesNothing() {
    DampingRule rule = rule(1);
    assertThat(rule.adapt(3, 2, 1e-3, 1e-12)).isNaN(); // the model says that the loss rises
    assertThat(rule.adapt(3, 3 - 1e-7, -1e-7, 1e-5)).isNaN(); // less than rounding
    assertThat(rule.adapt(3, 2, Double.NaN, 1e-5)).isNaN();
    assertThat(rule.damping()).isEqualTo(2);
  }

  @Test
  void aLossThatIsNoNumberAsksForMoreDamping() {
    DampingRule rule = rule(1);
    assertThat(rule.adapt(3, Double.NaN, -1, 1e-12)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(rule.adapt(3, Double.POSITIVE_INFINITY, -1, 1e-12))
        .isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(rule.damping()).isEqualTo(2 / 0.95 / 0.95);
  }

  @Test
  void itIsDueEverySoManySteps() {
    DampingRule rule = rule(3);
    assertThat(java.util.stream.LongStream.rangeClosed(1, 7).filter(rule::isDueAfter))
        .containsExactly(3L, 6L);
    assertThat(new DampingRule(1).isDueAfter(1)).isFalse();
  }
}
