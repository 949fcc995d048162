package org.backpack4j.examples.notebook.view;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.extension.Extension;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.nd4j.linalg.api.ndarray.INDArray;

/** One quantity: its line of a summary, its histogram, and its heat map where it is not too big. */
public final class QuantityView implements View {

  private static final int PARTS = 24;
  private static final long MOST = 4096;

  private final String name;
  private final INDArray array;
  private final Numbers numbers;

  private QuantityView(String name, INDArray array) {
    this.name = name;
    this.array = array;
    this.numbers = Numbers.of(array);
  }

  /**
   * A quantity of an evaluation.
   *
   * @param evaluation the evaluation
   * @param parameter the parameter's name
   * @param extension the quantity
   * @return the view
   */
  public static QuantityView of(
      QuantityResults evaluation, String parameter, Class<? extends Extension> extension) {
    return of(parameter + ", " + extension.getSimpleName(), evaluation.get(parameter, extension));
  }

  /**
   * Any array.
   *
   * @param name stands above it
   * @param array the array
   * @return the view
   */
  public static QuantityView of(String name, INDArray array) {
    return new QuantityView(name, array);
  }

  @Override
  public String html() {
    List<String> parts = new ArrayList<>(List.of(Charts.svg(histogram())));
    if (LongShapes.drawable(array.shape(), MOST)) {
      parts.add(HeatMap.of("as a picture", array).html());
    }
    return "<p><b>" + Html.escape(name) + "</b> " + line() + "</p>" + Html.beside(parts);
  }

  private String line() {
    return String.format(
        "%s, norm %s, mean %s, from %s to %s",
        numbers.shapeText(),
        Numbers.text(numbers.norm()),
        Numbers.text(numbers.mean()),
        Numbers.text(numbers.min()),
        Numbers.text(numbers.max()));
  }

  private CategoryChart histogram() {
    CategoryChart chart =
        new CategoryChartBuilder().title("number of entries").width(300).height(200).build();
    Charts.style(chart.getStyler());
    chart.getStyler().setLegendVisible(false);
    chart.getStyler().setAvailableSpaceFill(1);
    chart.getStyler().setAxisTickLabelsFont(Charts.text());
    chart.getStyler().setPlotGridVerticalLinesVisible(false);
    chart.getStyler().setXAxisMaxLabelCount(4);
    int[] counts = numbers.histogram(PARTS);
    double width = (numbers.max() - numbers.min()) / PARTS;
    List<String> middles =
        IntStream.range(0, PARTS)
            .mapToObj(k -> Numbers.text(numbers.min() + (k + 0.5) * width))
            .toList();
    chart.addSeries("entries", unlike(middles), IntStream.of(counts).boxed().toList());
    return chart;
  }

  /** The chart wants names that differ, also where the entries hardly do. */
  private static List<String> unlike(List<String> names) {
    boolean differ = names.stream().distinct().count() == names.size();
    return differ ? names : IntStream.range(0, names.size()).mapToObj(String::valueOf).toList();
  }

  @Override
  public String toString() {
    return SummaryView.of(Map.of(name, array)).toString();
  }
}
