package org.backpack4j.dl4j.internal.report;

import java.util.Arrays;
import java.util.Locale;

/** Histograms as SVG: bars on a logarithmic axis, and squares that are the fuller the more. */
final class HistogramFigures {
  private static final int WIDTH = 340;
  private static final int HEIGHT = 130;
  private static final int BOTTOM = 16;

  private HistogramFigures() {}

  /** The section; nothing if nothing is known, nor why. */
  static String of(Closeup closeup) {
    StringBuilder html = new StringBuilder();
    for (String note : closeup.notes()) {
      html.append("<p class=\"note\">").append(Html.text(note)).append("</p>");
    }
    if (!closeup.histograms().isEmpty()) {
      html.append("<p>Entries of all samples' gradients in the last observed iteration, and below");
      html.append(" each the same by the parameter's value (across). Counts are on a logarithmic");
      html.append(" scale.</p><div class=\"charts\">");
      closeup.histograms().forEach((name, histogram) -> html.append(figure(name, histogram)));
      html.append("</div>");
    }
    return html.isEmpty()
        ? ""
        : "<section><h2>Gradients of the samples</h2>" + html + "</section>\n";
  }

  private static String figure(String name, Histogram histogram) {
    StringBuilder html = new StringBuilder("<figure><figcaption><b>");
    html.append(Html.text(name)).append("</b></figcaption>");
    html.append(bars(name, histogram));
    if (histogram.grid() != null) {
      html.append(squares(name, histogram, histogram.grid()));
    }
    return html.append("</figure>\n").toString();
  }

  private static String begin(String style, String text) {
    return String.format(
        Locale.ROOT,
        "<svg class=\"%s\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">",
        style,
        WIDTH,
        HEIGHT,
        Html.text(text));
  }

  private static String bars(String name, Histogram histogram) {
    long[] counts = histogram.counts();
    double most = Math.log1p(Arrays.stream(counts).max().orElse(1));
    double width = (double) WIDTH / counts.length;
    StringBuilder svg =
        new StringBuilder(
            begin(
                "bars",
                String.format(
                    Locale.ROOT,
                    "gradients of %s from %.3g to %.3g",
                    name,
                    -histogram.range(),
                    histogram.range())));
    for (int k = 0; k < counts.length; k++) {
      if (counts[k] > 0) {
        double height = (HEIGHT - BOTTOM) * Math.log1p(counts[k]) / most;
        svg.append(rectangle(k * width, HEIGHT - BOTTOM - height, width, height, 1));
      }
    }
    return svg.append(ends(-histogram.range(), histogram.range(), "gradient")).toString();
  }

  private static String squares(String name, Histogram histogram, long[][] grid) {
    double most = 1;
    for (long[] row : grid) {
      most = Math.max(most, Arrays.stream(row).max().orElse(1));
    }
    double height = (double) (HEIGHT - BOTTOM) / grid.length;
    StringBuilder svg =
        new StringBuilder(
            begin(
                "grid2",
                String.format(
                    Locale.ROOT,
                    "gradients of %s by value, values from %.3g to %.3g",
                    name,
                    histogram.low(),
                    histogram.high())));
    for (int k = 0; k < grid.length; k++) {
      double width = (double) WIDTH / grid[k].length;
      for (int j = 0; j < grid[k].length; j++) {
        if (grid[k][j] > 0) {
          double share = Math.log1p(grid[k][j]) / Math.log1p(most);
          double y = (grid.length - 1 - k) * height; // large gradients at the top
          svg.append(rectangle(j * width, y, width, height, 0.15 + 0.85 * share));
        }
      }
    }
    return svg.append(ends(histogram.low(), histogram.high(), "parameter")).toString();
  }

  private static String rectangle(double x, double y, double width, double height, double fill) {
    String place =
        String.format(
            Locale.ROOT,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"",
            x,
            y,
            width,
            height);
    return place + (fill < 1 ? String.format(Locale.ROOT, " fill-opacity=\"%.2f\"/>", fill) : "/>");
  }

  private static String ends(double low, double high, String what) {
    return String.format(
        Locale.ROOT,
        "<text x=\"0\" y=\"%d\">%.3g</text><text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>"
            + "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.3g</text></svg>",
        HEIGHT - 4,
        low,
        WIDTH / 2,
        HEIGHT - 4,
        what,
        WIDTH,
        HEIGHT - 4,
        high);
  }
}
