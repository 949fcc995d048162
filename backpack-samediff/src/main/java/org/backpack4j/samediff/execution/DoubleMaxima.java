package org.backpack4j.samediff.execution;

import java.util.Arrays;

/** Maxima in double precision, window by window. */
final class DoubleMaxima implements Maxima<double[]> {
  private final Windows h;
  private final Windows w;
  private final double[] row;

  DoubleMaxima(Unfold.Axis h, Unfold.Axis w) {
    this.h = Windows.of(h);
    this.w = Windows.of(w);
    this.row = new double[w.in()];
  }

  @Override
  public void values(double[] image, double[] maxima) {
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
  public void places(double[] image, int[] places) {
    for (int y = 0; y < h.out(); y++) {
      for (int x = 0; x < w.out(); x++) {
        int best = h.first()[y] * w.in() + w.first()[x];
        for (int i = h.first()[y]; i < h.end()[y]; i += h.step()) {
          for (int j = w.first()[x]; j < w.end()[x]; j += w.step()) {
            best = image[i * w.in() + j] > image[best] ? i * w.in() + j : best;
          }
        }
        places[y * w.out() + x] = best;
      }
    }
  }
}
