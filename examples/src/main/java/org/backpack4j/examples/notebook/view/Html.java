package org.backpack4j.examples.notebook.view;

import java.util.List;
import java.util.stream.Collectors;

/** Tables in HTML. */
final class Html {

  private static final String CELL =
      "style=\"text-align:left;vertical-align:top;padding:2px 10px 2px 2px;font-family:monospace;"
          + "font-size:12px;white-space:";
  private static final int WIDE = 60;

  private Html() {}

  static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }

  static String table(List<String> head, List<List<String>> rows) {
    String body = rows.stream().map(r -> row(r, "td")).collect(Collectors.joining("\n"));
    return "<table>\n<thead>"
        + row(head, "th")
        + "</thead>\n<tbody>\n"
        + body
        + "\n</tbody></table>";
  }

  private static String row(List<String> cells, String tag) {
    return cells.stream()
        .map(c -> "<" + tag + " " + style(c) + ">" + escape(c) + "</" + tag + ">")
        .collect(Collectors.joining("", "<tr>", "</tr>"));
  }

  private static String style(String cell) {
    return CELL + (cell.length() > WIDE ? "normal" : "pre") + "\"";
  }

  /** Things beside each other, as many as fit. */
  static String beside(List<String> parts) {
    return parts.stream()
        .map(p -> "<div style=\"margin-right:12px\">" + p + "</div>")
        .collect(
            Collectors.joining(
                "",
                "<div style=\"display:flex;flex-wrap:wrap;align-items:flex-start\">",
                "</div>"));
  }
}
