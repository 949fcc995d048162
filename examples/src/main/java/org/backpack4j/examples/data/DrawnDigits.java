package org.backpack4j.examples.data;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Digits in the fonts that every Java has, turned and shifted: like MNIST, without a download. */
public final class DrawnDigits {
  private static final String[] FONTS = {Font.SANS_SERIF, Font.SERIF, Font.MONOSPACED};

  private DrawnDigits() {}

  /**
   * Draws digits.
   *
   * @param count how many
   * @param seed which
   */
  public static LabelledImages draw(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int size = LabelledImages.SIZE;
    float[] pixels = new float[count * size * size];
    INDArray labels = Nd4j.zeros(DataType.FLOAT, count, LabelledImages.CLASSES);
    for (int n = 0; n < count; n++) {
      int digit = random.nextInt(10);
      labels.putScalar(n, digit, 1);
      BufferedImage image = new BufferedImage(size, size, BufferedImage.TYPE_BYTE_GRAY);
      Graphics2D pen = image.createGraphics();
      pen.setRenderingHint(
          RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
      pen.setColor(Color.WHITE);
      String font = FONTS[random.nextInt(FONTS.length)];
      pen.setFont(new Font(font, random.nextInt(2), 22 + random.nextInt(5)));
      pen.rotate(0.5 * (random.nextDouble() - 0.5), size / 2.0, size / 2.0);
      int width = pen.getFontMetrics().stringWidth(Integer.toString(digit));
      int left = (size - width) / 2 + random.nextInt(5) - 2;
      pen.drawString(Integer.toString(digit), left, 22 + random.nextInt(3));
      pen.dispose();
      for (int k = 0; k < size * size; k++) {
        pixels[n * size * size + k] = image.getRaster().getSample(k % size, k / size, 0) / 255f;
      }
    }
    return new LabelledImages(
        Nd4j.createFromArray(pixels).reshape('c', count, 1, size, size), labels);
  }
}
