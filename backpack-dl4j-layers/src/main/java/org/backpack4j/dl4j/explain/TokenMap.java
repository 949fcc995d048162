package org.backpack4j.dl4j.explain;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * A text whose words are coloured by their attributions, as HTML: what speaks against the class is
 * blue, what speaks for it is orange.
 *
 * <pre>{@code
 * String html = TokenMap.of(words, explanation.tokens(0, 0)).html();
 * }</pre>
 */
public final class TokenMap {
  /** Words stay readable on what is not quite the full colour. */
  private static final double STRONGEST = 0.8;

  private final List<String> tokens;
  private final double[] attributions;

  private TokenMap(List<String> tokens, double[] attributions) {
    this.tokens = List.copyOf(tokens);
    this.attributions = attributions.clone();
  }

  /**
   * A coloured text.
   *
   * @param tokens the words
   * @param attributions a number for each; those behind the last word, of padding, are left out
   * @return the text
   * @throws IllegalArgumentException if there are fewer numbers than words, or one is not finite
   */
  public static TokenMap of(List<String> tokens, double... attributions) {
    if (attributions.length < tokens.size()) {
      throw new IllegalArgumentException(
          "There are %d attributions for %d tokens.".formatted(attributions.length, tokens.size()));
    }
    double[] own = Arrays.copyOf(attributions, tokens.size());
    Diverging.finite(own);
    return new TokenMap(tokens, own);
  }

  /**
   * The text.
   *
   * @return a paragraph of HTML; each word's number is its title
   */
  public String html() {
    double limit = Diverging.limit(attributions);
    StringBuilder html = new StringBuilder("<p style=\"line-height:1.8;color:#000\">");
    for (int k = 0; k < tokens.size(); k++) {
      int[] c = Diverging.colour(STRONGEST * Diverging.share(attributions[k], limit), 1);
      html.append(
          String.format(
              Locale.ROOT,
              "<span style=\"background:#%02x%02x%02x;padding:2px 3px\" title=\"%.4g\">%s</span> ",
              c[0],
              c[1],
              c[2],
              attributions[k],
              text(tokens.get(k))));
    }
    return html.append("</p>").toString();
  }

  /**
   * Writes a page with the text.
   *
   * @param file an HTML file, which is replaced
   * @param title what stands above the text
   * @throws IOException if it cannot be written
   */
  public void write(Path file, String title) throws IOException {
    Files.writeString(
        file,
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>%1$s</title></head><body style=\"font-family:sans-serif;background:#fff;color:#000\"><h1>%1$s</h1>%2$s</body></html>"
            .formatted(text(title), html()));
  }

  private static String text(String any) {
    return any.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
