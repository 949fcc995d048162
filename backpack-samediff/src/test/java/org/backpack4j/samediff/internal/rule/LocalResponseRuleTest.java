package org.backpack4j.samediff.internal.rule;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.LocalResponseNormalizationConfig;

class LocalResponseRuleTest {

  @ParameterizedTest
  @CsvSource({"1, 0.7, 0.75, 1", "2, 0.3, 0.5, 2", "5, 1.2, 1, 0.5"})
  void localResponse(int depth, double alpha, double beta, double bias) {
    LocalResponseNormalizationConfig config =
        LocalResponseNormalizationConfig.builder()
            .depth(depth)
            .alpha(alpha)
            .beta(beta)
            .bias(bias)
            .build();
    Nets.checkBoth(
        new long[] {2, 2, 4},
        (sd, x, type) -> {
          SDVariable h = x.mul(sd.var("scale", Nets.random(type, 1, 2, 2, 4)));
          return sd.cnn().localResponseNormalization(h, config);
        });
  }
}
