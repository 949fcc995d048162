package org.backpack4j.examples.notebook.view;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * What happened in a training, as curves over its iterations. Values of any one name go up in x.
 */
public final class History implements View {

  private static final int WIDTH = 520;
  private static final int HEIGHT = 280;

  private final String title;
  private final Map<String, List<double[]>> curves = new LinkedHashMap<>();
  private boolean logarithmic;

  /**
   * An empty history.
   *
   * @param title stands above it
   */
  public History(String title) {
    this.title = title;
  }

  /** Shows values on a logarithmic scale; those that are not positive are then left out. */
  public History logarithmic() {
    logarithmic = true;
    return this;
  }

  /**
   * Notes a value.
   *
   * @param iteration when it was seen
   * @param name of what
   * @param value the value
   * @return this history
   */
  public synchronized History add(double iteration, String name, double value) {
    curves.computeIfAbsent(name, n -> new ArrayList<>()).add(new double[] {iteration, value});
    return this;
  }

  @Override
  public synchronized String html() {
    XYChart chart =
        new XYChartBuilder()
            .title(title)
            .width(WIDTH)
            .height(HEIGHT)
            .xAxisTitle("iteration")
            .build();
    Charts.style(chart.getStyler());
    chart.getStyler().setAxisTickLabelsFont(Charts.text());
    chart.getStyler().setAxisTitleFont(Charts.text());
    chart.getStyler().setYAxisLogarithmic(logarithmic);
    chart.getStyler().setYAxisDecimalPattern("0.######");
    curves.forEach(
        (name, points) -> {
          List<double[]> shown = points.stream().filter(this::canBeShown).toList();
          if (!shown.isEmpty()) {
            chart
                .addSeries(
                    name,
                    unevenly(shown.stream().mapToDouble(p -> p[0]).toArray()),
                    shown.stream().mapToDouble(p -> p[1]).toArray())
                .setMarker(SeriesMarkers.NONE);
          }
        });
    return chart.getSeriesMap().isEmpty()
        ? "<p>" + Html.escape(title) + ": nothing yet</p>"
        : Charts.svg(chart);
  }

  /** Where all values are equally spaced, XChart labels far too many of them: so they are not. */
  private static double[] unevenly(double[] x) {
    int last = x.length - 1;
    if (last > 0) {
      x[last] += 1e-2 * (x[last] - x[last - 1]);
    }
    return x;
  }

  private boolean canBeShown(double[] point) {
    return Double.isFinite(point[1]) && (!logarithmic || point[1] > 0);
  }

  /** A line for each iteration. */
  @Override
  public synchronized String toString() {
    TreeSet<Double> iterations = new TreeSet<>();
    curves.values().forEach(points -> points.forEach(p -> iterations.add(p[0])));
    List<String> head = new ArrayList<>(List.of("iteration"));
    head.addAll(curves.keySet());
    List<List<String>> rows = new ArrayList<>();
    for (double iteration : iterations) {
      List<String> row = new ArrayList<>(List.of(String.format("%.4g", iteration)));
      for (List<double[]> points : curves.values()) {
        row.add(
            points.stream()
                .filter(p -> p[0] == iteration)
                .reduce((a, b) -> b)
                .map(p -> Numbers.text(p[1]))
                .orElse(""));
      }
      rows.add(row);
    }
    return title + "\n" + Text.table(head, rows);
  }
}
