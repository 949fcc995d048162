package org.backpack4j.samediff.internal.execution;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Compares arrays, relative to the largest number in them, or to one where all are smaller (what is
 * left of a difference has no digits of its own): 1e-12 in double, 1e-5 in float.
 */
public final class Numbers {
  private Numbers() {}

  public static void assertSame(
      String what, Map<String, INDArray> actual, Map<String, INDArray> expected) {
    assertThat(actual.keySet()).as(what).isEqualTo(expected.keySet());
    expected.forEach((name, array) -> assertSame(what + " " + name, actual.get(name), array));
  }

  public static void assertSame(String what, INDArray actual, INDArray expected) {
    assertThat(actual.shape()).as(what).isEqualTo(expected.shape());
    assertThat(actual.dataType()).as(what).isEqualTo(expected.dataType());
    if (expected.isEmpty()) {
      return;
    }
    double tolerance = expected.dataType() == DataType.FLOAT ? 1e-5 : 1e-12;
    assertThat(worst(actual, expected)).as(what).isLessThanOrEqualTo(tolerance);
  }

  private static double worst(INDArray actual, INDArray expected) {
    INDArray a = actual.castTo(DataType.DOUBLE).dup('c');
    INDArray e = expected.castTo(DataType.DOUBLE).dup('c');
    double worst = 0;
    double scale = 1;
    for (long i = 0; i < e.length(); i++) {
      double difference = Math.abs(a.data().getDouble(i) - e.data().getDouble(i));
      // Not a number is never the same.
      worst = difference <= worst ? worst : Double.isNaN(difference) ? 1e300 : difference;
      scale = Math.max(scale, Math.abs(e.data().getDouble(i)));
    }
    return worst / scale;
  }
}
