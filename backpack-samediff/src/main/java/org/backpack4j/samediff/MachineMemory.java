package org.backpack4j.samediff;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** The memory of the machine, or of the container. */
final class MachineMemory {
  private static final long LEAST_BUDGET = 256L << 20;
  private static final long SHARE = 64;

  /** Asked for once: in a container the answer is read from files. */
  private static final long BYTES =
      ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getTotalMemorySize();

  private MachineMemory() {}

  /** All of it, in bytes. */
  static long bytes() {
    return BYTES;
  }

  /**
   * What an evaluation works in, unless the person says something else: little, since each thread
   * and each combination of shapes and names has its own, and since more of it makes nothing faster
   * once the native ops have enough samples at a time.
   */
  static long budget() {
    return Math.max(LEAST_BUDGET, BYTES / SHARE);
  }
}
