package org.backpack4j.samediff;

/**
 * The memory that an evaluation takes.
 *
 * @param results the bytes of the quantities that it answers; they belong to the caller
 * @param work the bytes that it works in, kept for the next evaluation of the same shapes; those of
 *     one thread
 */
public record MemoryUse(long results, long work) {
  /**
   * Both together.
   *
   * @return the bytes
   */
  public long total() {
    return Math.addExact(results, work);
  }

  /**
   * Bytes in a unit that people read.
   *
   * @param bytes the bytes
   * @return MiB or GiB, with one decimal
   */
  public static String readable(long bytes) {
    return bytes < 1L << 30
        ? String.format("%.1f MiB", bytes / 0x1p20)
        : String.format("%.1f GiB", bytes / 0x1p30);
  }

  @Override
  public String toString() {
    return readable(results) + " of results, " + readable(work) + " to work in";
  }
}
