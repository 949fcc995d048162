package org.backpack4j.samediff.internal.execution.kernel;

import org.nd4j.linalg.factory.Nd4j;

/** What runs the ops. */
public final class Platform {
  private Platform() {}

  /**
   * Whether arrays are plain memory of this process, which can be laid out, shared and read by
   * hand: so on the native CPU backend, and on no other.
   */
  public static boolean isNativeCpu() {
    return Nd4j.getEnvironment().isCPU();
  }
}
