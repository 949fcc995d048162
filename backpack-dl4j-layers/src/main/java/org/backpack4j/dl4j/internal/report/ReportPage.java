package org.backpack4j.dl4j.internal.report;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.backpack4j.dl4j.report.Advice;

/** The page: one HTML file that needs nothing beside it. */
public final class ReportPage {
  /** So often, in seconds, a browser reads the page again while the training runs. */
  private static final int REFRESH = 5;

  private ReportPage() {}

  /**
   * The page.
   *
   * @param title what is trained
   * @param records the records so far
   * @param advice the findings
   * @param pictures pictures of the last record's largest samples, by their places in the batch
   * @param running whether the training goes on, so that the page is read again
   * @return HTML
   */
  public static String of(
      String title,
      List<StepRecord> records,
      List<Advice> advice,
      Map<Integer, String> pictures,
      boolean running) {
    StringBuilder page = new StringBuilder("<!doctype html>\n<html lang=\"en\"><head>");
    page.append("<meta charset=\"utf-8\">");
    page.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    if (running) {
      page.append("<meta http-equiv=\"refresh\" content=\"").append(REFRESH).append("\">");
    }
    page.append("<title>").append(Html.text(title)).append("</title>");
    page.append("<style>").append(STYLE).append("</style></head><body>\n");
    page.append("<h1>").append(Html.text(title)).append("</h1>\n");
    if (records.isEmpty()) {
      return page.append("<p>No iteration has been observed yet.</p></body></html>\n").toString();
    }
    page.append(summary(records.get(records.size() - 1), running));
    page.append(advice(advice, records.size()));
    page.append(charts(records));
    page.append(layers(records.get(records.size() - 1)));
    page.append(HistogramFigures.of(records.get(records.size() - 1).closeup()));
    page.append(samples(records.get(records.size() - 1), pictures));
    return page.append("</body></html>\n").toString();
  }

  private static String summary(StepRecord last, boolean running) {
    return String.format(
        Locale.ROOT,
        "<p>%s iteration %,d, epoch %d, batches of %d, loss %.4g, gradient norm %.3g.</p>%n",
        running ? "Running:" : "Ended:",
        last.iteration(),
        last.epoch(),
        last.statistics().samples(),
        last.score(),
        last.gradientNorm());
  }

  private static String advice(List<Advice> advice, int records) {
    StringBuilder html = new StringBuilder("<section><h2>Advice</h2>");
    if (advice.isEmpty()) {
      return html.append("<p>")
          .append(
              records < Advisor.LEAST
                  ? "There is none before " + Advisor.LEAST + " iterations have been observed."
                  : "Nothing that was looked at is out of order.")
          .append("</p></section>\n")
          .toString();
    }
    html.append("<ul class=\"advice\">");
    for (Advice each : advice) {
      html.append("<li><b>").append(Html.text(each.finding())).append("</b>: ");
      html.append(Html.text(each.evidence())).append(". <i>");
      html.append(Html.text(each.remedy())).append("</i></li>");
    }
    return html.append("</ul></section>\n").toString();
  }

  // ---- charts ----

  private static String charts(List<StepRecord> records) {
    int[] at = records.stream().mapToInt(StepRecord::iteration).toArray();
    StringBuilder html = new StringBuilder();
    html.append(
        section(
            "Step size",
            Chart.of("Loss", "DL4J's score.", at, line("loss", records, StepRecord::score)),
            Chart.of(
                "α",
                "−1: no step, 0: the bottom of the valley, 1: as high on the other side.",
                at,
                line("α", records, StepRecord::alpha)),
            Chart.of(
                    "Distance",
                    "From where the first observed iteration began.",
                    at,
                    line("distance", records, r -> norm(r, LayerRecord::distance)))
                .logarithmic(),
            Chart.of(
                    "Update",
                    "The step's size over the weights' norm.",
                    at,
                    line(
                        "update",
                        records,
                        r -> norm(r, LayerRecord::updateSize) / norm(r, LayerRecord::weightNorm)))
                .logarithmic()));
    html.append(
        section(
            "Gradients",
            Chart.of(
                    "Gradient norm",
                    "Of the mean over the batch.",
                    at,
                    line("norm", records, StepRecord::gradientNorm))
                .logarithmic(),
            Chart.of(
                    "Noise tests",
                    "The standard error of the gradient over its norm: as a whole, along it, across"
                        + " it. Above 1 a batch is too small to be sure of the direction.",
                    at,
                    line("norm", records, r -> r.statistics().normTest()),
                    line("inner product", records, r -> r.statistics().innerProductTest()),
                    line("orthogonality", records, r -> r.statistics().orthogonalityTest()))
                .logarithmic(),
            Chart.of(
                    "Noise scale",
                    "The batch from which on larger ones bring little (running means).",
                    at,
                    new Chart.Line("noise scale", noiseScale(records)),
                    line("batch", records, r -> r.statistics().samples()))
                .logarithmic(),
            Chart.of(
                    "Signal to noise",
                    "Mean over the parameters of the squared mean gradient over its variance.",
                    at,
                    line("ratio", records, StepRecord::signalToNoise))
                .logarithmic(),
            Chart.of(
                "Early stopping",
                "Above 0 the gradient is no larger than its noise.",
                at,
                line("criterion", records, StepRecord::earlyStopping))));
    html.append(
        section(
            "Curvature",
            Chart.of(
                    "Trace",
                    "Of the generalised Gauss-Newton matrix, of the mean loss.",
                    at,
                    line("trace", records, ReportPage::trace))
                .logarithmic(),
            Chart.of(
                    "Largest eigenvalue",
                    "Of the same matrix. Plain gradient descent needs a learning rate below 2 over"
                        + " it.",
                    at,
                    line("eigenvalue", records, r -> r.closeup().eigenvalue()))
                .logarithmic(),
            Chart.of(
                    "Takeuchi",
                    "The gradients' second moments over the curvature: the gap to unseen data, in"
                        + " parameters.",
                    at,
                    line("criterion", records, StepRecord::takeuchi))
                .logarithmic()));
    return html.toString();
  }

  private static String section(String title, Chart... charts) {
    StringBuilder figures = new StringBuilder();
    for (Chart chart : charts) {
      figures.append(chart.html());
    }
    return figures.isEmpty()
        ? ""
        : "<section><h2>" + title + "</h2><div class=\"charts\">" + figures + "</div></section>\n";
  }

  private static Chart.Line line(
      String name, List<StepRecord> records, ToDoubleFunction<StepRecord> value) {
    return new Chart.Line(name, records.stream().mapToDouble(value).toArray());
  }

  private static double norm(StepRecord record, ToDoubleFunction<LayerRecord> of) {
    return Math.sqrt(record.layers().values().stream().mapToDouble(of).map(v -> v * v).sum());
  }

  private static double trace(StepRecord record) {
    return record.layers().values().stream().mapToDouble(LayerRecord::curvature).sum();
  }

  /** tr Σ over ‖E g‖², each averaged: the ratio of single batches is far too noisy. */
  private static double[] noiseScale(List<StepRecord> records) {
    double[] scale = new double[records.size()];
    double trace = 0;
    double squared = 0;
    double kept = 1 - 1.0 / Advisor.WINDOW;
    for (int k = 0; k < scale.length; k++) {
      GradientStatistics noise = records.get(k).statistics();
      if (Double.isFinite(noise.squaredMean())) {
        trace = kept * trace + noise.traceOfCovariance();
        squared = kept * squared + noise.squaredMean();
      }
      scale[k] = squared > 0 ? trace / squared : Double.NaN;
    }
    return scale;
  }

  // ---- tables ----

  private static String layers(StepRecord last) {
    boolean curved = last.layers().values().stream().anyMatch(l -> !Double.isNaN(l.curvature()));
    StringBuilder html = new StringBuilder("<section><h2>Layers</h2><div class=\"wide\"><table>");
    html.append("<caption>In the last observed iteration</caption><thead><tr>");
    for (String head : new String[] {"layer", "gradient", "weights", "update", "dead"}) {
      html.append("<th scope=\"col\">").append(head).append("</th>");
    }
    html.append(curved ? "<th scope=\"col\">curvature</th>" : "");
    Map<String, Double> eigenvalues = last.closeup().eigenvalues();
    boolean sharp = !eigenvalues.isEmpty();
    html.append(sharp ? "<th scope=\"col\">eigenvalue</th>" : "").append("</tr></thead><tbody>");
    last.layers()
        .forEach(
            (name, layer) -> {
              html.append("<tr><th scope=\"row\">").append(Html.text(name)).append("</th>");
              html.append(cell("%.3g", layer.gradientNorm()));
              html.append(cell("%.3g", layer.weightNorm()));
              html.append(cell("%.2g %%", 100 * layer.updateSize() / layer.weightNorm()));
              html.append(cell("%.0f %%", 100 * layer.dead()));
              html.append(curved ? cell("%.3g", layer.curvature()) : "");
              double eigenvalue = eigenvalues.getOrDefault(name, Double.NaN);
              html.append(sharp ? cell("%.3g", eigenvalue) : "").append("</tr>");
            });
    return html.append("</tbody></table></div></section>\n").toString();
  }

  private static String cell(String format, double value) {
    return "<td>"
        + (Double.isFinite(value) ? String.format(Locale.ROOT, format, value) : "–")
        + "</td>";
  }

  private static String samples(StepRecord last, Map<Integer, String> pictures) {
    StringBuilder html =
        new StringBuilder("<section><h2>Samples of largest gradient norm</h2><ol>");
    for (StepRecord.Sample sample : last.largest()) {
      html.append("<li>");
      String picture = pictures.get(sample.index());
      if (picture != null) {
        html.append("<img alt=\"sample ").append(sample.index());
        html.append("\" src=\"").append(picture).append("\">");
      }
      html.append(
          String.format(
              Locale.ROOT,
              "sample %d of the batch: norm %.3g%s</li>",
              sample.index(),
              sample.norm(),
              share(sample.share())));
    }
    return html.append("</ol></section>\n").toString();
  }

  /** Of norms that are all zero there is none. */
  private static String share(double share) {
    return Double.isNaN(share)
        ? ""
        : String.format(Locale.ROOT, ", %.0f %% of all squared norms", 100 * share);
  }

  /** Colours that people see apart who see few (Okabe and Ito, 2008), on light and dark. */
  static final String STYLE =
      """
:root{--ink:#1a1a1a;--paper:#fff;--faint:#ddd;--a:#0072b2;--b:#d55e00;--c:#007a5a}
@media(prefers-color-scheme:dark){
:root{--ink:#e8e8e8;--paper:#16181c;--faint:#3a3d44;--a:#56b4e9;--b:#e69f00;--c:#2cc79a}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);
margin:0 auto;max-width:1320px;padding:16px}
h1{font-size:1.4em;margin:0 0 .2em}h2{font-size:1.1em;margin:1.4em 0 .4em}
.charts{display:grid;gap:18px;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr))}
figure{margin:0}figcaption{min-height:2.9em;font-size:.9em}svg{width:100%;height:auto}
svg text{font-size:10px;fill:var(--ink)}.grid{stroke:var(--faint)}
polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}
.line0{stroke:var(--a)}.line1{stroke:var(--b);stroke-dasharray:5 3}
.line2{stroke:var(--c);stroke-dasharray:1.5 2.5}
.legend span{font-size:.85em;margin-right:1em;border:0;border-bottom:3px solid}
.legend .line0{border-color:var(--a)}.legend .line1{border-color:var(--b);border-style:dashed}
.legend .line2{border-color:var(--c);border-style:dotted}
.advice li{margin:.5em 0;padding-left:.6em;border-left:4px solid var(--b);list-style:none}
.advice{padding:0}.wide{overflow-x:auto}table{border-collapse:collapse}
caption{text-align:left;font-size:.9em}th,td{padding:3px 12px 3px 0;text-align:right}
th:first-child{text-align:left}tbody tr{border-top:1px solid var(--faint)}
.bars rect,.grid2 rect{fill:var(--a)}.note{border-left:4px solid var(--b);padding-left:.6em}
img{width:56px;height:56px;object-fit:contain;image-rendering:pixelated;vertical-align:middle;
margin-right:8px;border:1px solid var(--faint)}
""";
}
