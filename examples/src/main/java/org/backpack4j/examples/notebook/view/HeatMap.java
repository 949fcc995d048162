package org.backpack4j.examples.notebook.view;

import java.awt.Color;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * An array as colours. A matrix is one field of them; a convolution's kernels [O, I, kH, kW] are a
 * field of fields, a row for each output channel, or one row if there is but one input channel.
 * Where signs differ, zero is white, blue is negative and red is positive; else white is the least
 * and dark the most. The extremes are below.
 */
public final class HeatMap implements View {

  private static final Color BLUE = new Color(33, 102, 172);
  private static final Color RED = new Color(178, 24, 43);
  private static final Color DARK = new Color(60, 20, 90);
  private static final Color MIDDLE = new Color(220, 110, 80);
  private static final int SIZE = 200;
  private static final int MOST = 28;

  private final String title;
  private final Numbers numbers;
  private final List<double[]> lines;

  private HeatMap(String title, Numbers numbers, List<double[]> lines) {
    this.title = title;
    this.numbers = numbers;
    this.lines = lines;
  }

  /**
   * The picture of an array.
   *
   * @param title stands above it
   * @param array a vector, a matrix, or kernels [O, I, kH, kW]; axes of extent 1 do not count,
   *     where fewer than two others are left
   * @return the picture
   * @throws IllegalArgumentException if the array has another shape
   */
  public static HeatMap of(String title, INDArray array) {
    long[] shape = LongShapes.flat(array.shape());
    Numbers numbers = new Numbers(shape, Numbers.of(array).entries());
    return switch (shape.length) {
      case 2 -> new HeatMap(title, numbers, tiled(numbers, 1, 1, shape[0], shape[1]));
      case 4 -> {
        // with one input channel, the output channels stand beside each other
        long rows = shape[1] == 1 ? 1 : shape[0];
        long columns = shape[0] * shape[1] / rows;
        yield new HeatMap(title, numbers, tiled(numbers, rows, columns, shape[2], shape[3]));
      }
      default ->
          throw new IllegalArgumentException(
              "A heat map takes a vector, a matrix or kernels [O, I, kH, kW], not an array of shape"
                  + " "
                  + Arrays.toString(array.shape())
                  + ": take a slice of it.");
    };
  }

  /** Lines of entries; NaN between the fields. */
  private static List<double[]> tiled(Numbers numbers, long rows, long columns, long h, long w) {
    List<double[]> lines = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      if (row > 0) {
        lines.add(gap((int) (columns * (w + 1) - 1)));
      }
      for (int y = 0; y < h; y++) {
        double[] line = gap((int) (columns * (w + 1) - 1));
        for (int column = 0; column < columns; column++) {
          int from = (int) (((row * columns + column) * h + y) * w);
          System.arraycopy(numbers.entries(), from, line, (int) (column * (w + 1)), (int) w);
        }
        lines.add(line);
      }
    }
    return lines;
  }

  private static double[] gap(int length) {
    return IntStream.range(0, length).mapToDouble(k -> Double.NaN).toArray();
  }

  @Override
  public String html() {
    return "<b>" + Html.escape(title) + "</b><br>" + Charts.svg(chart()) + "<br>" + range();
  }

  private String range() {
    return "from " + Numbers.text(numbers.min()) + " to " + Numbers.text(numbers.max());
  }

  private HeatMapChart chart() {
    int width = lines.get(0).length;
    int cell = Math.max(1, Math.min(MOST, SIZE / Math.max(width, lines.size())));
    HeatMapChart chart =
        new HeatMapChartBuilder().width(width * cell + 8).height(lines.size() * cell + 8).build();
    Charts.style(chart.getStyler());
    chart.getStyler().setLegendVisible(false);
    chart.getStyler().setXAxisTicksVisible(false);
    chart.getStyler().setYAxisTicksVisible(false);
    chart.getStyler().setPlotGridLinesVisible(false);
    chart.getStyler().setPlotContentSize(1);
    chart.getStyler().setPlotMargin(0);
    colours(chart);
    chart.addSeries(
        "value",
        IntStream.range(0, width).boxed().toList(),
        IntStream.range(0, lines.size()).boxed().toList(),
        points());
    return chart;
  }

  private void colours(HeatMapChart chart) {
    double min = numbers.min();
    double max = numbers.max();
    if (min < 0 && max > 0) {
      double most = Math.max(-min, max);
      chart.getStyler().setMin(-most).setMax(most);
      chart.getStyler().setRangeColors(new Color[] {BLUE, Color.WHITE, RED});
    } else {
      chart.getStyler().setMin(min).setMax(max > min ? max : min + 1);
      Color[] rising = {Color.WHITE, MIDDLE, DARK};
      Color[] falling = {DARK, MIDDLE, Color.WHITE};
      chart.getStyler().setRangeColors(max > 0 || min >= 0 ? rising : falling);
    }
  }

  /** Column, line from below, value. */
  private List<Number[]> points() {
    List<Number[]> points = new ArrayList<>();
    for (int y = 0; y < lines.size(); y++) {
      double[] line = lines.get(lines.size() - 1 - y);
      for (int x = 0; x < line.length; x++) {
        if (Double.isFinite(line[x])) {
          points.add(new Number[] {x, y, line[x]});
        }
      }
    }
    return points;
  }

  @Override
  public String toString() {
    return title + ": " + numbers.shapeText() + ", " + range();
  }
}
