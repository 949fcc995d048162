package org.backpack4j.samediff;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.LongRange;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;

/** Random networks of supported ops against brute force. */
class RandomGraphTest {

  @Property(tries = 25, shrinking = ShrinkingMode.OFF)
  void everyQuantityIsThatOfBruteForce(@ForAll @LongRange(min = 0, max = 1_000_000) long seed) {
    RandomGraph random = new RandomGraph(seed);
    Checked.check(
        random.graph(),
        random.feeds(),
        BackPack.on(random.graph()),
        BruteForce.on(random.graph(), random.feeds()),
        new BatchGrad(),
        new BatchL2Grad(),
        new SumGradSquared(),
        new Variance(),
        new DiagGGNExact(),
        new BatchDiagGGNExact());
  }
}
