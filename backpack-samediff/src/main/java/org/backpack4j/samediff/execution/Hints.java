package org.backpack4j.samediff.execution;

/**
 * How a graph is to be executed. None of it changes what comes out.
 *
 * @param plans how many plans are kept, one for each combination of feed shapes and names; the one
 *     that was not used for longest is dropped first
 * @param threads how many threads may run the same plan at once, each in memory of its own; further
 *     ones wait
 * @param prepared whether memory is laid out beforehand; else every op runs into new arrays, as it
 *     does on any backend but the native CPU one
 */
public record Hints(int plans, int threads, boolean prepared) {

  /** Checks the limits. */
  public Hints {
    if (plans < 1 || threads < 1) {
      throw new IllegalArgumentException(
          "At least one plan and one thread are needed, not " + plans + " and " + threads + ".");
    }
  }

  /**
   * Eight plans, and as many threads as there are processors.
   *
   * @return the hints
   */
  public static Hints none() {
    return new Hints(8, Runtime.getRuntime().availableProcessors(), true);
  }

  /**
   * With another number of plans to keep.
   *
   * @param plans the number
   * @return the hints
   */
  public Hints withPlans(int plans) {
    return new Hints(plans, threads, prepared);
  }

  /**
   * With another limit of threads in one plan at once.
   *
   * @param threads the limit
   * @return the hints
   */
  public Hints withThreads(int threads) {
    return new Hints(plans, threads, prepared);
  }

  /**
   * With memory laid out beforehand, or without.
   *
   * @param prepared whether to prepare
   * @return the hints
   */
  public Hints withPrepared(boolean prepared) {
    return new Hints(plans, threads, prepared);
  }
}
