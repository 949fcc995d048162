package org.backpack4j.samediff.internal.evaluate;

import org.backpack4j.samediff.internal.execution.run.MemoryLimit;

/** How much of the memory that this process may have an evaluation works in. */
public final class MachineMemory {
  private static final long LEAST_BUDGET = 128L << 20;
  private static final long BUDGET_OF_A_PROCESSOR = 64L << 20;
  private static final long SHARE = 64;

  private MachineMemory() {}

  /**
   * What an evaluation works in, unless the person says something else: 64 MiB for each processor,
   * which keep it busy, but no more than a sixty-fourth of the memory, and at least 128 MiB. It is
   * little, since each thread and each combination of shapes and names has its own, since native
   * ops make copies of what they are given, and since more makes nothing faster: values that stay
   * in the caches make up for smaller groups.
   */
  public static long budget() {
    return budget(Runtime.getRuntime().availableProcessors(), MemoryLimit.ofProcess().bytes());
  }

  public static long budget(int processors, long bytes) {
    return Math.max(LEAST_BUDGET, Math.min(BUDGET_OF_A_PROCESSOR * processors, bytes / SHARE));
  }
}
