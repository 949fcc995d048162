package org.backpack4j.samediff.internal.execution.kernel;

import org.backpack4j.samediff.internal.execution.run.Call;

/**
 * A faster way to a value than the native op, or the ops, that define it, for given shapes. It
 * holds no memory and is the same for all threads.
 */
public interface Kernel {
  /** The bytes that a call needs beside its inputs and its output. */
  default long scratchBytes() {
    return 0;
  }

  /** Whether the output may be the memory of an input of the same shape. */
  default boolean worksInPlace() {
    return false;
  }

  /**
   * A call of this kernel, not yet bound.
   *
   * @param scratch the address of {@link #scratchBytes()} bytes, whose content is lost between runs
   */
  Call call(long scratch);
}
