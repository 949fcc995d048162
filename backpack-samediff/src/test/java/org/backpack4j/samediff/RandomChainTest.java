package org.backpack4j.samediff;

import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.LongRange;
import org.backpack4j.samediff.check.BruteForce;

/** Random chains of ops that move or reduce entries, against brute force. */
class RandomChainTest {

  @Property(tries = 20, shrinking = ShrinkingMode.OFF)
  void everyQuantityIsThatOfBruteForce(@ForAll @LongRange(min = 0, max = 1_000_000) long seed) {
    check(seed);
  }

  /** Its loss is 1e-7: brute force once took the rounding of that for a loss that is no sum. */
  @Example
  void lossNearZero() {
    check(3823);
  }

  private static void check(long seed) {
    RandomChain chain = new RandomChain(seed);
    try {
      Checked.check(
          chain.graph(),
          chain.feeds(),
          BackPack.on(chain.graph()).sampleAxis("x", chain.entrance()),
          BruteForce.on(chain.graph(), chain.feeds()).sampleAxis(chain.entrance()),
          Checked.all());
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("seed " + seed + ", " + chain, e);
    }
  }
}
