package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ops.impl.controlflow.Select;
import org.nd4j.linalg.factory.Nd4j;

class SelectRuleTest {
  /** Where the condition comes from, and its shape. */
  enum Condition {
    OF_THE_VALUES {
      @Override
      SDVariable of(SameDiff sd, SDVariable a) {
        return a.gt(0.1);
      }
    },
    OF_OTHER_SAMPLES {
      @Override
      SDVariable of(SameDiff sd, SDVariable a) {
        return Problems.placeholder(sd, "c", 2, 2).gt(0.1);
      }
    },
    FOR_EACH_SAMPLE {
      @Override
      SDVariable of(SameDiff sd, SDVariable a) {
        return Problems.placeholder(sd, "c").gt(0.1);
      }
    },
    FOR_EACH_SAMPLE_AS_A_COLUMN {
      @Override
      SDVariable of(SameDiff sd, SDVariable a) {
        return Problems.placeholder(sd, "c", 1).gt(0.1);
      }
    };

    abstract SDVariable of(SameDiff sd, SDVariable a);
  }

  @ParameterizedTest
  @EnumSource(Condition.class)
  void where(Condition condition) {
    SameDiff sd = SameDiff.create();
    SDVariable a = Problems.samples(sd, "x", 2, 2);
    SDVariable b = Problems.samples(sd, "y", 2, 2);
    Problems.squared(sd, sd.where(a, b, condition.of(sd, a)));
    Problems.verifyInEveryWay(sd, Problems.feeds(sd), "z");
  }

  @Test
  void select() {
    SameDiff sd = SameDiff.create();
    SDVariable a = Problems.samples(sd, "x", 2);
    SDVariable b = Problems.samples(sd, "y", 2);
    SDVariable c = a.lt(b);
    Problems.squared(sd, new Select(sd, new SDVariable[] {c, a, b}).outputVariable());
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @Test
  void samplesInTheMiddleAndAConditionForEachRow() {
    SameDiff sd = SameDiff.create();
    SDVariable a = sd.permute(Problems.samples(sd, "x", 4, 2), 1, 0, 2);
    SDVariable b = sd.permute(Problems.samples(sd, "y", 4, 2), 1, 0, 2);
    SDVariable rows = sd.constant("rows", Nd4j.createFromArray(true, false, false, true));
    Problems.squared(sd, sd.where(a, b, rows));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @Test
  void foldedSamplesAndAConditionForEachRow() {
    SameDiff sd = SameDiff.create();
    SDVariable a = Problems.samples(sd, "x", 4, 2).reshape(-1, 2);
    SDVariable b = Problems.samples(sd, "y", 4, 2).reshape(-1, 2);
    SDVariable c = Problems.placeholder(sd, "c", 4).reshape(-1).gt(0.1);
    Problems.squared(sd, sd.where(a, b, c));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @Test
  void ofParameters() {
    SameDiff sd = SameDiff.create();
    SDVariable v = Problems.parameter(sd, "v", 3, 2);
    SDVariable w = Problems.parameter(sd, "w", 3, 2);
    Problems.squared(sd, Problems.placeholder(sd, "x", 3).mmul(sd.where(v, w, v.gt(w))));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }

  @Test
  void aConditionOfSamplesOnOtherAxesIsRefused() {
    SameDiff sd = SameDiff.create();
    SDVariable a = Problems.samples(sd, "x", 3).reshape(-1);
    SDVariable c = sd.permute(Problems.placeholder(sd, "c", 3), 1, 0).reshape(-1);
    Problems.squared(sd, sd.where(a, a.mul(2), c.gt(0.1)));
    assertThatThrownBy(() -> BackPack.extend(sd))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("samples on different axes");
  }
}
