package org.backpack4j.dl4j.internal.convert;

import org.nd4j.linalg.api.rng.Random;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Where ND4J's generator of this thread was.
 *
 * @param root the state that all share
 * @param node the state of its own
 */
public record GeneratorState(long root, long node) {
  /**
   * Where it is.
   *
   * @return its state
   */
  public static GeneratorState now() {
    Random generator = Nd4j.getRandom();
    return new GeneratorState(generator.rootState(), generator.nodeState());
  }

  /** Has the generator be there again. */
  public void restore() {
    Nd4j.getRandom().setStates(root, node);
  }

  /**
   * Draws once more what was drawn from here on; the generator is where it was afterwards.
   *
   * @param draw draws
   */
  public void again(Runnable draw) {
    GeneratorState before = now();
    Random generator = Nd4j.getRandom();
    generator.setStates(root, node);
    try {
      draw.run();
    } finally {
      generator.setStates(before.root, before.node);
    }
  }
}
