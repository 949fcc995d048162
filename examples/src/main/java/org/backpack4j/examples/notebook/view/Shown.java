package org.backpack4j.examples.notebook.view;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;

/** Pictures and pieces of HTML that something else has made. */
public final class Shown implements View {
  private final String html;
  private final String text;

  private Shown(String html, String text) {
    this.html = html;
    this.text = text;
  }

  /**
   * A picture with a title.
   *
   * @param title stands above it
   * @param image the picture
   */
  public static Shown picture(String title, BufferedImage image) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "png", bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String size = image.getWidth() + " × " + image.getHeight();
    return new Shown(
        "<p>"
            + Html.escape(title)
            + "<br><img alt=\""
            + Html.escape(title)
            + "\" src=\"data:image/png;base64,"
            + Base64.getEncoder().encodeToString(bytes.toByteArray())
            + "\"></p>",
        title + ": a picture of " + size);
  }

  /**
   * Pieces of HTML, one below the other.
   *
   * @param title stands above them
   * @param parts the pieces
   */
  public static Shown html(String title, List<String> parts) {
    return new Shown(
        parts.stream().collect(Collectors.joining("\n", "<p>" + Html.escape(title) + "</p>\n", "")),
        title + ": " + parts.size() + " pieces of HTML");
  }

  @Override
  public String html() {
    return html;
  }

  @Override
  public String toString() {
    return text;
  }
}
