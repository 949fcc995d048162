package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.stream.LongStream;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.Jacobian;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.RandomGraph;
import org.backpack4j.samediff.testing.Seeds;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Random networks of supported ops against brute force. */
class RandomGraphTest {
  private static final Extension[] ALL = {
    new BatchGrad(),
    new BatchL2Grad(),
    new SumGradSquared(),
    new Variance(),
    new DiagGGNExact(),
    new BatchDiagGGNExact(),
    new Jacobian()
  };

  @Test
  void everyQuantityIsThatOfBruteForce() {
    Seeds.check(LongStream.range(0, 10), RandomGraphTest::check);
  }

  /** A part of their gradient was rounding, and brute force took it for numbers. */
  @ParameterizedTest
  @ValueSource(longs = {5302, 1_000_146})
  void seedsThatFailedOnce(long seed) {
    check(seed);
  }

  private static void check(long seed) {
    RandomGraph random = new RandomGraph(seed);
    Checked.check(
        random.graph(),
        random.feeds(),
        BackPack.on(random.graph()).without(random.coupled().toArray(new String[0])),
        BruteForce.on(random.graph(), random.feeds()),
        ALL);
    refusesWhatMeetsAllSamples(random);
  }

  /** Of them nothing but the gradient is to be had. */
  private static void refusesWhatMeetsAllSamples(RandomGraph random) {
    for (String parameter : random.coupled()) {
      try (ExtendedGraph graph =
          BackPack.on(random.graph()).parameters(parameter).lenient().extend(ALL)) {
        assertThat(graph.outputNames())
            .filteredOn(name -> !name.endsWith(".grad_penalty"))
            .containsExactly(parameter + ".grad");
        Map<String, INDArray> gradient = graph.output(random.feeds(), graph.outputNames());
        BruteForce.on(random.graph(), random.feeds()).verify(gradient).orThrow();
      }
    }
  }
}
