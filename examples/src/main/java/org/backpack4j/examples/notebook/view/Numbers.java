package org.backpack4j.examples.notebook.view;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * An array's entries in few words.
 *
 * @param shape the shape
 * @param entries the entries in 'c' order
 */
record Numbers(long[] shape, double[] entries) {

  private static final String BARS = " ▁▂▃▄▅▆▇█";

  static Numbers of(INDArray array) {
    double[] entries = array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
    // a scalar's or a view's buffer may be longer than the array
    return new Numbers(array.shape(), Arrays.copyOf(entries, (int) array.length()));
  }

  String shapeText() {
    return Arrays.toString(shape).replace(", ", "×").replace("[", "").replace("]", "");
  }

  double norm() {
    return Math.sqrt(Arrays.stream(entries).map(x -> x * x).sum());
  }

  double min() {
    return Arrays.stream(entries).min().orElse(Double.NaN);
  }

  double max() {
    return Arrays.stream(entries).max().orElse(Double.NaN);
  }

  double mean() {
    return Arrays.stream(entries).average().orElse(Double.NaN);
  }

  /** How many entries are in each of some equal parts of [min, max]. */
  int[] histogram(int parts) {
    int[] counts = new int[parts];
    double min = min();
    double width = (max() - min) / parts;
    for (double x : entries) {
      if (Double.isFinite(x)) {
        counts[width > 0 ? (int) Math.min(parts - 1.0, (x - min) / width) : 0]++;
      }
    }
    return counts;
  }

  /** The histogram as a line of bars; on a logarithmic scale, since most entries are near zero. */
  String bars(int parts) {
    int[] counts = histogram(parts);
    double most = Math.log1p(Arrays.stream(counts).max().orElse(0));
    StringBuilder bars = new StringBuilder();
    for (int count : counts) {
      int height = count == 0 ? 0 : (int) Math.ceil(8 * Math.log1p(count) / most);
      bars.append(BARS.charAt(height));
    }
    return bars.toString();
  }

  static String text(double x) {
    return x == 0 ? "0" : String.format(java.util.Locale.ROOT, "%.3g", x);
  }
}
