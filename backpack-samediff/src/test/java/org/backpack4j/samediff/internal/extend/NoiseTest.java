package org.backpack4j.samediff.internal.extend;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** Uniform numbers stay below one when they are rounded to their type. */
class NoiseTest {
  @ParameterizedTest
  @EnumSource(names = {"DOUBLE", "FLOAT"})
  void noNumberIsRoundedToOne(DataType type) {
    for (double drawn : new double[] {Math.nextDown(1.0), 1 - 0x1p-26, 1 - 0x1p-25}) {
      assertThat(Nd4j.scalar(drawn).castTo(DataType.FLOAT).getDouble(0)).isEqualTo(1);
      double number = Noise.belowOne(drawn, type);
      assertThat(Nd4j.scalar(number).castTo(type).getDouble(0)).isLessThan(1);
      assertThat(number).isCloseTo(drawn, org.assertj.core.api.Assertions.within(0x1p-24));
    }
    assertThat(Noise.belowOne(0.3, type)).isEqualTo(0.3);
    assertThat(Noise.belowOne(0, type)).isZero();
  }
}
