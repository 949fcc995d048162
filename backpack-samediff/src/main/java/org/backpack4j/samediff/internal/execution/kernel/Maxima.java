package org.backpack4j.samediff.internal.execution.kernel;

import java.util.Arrays;

/**
 * The maxima of an image's windows. The loops are plain, over Java arrays, so that the compiler
 * makes vector instructions of them. Has room of its own to work in: one for each thread.
 *
 * @param <A> float[] or double[]
 */
abstract class Maxima<A> {
  final KernelWindows h;
  final KernelWindows w;

  private Maxima(KernelWindows h, KernelWindows w) {
    this.h = h;
    this.w = w;
  }

  /** For single precision. */
  static Maxima<float[]> ofFloats(KernelWindows h, KernelWindows w) {
    return new OfFloats(h, w);
  }

  /** For double precision. */
  static OfDoubles ofDoubles(KernelWindows h, KernelWindows w) {
    return new OfDoubles(h, w);
  }

  /**
   * Where the greatest number of each window is in the image: the first, if several are equal. Not
   * a number is greater than any number.
   */
  abstract void places(A image, A places);

  private static final class OfFloats extends Maxima<float[]> {
    private final long[] keys = new long[h.in() * w.in()];
    private final long[] keyRow = new long[w.in()];

    OfFloats(KernelWindows h, KernelWindows w) {
      super(h, w);
    }

    /**
     * By keys that grow with the number and, among equal ones, fall with the place: the greatest of
     * them is found without a branch.
     */
    @Override
    void places(float[] image, float[] places) {
      for (int place = 0; place < keys.length; place++) {
        int bits = Float.floatToIntBits(image[place] + 0f); // −0 is equal to 0
        int ordered = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
        keys[place] = ((long) ordered << 32) | (Integer.MAX_VALUE - place);
      }
      for (int y = 0; y < h.out(); y++) {
        System.arraycopy(keys, h.first()[y] * w.in(), keyRow, 0, w.in());
        for (int i = h.first()[y] + h.step(); i < h.end()[y]; i += h.step()) {
          int start = i * w.in();
          for (int x = 0; x < w.in(); x++) {
            keyRow[x] = Math.max(keyRow[x], keys[start + x]);
          }
        }
        for (int x = 0; x < w.out(); x++) {
          long greatest = keyRow[w.first()[x]];
          for (int j = w.first()[x] + w.step(); j < w.end()[x]; j += w.step()) {
            greatest = Math.max(greatest, keyRow[j]);
          }
          places[y * w.out() + x] = Integer.MAX_VALUE - (int) greatest;
        }
      }
    }
  }

  static final class OfDoubles extends Maxima<double[]> {
    private final double[] row = new double[w.in()];

    OfDoubles(KernelWindows h, KernelWindows w) {
      super(h, w);
    }

    /**
     * The greatest number in each window; not a number, if one is among them; the least finite one
     * where there is none greater, as the native op has it.
     */
    void values(double[] image, double[] maxima) {
      for (int y = 0; y < h.out(); y++) {
        Arrays.fill(row, -Double.MAX_VALUE);
        for (int i = h.first()[y]; i < h.end()[y]; i += h.step()) {
          int start = i * w.in();
          for (int x = 0; x < w.in(); x++) {
            row[x] = Math.max(row[x], image[start + x]);
          }
        }
        for (int x = 0; x < w.out(); x++) {
          double greatest = -Double.MAX_VALUE;
          for (int j = w.first()[x]; j < w.end()[x]; j += w.step()) {
            greatest = Math.max(greatest, row[j]);
          }
          maxima[y * w.out() + x] = greatest;
        }
      }
    }

    @Override
    void places(double[] image, double[] places) {
      for (int y = 0; y < h.out(); y++) {
        for (int x = 0; x < w.out(); x++) {
          int best = h.first()[y] * w.in() + w.first()[x];
          for (int i = h.first()[y]; i < h.end()[y]; i += h.step()) {
            for (int j = w.first()[x]; j < w.end()[x]; j += w.step()) {
              int place = i * w.in() + j;
              boolean greater =
                  image[place] > image[best]
                      || (Double.isNaN(image[place]) && !Double.isNaN(image[best]));
              best = greater ? place : best;
            }
          }
          places[y * w.out() + x] = best;
        }
      }
    }
  }
}
