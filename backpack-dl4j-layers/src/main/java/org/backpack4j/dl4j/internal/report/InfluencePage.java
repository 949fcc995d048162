package org.backpack4j.dl4j.internal.report;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The page of an influence report: one HTML file that needs nothing beside it. */
public final class InfluencePage {
  private InfluencePage() {}

  /**
   * A training sample that is shown.
   *
   * @param index its place in the training data
   * @param label its class
   * @param score its score
   * @param picture a data URI; null if it is no image
   */
  public record Shown(int index, String label, double score, @Nullable String picture) {}

  /**
   * What there is of a test sample.
   *
   * @param title what it is called
   * @param label its class, empty if it has none
   * @param picture a data URI; null if it is no image
   * @param helpful the training samples that help most
   * @param harmful those that harm most
   * @param sums the sums of the scores of each class
   */
  public record Part(
      String title,
      String label,
      @Nullable String picture,
      List<Shown> helpful,
      List<Shown> harmful,
      Map<String, Double> sums) {}

  /**
   * The page.
   *
   * @param queries how many test samples there are
   * @param samples how many training samples there are
   * @param meaning what a score says
   * @param notes what is to be known of all scores
   * @param parts the test samples that are shown
   * @return HTML
   */
  public static String of(
      int queries, int samples, String meaning, List<String> notes, List<Part> parts) {
    StringBuilder page = new StringBuilder("<!doctype html>\n<html lang=\"en\"><head>");
    page.append("<meta charset=\"utf-8\">");
    page.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    page.append("<title>Influence of training samples</title>");
    page.append("<style>").append(ReportPage.STYLE).append(STYLE).append("</style></head><body>\n");
    page.append("<h1>Influence of training samples</h1>\n<p>");
    page.append(
        String.format(
            Locale.ROOT,
            "%,d test sample%s, %,d training samples%s.</p>%n",
            queries,
            queries == 1 ? "" : "s",
            samples,
            parts.size() < queries ? "; the first " + parts.size() + " are shown" : ""));
    page.append("<p><b>What a score says.</b> ").append(Html.text(meaning)).append("</p>\n");
    notes.forEach(
        note -> page.append("<p class=\"note\">").append(Html.text(note)).append("</p>\n"));
    parts.forEach(part -> page.append(part(part)));
    return page.append("</body></html>\n").toString();
  }

  private static String part(Part part) {
    StringBuilder html = new StringBuilder("<section><h2>");
    html.append(Html.text(part.title())).append("</h2><div class=\"query\">");
    html.append(figure(part.title(), part.label(), part.picture(), ""));
    html.append("</div>");
    html.append(row("Helped most: without these the test loss would rise", part.helpful()));
    html.append(row("Harmed most: without these the test loss would fall", part.harmful()));
    if (!part.sums().isEmpty()) {
      html.append("<details><summary>Sums of each class</summary><div class=\"wide\"><table>");
      html.append("<thead><tr><th scope=\"col\">class</th><th scope=\"col\">sum</th></tr></thead>");
      html.append("<tbody>");
      part.sums()
          .forEach(
              (name, sum) ->
                  html.append("<tr><th scope=\"row\">")
                      .append(Html.text(name))
                      .append(String.format(Locale.ROOT, "</th><td>%+.3g</td></tr>", sum)));
      html.append("</tbody></table></div></details>");
    }
    return html.append("</section>\n").toString();
  }

  private static String row(String title, List<Shown> samples) {
    StringBuilder html = new StringBuilder("<h3>").append(Html.text(title)).append("</h3>");
    if (samples.isEmpty()) {
      return html.append("<p>None.</p>").toString();
    }
    html.append("<div class=\"row\">");
    for (Shown sample : samples) {
      html.append(
          figure(
              "no. " + sample.index(),
              sample.label(),
              sample.picture(),
              String.format(Locale.ROOT, "%+.3g", sample.score())));
    }
    return html.append("</div>").toString();
  }

  private static String figure(String title, String label, @Nullable String picture, String score) {
    StringBuilder html = new StringBuilder("<figure>");
    if (picture != null) {
      html.append("<img alt=\"").append(Html.text(title)).append("\" src=\"");
      html.append(picture).append("\">");
    }
    html.append("<figcaption>").append(Html.text(label)).append("<br><span>");
    html.append(Html.text(title)).append("</span>");
    if (!score.isEmpty()) {
      html.append("<br><b>").append(Html.text(score)).append("</b>");
    }
    return html.append("</figcaption></figure>").toString();
  }

  private static final String STYLE =
      """
h3{font-size:1em;font-weight:600;margin:.8em 0 .3em}
.row{display:grid;gap:10px;grid-template-columns:repeat(auto-fill,minmax(96px,1fr))}
.row figcaption,.query figcaption{min-height:0;line-height:1.3;overflow-wrap:anywhere}
.row img,.query img{width:84px;height:84px;display:block;margin:0 0 4px}
figcaption span{opacity:.75}
section{border-top:1px solid var(--faint);margin-top:1.6em}
.note{border-left:4px solid var(--b);padding-left:.6em}
details{margin-top:.8em}
""";
}
