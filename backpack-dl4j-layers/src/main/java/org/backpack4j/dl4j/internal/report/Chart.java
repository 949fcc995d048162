package org.backpack4j.dl4j.internal.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** A line chart as SVG, with a text for those who do not see it. */
final class Chart {
  private static final int WIDTH = 340;
  private static final int HEIGHT = 150;
  private static final int LEFT = 48;
  private static final int BOTTOM = 20;
  private static final int TOP = 8;

  /** More points than this are not told apart. */
  private static final int POINTS = 300;

  /**
   * A line.
   *
   * @param name its name in the legend
   * @param values a value for each record; NaN where there is none
   */
  record Line(String name, double[] values) {}

  private final String title;
  private final String meaning;
  private final int[] iterations;
  private final List<Line> lines;
  private final boolean logarithmic;

  private Chart(
      String title, String meaning, int[] iterations, List<Line> lines, boolean logarithmic) {
    this.title = title;
    this.meaning = meaning;
    this.iterations = iterations;
    this.lines = lines;
    this.logarithmic = logarithmic;
  }

  /**
   * A chart.
   *
   * @param title what is drawn
   * @param meaning how it is read, a sentence
   * @param iterations the iterations of the values
   * @param lines the lines
   */
  static Chart of(String title, String meaning, int[] iterations, Line... lines) {
    return new Chart(title, meaning, iterations, List.of(lines), false);
  }

  /** The same with a logarithmic axis, on which values that are not positive are left out. */
  Chart logarithmic() {
    return new Chart(title, meaning, iterations, lines, true);
  }

  /** The figure; nothing if no line has a value. */
  String html() {
    List<double[]> drawn = lines.stream().map(l -> scaled(l.values())).toList();
    double[] all =
        drawn.stream().flatMapToDouble(Arrays::stream).filter(Double::isFinite).toArray();
    if (all.length == 0) {
      return "";
    }
    double low = Arrays.stream(all).min().orElse(0);
    double high = Arrays.stream(all).max().orElse(1);
    if (high - low < 1e-12 * Math.max(Math.abs(high), 1e-300)) {
      double room = high == 0 ? 1 : Math.abs(high) * 0.1;
      low -= room;
      high += room;
    }
    StringBuilder svg = new StringBuilder();
    svg.append("<figure><figcaption><b>").append(Html.text(title)).append("</b> ");
    svg.append(Html.text(meaning)).append("</figcaption>");
    svg.append(
        String.format(
            Locale.ROOT,
            "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">",
            WIDTH,
            HEIGHT,
            Html.text(description())));
    for (int k = 0; k <= 2; k++) {
      double value = low + (high - low) * k / 2;
      double y = y(value, low, high);
      svg.append(
          String.format(
              Locale.ROOT,
              "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                  + "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
              LEFT,
              WIDTH,
              y,
              y,
              LEFT - 4,
              y + 3.5,
              label(value)));
    }
    svg.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%d\" y=\"%d\">%d</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">iteration"
                + " %d</text>",
            LEFT,
            HEIGHT - 5,
            iterations[0],
            WIDTH,
            HEIGHT - 5,
            iterations[iterations.length - 1]));
    for (int k = 0; k < drawn.size(); k++) {
      svg.append(polyline(drawn.get(k), low, high, k));
    }
    svg.append("</svg>");
    if (lines.size() > 1) {
      svg.append("<div class=\"legend\">");
      for (int k = 0; k < lines.size(); k++) {
        svg.append("<span class=\"line").append(k).append("\">");
        svg.append(Html.text(lines.get(k).name())).append("</span> ");
      }
      svg.append("</div>");
    }
    return svg.append("</figure>\n").toString();
  }

  private String description() {
    return lines.stream()
        .map(this::description)
        .collect(Collectors.joining("; ", title + ": ", ""));
  }

  private String description(Line line) {
    double[] finite = Arrays.stream(line.values()).filter(Double::isFinite).toArray();
    if (finite.length == 0) {
      return line.name() + " has no values";
    }
    return String.format(
        Locale.ROOT,
        "%s from %.3g to %.3g, least %.3g, largest %.3g",
        line.name(),
        finite[0],
        finite[finite.length - 1],
        Arrays.stream(finite).min().orElse(0),
        Arrays.stream(finite).max().orElse(0));
  }

  private double[] scaled(double[] values) {
    return logarithmic
        ? Arrays.stream(values).map(v -> v > 0 ? Math.log10(v) : Double.NaN).toArray()
        : values;
  }

  private String label(double value) {
    double shown = logarithmic ? Math.pow(10, value) : value;
    boolean small = shown != 0 && Math.abs(shown) < 1e-3; // its zeros have no room beside the axis
    return small
        ? String.format(Locale.ROOT, "%.2e", shown).replace("e-0", "e-")
        : String.format(Locale.ROOT, "%.3g", shown);
  }

  private static double y(double value, double low, double high) {
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - low) / (high - low);
  }

  private String polyline(double[] values, double low, double high, int number) {
    int step = Math.max(1, values.length / POINTS);
    List<String> points = new ArrayList<>();
    double first = iterations[0];
    double span = Math.max(1, iterations[iterations.length - 1] - first);
    for (int k = 0; k < values.length; k += step) {
      if (Double.isFinite(values[k])) {
        double x = LEFT + (WIDTH - LEFT - 4) * (iterations[k] - first) / span;
        points.add(String.format(Locale.ROOT, "%.1f,%.1f", x, y(values[k], low, high)));
      }
    }
    return points.size() == 1
        ? "<circle class=\"line" + number + "\" r=\"2\" " + place(points.get(0)) + "/>"
        : "<polyline class=\"line" + number + "\" points=\"" + String.join(" ", points) + "\"/>";
  }

  private static String place(String point) {
    String[] parts = point.split(",", -1);
    return "cx=\"" + parts[0] + "\" cy=\"" + parts[1] + "\"";
  }
}
