package org.backpack4j.examples.benchmark;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The plots of measurements, as SVG. */
public final class Charts {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 420;

  private Charts() {}

  /**
   * Bars beside each other.
   *
   * @param bars for each series a value for each name, not a number where there is none
   */
  static void bars(
      Path file, String title, String axis, List<String> names, Map<String, List<Double>> bars)
      throws IOException {
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .yAxisTitle(axis)
            .build();
    bars.forEach(
        (series, values) ->
            chart.addSeries(
                series, names, values.stream().map(v -> v.isNaN() ? null : v).toList()));
    chart.getStyler().setAvailableSpaceFill(0.85);
    chart.getStyler().setXAxisLabelRotation(names.size() > 8 ? 30 : 0);
    save(chart, file);
  }

  /**
   * Lines with both axes logarithmic.
   *
   * @param lines for each series the values over {@code x}
   */
  public static void lines(
      Path file,
      String title,
      String xAxis,
      String yAxis,
      List<Double> x,
      Map<String, List<Double>> lines)
      throws IOException {
    XYChart chart = chart(title, xAxis, yAxis);
    lines.forEach(
        (series, values) -> chart.addSeries(series, x, values).setMarker(SeriesMarkers.CIRCLE));
    chart.getStyler().setXAxisLogarithmic(true);
    chart.getStyler().setYAxisLogarithmic(true);
    save(chart, file);
  }

  /**
   * Curves over different x, cut off above where they begin.
   *
   * @param curves for each series points (x, y)
   */
  public static void curves(
      Path file, String title, String xAxis, String yAxis, Map<String, List<double[]>> curves)
      throws IOException {
    XYChart chart = chart(title, xAxis, yAxis);
    curves.forEach(
        (series, points) ->
            chart
                .addSeries(
                    series,
                    points.stream().mapToDouble(p -> p[0]).toArray(),
                    points.stream().mapToDouble(p -> p[1]).toArray())
                .setMarker(SeriesMarkers.NONE));
    chart
        .getStyler()
        .setYAxisMax(curves.values().stream().mapToDouble(p -> p.get(0)[1]).max().orElseThrow());
    save(chart, file);
  }

  private static XYChart chart(String title, String xAxis, String yAxis) {
    return new XYChartBuilder()
        .width(WIDTH)
        .height(HEIGHT)
        .title(title)
        .xAxisTitle(xAxis)
        .yAxisTitle(yAxis)
        .build();
  }

  private static void save(Chart<? extends AxesChartStyler, ?> chart, Path file)
      throws IOException {
    AxesChartStyler styler = chart.getStyler();
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setLegendPosition(LegendPosition.OutsideE);
    VectorGraphicsEncoder.saveVectorGraphic(chart, file.toString(), VectorGraphicsFormat.SVG);
  }
}
