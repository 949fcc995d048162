package org.backpack4j.examples.notebook.view;

import org.backpack4j.dl4j.influence.InfluenceReport;

/** The page of an influence report, within the notebook. */
public final class InfluenceView implements View {
  private static final int SHOWN = 6;
  private static final int HEIGHT = 800;

  private final InfluenceReport report;
  private final String[] classes;

  private InfluenceView(InfluenceReport report, String[] classes) {
    this.report = report;
    this.classes = classes;
  }

  /**
   * The view of a report.
   *
   * @param report the report
   * @param classes the names of the classes, by number; without, the numbers
   * @return the view
   */
  public static InfluenceView of(InfluenceReport report, String... classes) {
    return new InfluenceView(report, classes.clone());
  }

  @Override
  public String html() {
    String page = report.html(SHOWN, classes).replace("&", "&amp;").replace("\"", "&quot;");
    return "<iframe style=\"width:100%;border:0;height:"
        + HEIGHT
        + "px\" title=\"influence\" srcdoc=\""
        + page
        + "\"></iframe>";
  }

  @Override
  public String toString() {
    return "helped most "
        + report.topHelpful(3)
        + ", harmed most "
        + report.topHarmful(3)
        + ". "
        + report.meaning();
  }
}
