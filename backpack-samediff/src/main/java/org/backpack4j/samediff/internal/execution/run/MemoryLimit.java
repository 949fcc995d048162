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
  private static final String PROCESS = "org.bytedeco.javacpp.maxphysicalbytes";
  private static final String ARRAYS = "org.bytedeco.javacpp.maxbytes";

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
   * What this process may have at most: the machine's memory, or a limit of JavaCPP's. That for the
   * whole process holds by default, and ND4J's own allocations keep to it. That for native arrays
   * is by default as large as the heap, whatever is needed; what a plan works in is not counted
   * there, so that it is a limit only where a person has set it.
   *
   * @return the room
   */
  public static MemoryLimit ofProcess() {
    boolean set = System.getProperty(ARRAYS) != null;
    return of(MACHINE, Pointer.maxPhysicalBytes(), set ? Pointer.maxBytes() : 0);
  }

  /** The least of them; a limit of JavaCPP's that is not positive is none. */
  static MemoryLimit of(long machine, long process, long arrays) {
    MemoryLimit least = new MemoryLimit(machine, "in the machine's memory");
    if (process > 0 && process < least.bytes) {
      least = new MemoryLimit(process, "by -D" + PROCESS + " (by default four times the heap)");
    }
    return arrays > 0 && arrays < least.bytes ? new MemoryLimit(arrays, "by -D" + ARRAYS) : least;
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
