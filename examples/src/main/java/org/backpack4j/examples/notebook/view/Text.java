package org.backpack4j.examples.notebook.view;

import java.util.ArrayList;
import java.util.List;

/** Tables in text. */
final class Text {

  private Text() {}

  static String table(List<String> head, List<List<String>> rows) {
    List<List<String>> all = new ArrayList<>(List.of(head));
    all.addAll(rows);
    int[] widths = new int[head.size()];
    all.forEach(
        row -> {
          for (int k = 0; k < widths.length; k++) {
            widths[k] = Math.max(widths[k], row.get(k).length());
          }
        });
    StringBuilder text = new StringBuilder();
    for (List<String> row : all) {
      StringBuilder line = new StringBuilder();
      for (int k = 0; k < widths.length; k++) {
        line.append(row.get(k)).append(" ".repeat(widths[k] - row.get(k).length() + 2));
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
