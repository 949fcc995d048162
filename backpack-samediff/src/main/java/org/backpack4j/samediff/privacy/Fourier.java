package org.backpack4j.samediff.privacy;

/**
 * The discrete Fourier transform of 2ᵐ numbers, in place, by Cooley and Tukey's algorithm. Its
 * roots of unity come from a table, each to the last digit: a recurrence along the roots, as that
 * of common libraries, is off by some 1e-10 at a million points, which the powers of a spectrum
 * multiply by the number of steps.
 */
final class Fourier {
  private final int size;
  private final double[] cos;
  private final double[] sin;

  Fourier(int size) {
    this.size = size;
    this.cos = new double[size / 2];
    this.sin = new double[size / 2];
    for (int k = 0; k < size / 2; k++) {
      double angle = 2 * Math.PI * k / size;
      cos[k] = Math.cos(angle);
      sin[k] = -Math.sin(angle);
    }
  }

  /** Σ_j (re + i im)[j] e^{−2πi jk / size} for every k. */
  void forward(double[] re, double[] im) {
    reorder(re, im);
    for (int half = 1; half < size; half *= 2) {
      int stride = size / (2 * half);
      for (int start = 0; start < size; start += 2 * half) {
        for (int k = 0; k < half; k++) {
          int a = start + k;
          int b = a + half;
          double c = cos[k * stride];
          double s = sin[k * stride];
          double x = re[b] * c - im[b] * s;
          double y = re[b] * s + im[b] * c;
          re[b] = re[a] - x;
          im[b] = im[a] - y;
          re[a] += x;
          im[a] += y;
        }
      }
    }
  }

  private void reorder(double[] re, double[] im) {
    int shift = Integer.numberOfLeadingZeros(size) + 1;
    for (int i = 0; i < size; i++) {
      int j = Integer.reverse(i) >>> shift;
      if (i < j) {
        swap(re, i, j);
        swap(im, i, j);
      }
    }
  }

  private static void swap(double[] values, int i, int j) {
    double value = values[i];
    values[i] = values[j];
    values[j] = value;
  }
}
