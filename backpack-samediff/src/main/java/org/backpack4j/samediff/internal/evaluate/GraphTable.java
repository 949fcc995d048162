package org.backpack4j.samediff.internal.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.backpack4j.samediff.GraphRow;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.extend.Outputs;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/** An extended graph as a table. */
public final class GraphTable {
  private GraphTable() {}

  public static List<GraphRow> rows(
      Annotations graph, Map<Node, Rule> rules, Map<String, Map<String, Tensor>> outputs) {
    List<GraphRow> rows = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (entrance(node.outputs().get(0))) {
        continue; // the reshape behind a placeholder or parameter
      }
      Set<String> contributes = new TreeSet<>();
      List<String> inputs = new ArrayList<>();
      for (String input : node.inputs()) {
        String original = original(graph, input);
        inputs.add(original);
        if (outputs.containsKey(original)) {
          outputs.get(original).keySet().forEach(f -> contributes.add(Outputs.name(original, f)));
        }
      }
      String rule = Objects.requireNonNull(rules.get(node)).name();
      rows.add(
          new GraphRow(node.op(), node.outputs().get(0), inputs, rule, List.copyOf(contributes)));
    }
    return rows;
  }

  public static String text(List<GraphRow> rows) {
    List<String[]> cells = new ArrayList<>();
    cells.add(new String[] {"op", "name", "inputs", "rule", "contributes"});
    for (GraphRow row : rows) {
      cells.add(
          new String[] {
            row.op(),
            row.name(),
            String.join(", ", row.inputs()),
            row.rule(),
            String.join(", ", row.contributes())
          });
    }
    return layOut(cells);
  }

  private static String original(Annotations graph, String variable) {
    Node producer = graph.producer(variable);
    return producer != null && entrance(variable) ? producer.inputs().get(0) : variable;
  }

  private static boolean entrance(String variable) {
    return variable.startsWith(Emitter.SCOPE) && variable.endsWith("/entrance");
  }

  private static String layOut(List<String[]> rows) {
    int columns = rows.get(0).length;
    int[] widths = new int[columns];
    for (String[] row : rows) {
      for (int k = 0; k < columns; k++) {
        widths[k] = Math.max(widths[k], row[k].length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (int r = 0; r < rows.size(); r++) {
      StringBuilder line = new StringBuilder();
      for (int k = 0; k < columns; k++) {
        line.append(rows.get(r)[k]).append(" ".repeat(widths[k] - rows.get(r)[k].length() + 2));
      }
      text.append(line.toString().stripTrailing()).append('\n');
      if (r == 0) {
        for (int width : widths) {
          text.append("-".repeat(width)).append("  ");
        }
        text.append('\n');
      }
    }
    return text.toString();
  }
}
