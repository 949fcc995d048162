package org.backpack4j.examples.notebook.view;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.QuantityResults;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A line for each quantity: its shape, norm, mean, extremes, and how its entries are spread. */
public final class SummaryView implements View {

  private static final List<String> HEAD =
      List.of("quantity", "shape", "norm", "mean", "min", "entries (log)", "max");
  private static final int PARTS = 16;

  private final List<List<String>> rows;

  private SummaryView(List<List<String>> rows) {
    this.rows = rows;
  }

  /**
   * Everything that was computed.
   *
   * @param evaluation an evaluation of an extended graph
   * @return a line for each output
   */
  public static SummaryView of(QuantityResults evaluation) {
    return of(evaluation.outputs());
  }

  /**
   * Arrays by name.
   *
   * @param outputs the arrays
   * @return a line for each
   */
  public static SummaryView of(Map<String, INDArray> outputs) {
    return new SummaryView(
        outputs.entrySet().stream().map(e -> row(e.getKey(), Numbers.of(e.getValue()))).toList());
  }

  private static List<String> row(String name, Numbers numbers) {
    return List.of(
        name,
        numbers.shapeText(),
        Numbers.text(numbers.norm()),
        Numbers.text(numbers.mean()),
        Numbers.text(numbers.min()),
        numbers.bars(PARTS),
        Numbers.text(numbers.max()));
  }

  @Override
  public String html() {
    return Html.table(HEAD, rows);
  }

  @Override
  public String toString() {
    return Text.table(HEAD, rows);
  }
}
