package org.backpack4j.examples.notebook.view;

import java.util.List;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.GraphRow;

/** The table of an extended graph. */
public final class GraphView implements View {

  private static final List<String> HEAD = List.of("op", "name", "inputs", "rule", "contributes");

  private final String text;
  private final List<GraphRow> rows;

  private GraphView(String text, List<GraphRow> rows) {
    this.text = text;
    this.rows = rows;
  }

  /**
   * The table of a graph.
   *
   * @param graph the graph
   * @return a row for each op
   */
  public static GraphView of(ExtendedGraph graph) {
    return new GraphView(graph.table(), graph.rows());
  }

  @Override
  public String html() {
    return Html.table(HEAD, rows.stream().map(GraphView::cells).toList());
  }

  private static List<String> cells(GraphRow row) {
    return List.of(
        row.op(),
        row.name(),
        String.join(", ", row.inputs()),
        row.rule(),
        String.join(", ", row.contributes()));
  }

  @Override
  public String toString() {
    return text;
  }
}
