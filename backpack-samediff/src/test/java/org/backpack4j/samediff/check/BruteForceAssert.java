package org.backpack4j.samediff.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Compares all that brute force says with a closed form. */
final class BruteForceAssert {
  private BruteForceAssert() {}

  /** Compares each entry of each parameter, asked for one by one. */
  static void assertAgrees(BruteForce brute, ClosedForm closed, double tolerance) {
    assertAgrees(brute, closed, tolerance, 1);
  }

  /** Compares every so many entries. */
  static void assertAgrees(BruteForce brute, ClosedForm closed, double tolerance, int every) {
    assertThat(brute.samples()).isEqualTo(closed.samples());
    int at = 0;
    for (Parameter parameter : brute.parameterList()) {
      for (int i = 0; i < parameter.length(); i++, at++) {
        if (at % every != 0) {
          continue;
        }
        String name = parameter.name();
        double[] gradients = closed.gradients(at);
        double[] ggn = closed.ggns(at);
        String entry = parameter.describe(i);
        assertThat(brute.gradientsOfEntry(name, i))
            .as(entry)
            .containsExactly(gradients, within(tolerance));
        assertThat(brute.gradient(name, i)).as(entry).isCloseTo(sum(gradients), within(tolerance));
        assertThat(brute.batchDiagGgnExact(name, i))
            .as(entry)
            .containsExactly(ggn, within(tolerance));
        assertThat(brute.diagGgnExact(name, i)).as(entry).isCloseTo(sum(ggn), within(tolerance));
        assertThat(brute.diagGgnExact(at))
            .as(entry)
            .containsExactly(new double[] {sum(ggn)}, within(tolerance));
      }
    }
    assertThat(at).isEqualTo(closed.parameters());
  }

  static double sum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }
}
