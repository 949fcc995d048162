package org.backpack4j.samediff;

import java.util.stream.LongStream;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.RandomChain;
import org.backpack4j.samediff.testing.Seeds;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random chains of ops that move or reduce entries, against brute force. */
class RandomChainTest {

  @Test
  void everyQuantityIsThatOfBruteForce() {
    Seeds.check(LongStream.range(0, 20), RandomChainTest::check);
  }

  /** Whose losses or gradients are rounding: brute force once took that for numbers. */
  @ParameterizedTest
  @ValueSource(longs = {3823, 1_000_146})
  void nearZero(long seed) {
    check(seed);
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
