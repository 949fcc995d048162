package org.backpack4j.dl4j.internal.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.junit.jupiter.api.Test;

/** Layers have vectors of their own as long as these have room. */
class EigenvaluesTest {
  private static ParameterLayout layers(int count, long side) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    for (int k = 0; k < count; k++) {
      shapes.put(k + "_W", new long[] {side, side});
      shapes.put(k + "_b", new long[] {side});
    }
    return ParameterLayout.of(shapes);
  }

  @Test
  void fewSmallLayersHaveTheirOwn() {
    assertThat(Eigenvalues.layers(layers(3, 10))).containsExactly("0", "1", "2");
  }

  @Test
  void ofManyOrLargeLayersThereIsTheNetworkAlone() {
    assertThat(Eigenvalues.layers(layers(16, 10))).isEmpty();
    assertThat(Eigenvalues.layers(layers(2, 2000))).isEmpty();
  }
}
