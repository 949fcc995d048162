package org.backpack4j.samediff;

import org.bytedeco.javacpp.Pointer;

/** How much memory an evaluation works in, unless the person says something else. */
final class MemoryBudget {
  private MemoryBudget() {}

  /** A quarter of the machine's memory. */
  static long ofThisMachine() {
    return Math.max(1, Pointer.totalPhysicalBytes() / 4);
  }
}
