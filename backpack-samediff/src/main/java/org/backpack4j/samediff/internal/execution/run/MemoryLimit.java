package org.backpack4j.samediff.internal.execution.run;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import org.bytedeco.javacpp.Pointer;

/**
 * How much native memory an evaluation may take at most.
 *
 * <p>A failed native allocation is not survived in M2.1: the process ends, or a later allocation of
 * a few bytes fails; and where the system promises more memory than it has, it ends the process
 * when the memory is used. So it is looked at beforehand.
 *
 * @param bytes the bytes
 * @param limit what sets the limit, as the end of "there is room for … "
 */
public record MemoryLimit(long bytes, String limit) {
  private static final String LIMIT = "org.bytedeco.javacpp.maxphysicalbytes";

  /** Asked for once: in a container the answer is read from files. */
  private static final long MACHINE =
      ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getTotalMemorySize();

  /** For less than that it is not worth looking. */
  static final long SMALL = 256L << 20;

  /**
   * The memory of the machine, or of the container.
   *
   * @return all of it, in bytes
   */
  public static long machine() {
    return MACHINE;
  }

  /**
   * What this process may have at most: the machine's memory, or JavaCPP's limit for the whole
   * process, which ND4J's own allocations keep to.
   *
   * @return the room
   */
  public static MemoryLimit ofProcess() {
    long limit = Pointer.maxPhysicalBytes();
    return limit > 0 && limit < MACHINE
        ? new MemoryLimit(limit, "by -D" + LIMIT + " (by default four times the heap)")
        : new MemoryLimit(MACHINE, "in the machine's memory");
  }

  /**
   * What is left of the machine's memory now, for something new. Where it is not enough, garbage is
   * collected first, since results that nobody holds wait for that.
   *
   * @param bytes what is needed
   * @return the room
   */
  static MemoryLimit left(long bytes) {
    if (Pointer.availablePhysicalBytes() < bytes) {
      System.gc();
    }
    return new MemoryLimit(
        Pointer.availablePhysicalBytes(), "in what is left of the machine's memory");
  }
}
