package org.backpack4j.samediff;

import java.util.Map;
import java.util.stream.LongStream;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchDiagHessian;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.testing.RandomGraph;
import org.backpack4j.samediff.testing.Seeds;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The diagonal of the Hessian against brute force. */
class HessianTest {
  @Test
  void ofRandomGraphs() {
    Seeds.check(LongStream.range(7, 9), HessianTest::check);
  }

  private static void check(long seed) {
    RandomGraph random = new RandomGraph(seed);
    try (ExtendedGraph graph =
        BackPack.on(random.graph())
            .without(random.coupled().toArray(new String[0]))
            .lenient()
            .extend(new DiagHessian(), new BatchDiagHessian())) {
      graph.refusals().forEach(r -> System.err.println("REFUSED " + seed + " " + r));
      Map<String, INDArray> out = graph.output(random.feeds(), graph.outputNames());
      System.err.println("SEED " + seed + " " + out.keySet().stream().filter(n -> n.endsWith("diag_h")).count());
      BruteForce.on(random.graph(), random.feeds()).verify(out).orThrow();
    }
  }
}
