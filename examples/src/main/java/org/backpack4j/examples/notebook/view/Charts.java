package org.backpack4j.examples.notebook.view;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler;

/** What the charts have in common. */
final class Charts {

  private static final Font TITLE = new Font(Font.SANS_SERIF, Font.BOLD, 12);
  private static final Font TEXT = new Font(Font.SANS_SERIF, Font.PLAIN, 10);

  private static final Pattern LONG_FRACTION = Pattern.compile("(\\d\\.\\d{1,2})\\d+");
  private static final Pattern CLIP = Pattern.compile("(id=\"|#)(?=clip)");

  private Charts() {}

  static void style(Styler styler) {
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setPlotBorderVisible(false);
    styler.setChartTitleFont(TITLE);
    styler.setLegendFont(TEXT);
    styler.setLegendBorderColor(Color.WHITE);
    styler.setChartPadding(4);
    if (styler instanceof AxesChartStyler axes) {
      // as wide as a hair; dashes would be a thousand little paths
      axes.setPlotGridLinesStroke(new BasicStroke(0.5f));
      axes.setAxisTickMarksStroke(new BasicStroke(0.5f));
    }
  }

  static Font text() {
    return TEXT;
  }

  /** The chart as SVG that can stand in HTML. */
  static String svg(Chart<?, ?> chart) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      VectorGraphicsEncoder.saveVectorGraphic(chart, out, VectorGraphicsFormat.SVG);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String svg = out.toString(StandardCharsets.UTF_8);
    svg = LONG_FRACTION.matcher(svg.substring(svg.indexOf("<svg"))).replaceAll("$1");
    // Its names for clipping are the same in every chart, and a page may have several.
    return CLIP.matcher(svg).replaceAll("$1" + Integer.toHexString(svg.hashCode()) + "-");
  }
}
