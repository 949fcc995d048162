package org.backpack4j.samediff;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.LongRange;
import org.backpack4j.samediff.check.BruteForce;

/** Random chains of ops that move or reduce entries, against brute force. */
class RandomChainTest {

  @Property(tries = 20, shrinking = ShrinkingMode.OFF)
  void everyQuantityIsThatOfBruteForce(@ForAll @LongRange(min = 0, max = 1_000_000) long seed) {
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
