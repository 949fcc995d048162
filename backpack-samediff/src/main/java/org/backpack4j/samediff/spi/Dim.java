package org.backpack4j.samediff.spi;

/**
 * One extent of a shape, as known when a graph is extended: a number, or a multiple of the number
 * of samples N.
 *
 * @param size the extent, or what N is multiplied by
 * @param samples whether the extent is {@code size · N}
 */
public record Dim(long size, boolean samples) {
  /** The number of samples. */
  public static final Dim N = new Dim(1, true);

  /** An extent of one. */
  public static final Dim ONE = new Dim(1, false);

  /**
   * A fixed extent.
   *
   * @param size the extent
   * @return the extent as a {@code Dim}
   */
  public static Dim of(long size) {
    return new Dim(size, false);
  }

  /**
   * The extent of two axes folded into one.
   *
   * @param other the extent of the other axis
   * @return their product
   * @throws IllegalArgumentException if both are multiples of N
   */
  public Dim times(Dim other) {
    if (samples && other.samples) {
      throw new IllegalArgumentException(
          "an extent cannot be a multiple of N²: " + this + " · " + other);
    }
    return new Dim(Math.multiplyExact(size, other.size), samples || other.samples);
  }

  /**
   * Whether this is the fixed extent one.
   *
   * @return true if an axis of this extent can be dropped or broadcast
   */
  public boolean isOne() {
    return size == 1 && !samples;
  }

  @Override
  public String toString() {
    return !samples ? Long.toString(size) : size == 1 ? "N" : size + "N";
  }
}
