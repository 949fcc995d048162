package org.backpack4j.samediff.execution;

import java.util.Arrays;

/** Maxima in single precision. */
final class FloatMaxima implements Maxima<float[]> {
  private final Unfold.Axis h;
  private final Unfold.Axis w;

  /** What the windows see, edges beside the image included, is a plane of rows of this length. */
  private final int pitch;

  private final int length;
  private final boolean padded;

  /** For each window where its first tap is in the plane. */
  private final int[] begins;

  private final float[] shifted;
  private float[] seen;
  private float[] greatest;

  private final Windows rows;
  private final Windows columns;
  private final long[] keys;
  private final long[] row;

  FloatMaxima(Unfold.Axis h, Unfold.Axis w) {
    this.h = h;
    this.w = w;
    padded = isPadded(h) || isPadded(w);
    pitch = padded ? span(w) : w.in();
    length = (span(h) - 1) * pitch + span(w);
    begins = new int[h.out() * w.out()];
    for (int i = 0; i < begins.length; i++) {
      begins[i] = i / w.out() * h.stride() * pitch + i % w.out() * w.stride();
    }
    shifted = new float[length];
    seen = new float[length];
    greatest = new float[length];
    rows = Windows.of(h);
    columns = Windows.of(w);
    keys = new long[h.in() * w.in()];
    row = new long[w.in()];
  }

  /** From the first element of an axis that a window sees to the last. */
  private static int span(Unfold.Axis axis) {
    return axis.seen(axis.kernel() - 1, axis.out() - 1) - axis.seen(0, 0) + 1;
  }

  private static boolean isPadded(Unfold.Axis axis) {
    return axis.seen(0, 0) < 0 || axis.seen(0, 0) + span(axis) > axis.in();
  }

  /**
   * For every place of the plane, as if the stride were one: first over the columns of a window,
   * then over its rows. The compiler makes vector instructions of a loop that sees its arrays at
   * one and the same index, so what a tap sees is shifted to where its window begins.
   */
  @Override
  public void values(float[] image, float[] maxima) {
    lay(image);
    slide(w, 1);
    slide(h, pitch);
    for (int i = 0; i < begins.length; i++) {
      float number = greatest[begins[i]];
      maxima[i] = number < -Float.MAX_VALUE ? -Float.MAX_VALUE : number;
    }
  }

  /** Puts an image into the plane. */
  private void lay(float[] image) {
    int top = h.seen(0, 0);
    int left = w.seen(0, 0);
    if (!padded) {
      System.arraycopy(image, top * w.in() + left, greatest, 0, length);
      return;
    }
    Arrays.fill(greatest, -Float.MAX_VALUE);
    int first = Math.max(0, left);
    int count = Math.max(0, Math.min(w.in(), left + pitch) - first);
    int end = Math.min(h.in(), top + span(h));
    for (int y = Math.max(0, top); y < end; y++) {
      int target = (y - top) * pitch + first - left;
      System.arraycopy(image, y * w.in() + first, greatest, target, count);
    }
  }

  /** Looks along an axis, whose elements are {@code unit} apart. */
  private void slide(Unfold.Axis axis, int unit) {
    float[] source = greatest;
    greatest = seen;
    seen = source;
    System.arraycopy(seen, 0, greatest, 0, length);
    for (int tap = 1; tap < axis.kernel(); tap++) {
      int shift = tap * axis.dilation() * unit;
      System.arraycopy(seen, shift, shifted, 0, length - shift);
      replaceLess(greatest, shifted);
    }
  }

  private static void replaceLess(float[] numbers, float[] others) {
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = Math.max(numbers[i], others[i]);
    }
  }

  /**
   * By keys that grow with the number and, among equal ones, fall with the place: the greatest of
   * them is found without a branch.
   */
  @Override
  public void places(float[] image, int[] places) {
    for (int place = 0; place < keys.length; place++) {
      int bits = Float.floatToRawIntBits(image[place] + 0f); // -0 is equal to 0
      int ordered = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
      keys[place] = ((long) ordered << 32) | (Integer.MAX_VALUE - place);
    }
    for (int y = 0; y < rows.out(); y++) {
      Arrays.fill(row, Long.MIN_VALUE);
      for (int i = rows.first()[y]; i < rows.end()[y]; i += rows.step()) {
        int start = i * columns.in();
        for (int x = 0; x < columns.in(); x++) {
          row[x] = Math.max(row[x], keys[start + x]);
        }
      }
      for (int x = 0; x < columns.out(); x++) {
        long best = Long.MIN_VALUE;
        for (int j = columns.first()[x]; j < columns.end()[x]; j += columns.step()) {
          best = Math.max(best, row[j]);
        }
        places[y * columns.out() + x] = Integer.MAX_VALUE - (int) best;
      }
    }
  }
}
