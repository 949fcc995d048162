package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.conditions.Condition;
import org.nd4j.linalg.indexing.conditions.Conditions;

class ReplaceRuleTest {
  static Stream<Arguments> conditions() {
    return Stream.of(
        Arguments.of("<", Conditions.lessThan(0.1)),
        Arguments.of(">", Conditions.greaterThan(0.1)),
        Arguments.of("≤", Conditions.lessThanOrEqual(0.1)),
        Arguments.of("≥", Conditions.greaterThanOrEqual(0.1)),
        Arguments.of("|x| <", Conditions.absLessThan(0.2)),
        Arguments.of("|x| >", Conditions.absGreaterThan(0.2)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("conditions")
  void byANumber(String name, Condition condition) {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 4);
    Problems.squared(sd, sd.replaceWhere(x, 0.7, condition).add(x));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("conditions")
  void byAnotherValue(String name, Condition condition) {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 4);
    SDVariable y = Problems.samples(sd, "y", 4);
    Problems.squared(sd, sd.replaceWhere(x, y, condition));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @Test
  void inEveryWay() {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 2, 2);
    SDVariable y = Problems.samples(sd, "y", 2, 2);
    SDVariable z = sd.replaceWhere(x, y, Conditions.lessThan(0));
    Problems.squared(sd, sd.replaceWhere(z, 0.7, Conditions.greaterThan(0.5)));
    Problems.verifyInEveryWay(sd, Problems.feeds(sd), "z");
  }

  @Test
  void otherConditionsAreRefused() {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 4);
    Problems.squared(sd, sd.replaceWhere(x, 0.7, Conditions.isNan()));
    assertThatThrownBy(() -> BackPack.extend(sd))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("its condition IS_NAN is not supported")
        .hasMessageContaining("sd.where");
  }

  /** M2.1 takes entries at the same places in memory, be there any or not. */
  @Test
  void arraysOfDifferentShapesAreRefused() {
    for (boolean constantFirst : new boolean[] {true, false}) {
      for (long[] shape : new long[][] {{3, 4}, {4}, {1, 3, 4}}) {
        SameDiff sd = SameDiff.create();
        SDVariable x = Problems.samples(sd, "x", 3, 4);
        SDVariable c = sd.constant(Nd4j.ones(DataType.DOUBLE, shape));
        Condition low = Conditions.lessThan(0.1);
        SDVariable replaced =
            constantFirst ? sd.replaceWhere(c, x, low) : sd.replaceWhere(x, c, low);
        Problems.squared(sd, replaced.sum().add(x));
        assertThatThrownBy(() -> BackPack.extend(sd))
            .isInstanceOf(UnsupportedGraphException.class)
            .hasMessageContaining("M2.1 does not broadcast it")
            .hasMessageContaining("bring both to one shape")
            .hasMessageContaining("(car)");
      }
    }
  }
}
