package org.backpack4j.examples.notebook.view;

/** Something to look at: a piece of HTML, with SVG in it. {@code toString} is the same as text. */
public interface View {

  /**
   * The view for a browser.
   *
   * @return HTML that stands by itself
   */
  String html();
}
