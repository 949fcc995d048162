package org.backpack4j.dl4j.internal.report;

/** Text in HTML. */
final class Html {
  private Html() {}

  /** A text whose characters mean themselves. */
  static String text(String any) {
    return any.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
