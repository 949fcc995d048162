package org.backpack4j.dl4j.internal.report;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A sample that is an image, as a picture in a page. */
public final class Picture {
  private static final int LARGEST = 256;

  private Picture() {}

  /**
   * The picture of a sample.
   *
   * @param features the features of a batch
   * @param index which sample
   * @return a data URI of a PNG, the channels' least value black and the largest white; null if the
   *     features are no images [N, C, H, W] of one or three channels
   */
  public static @Nullable String of(INDArray features, int index) {
    if (features.rank() != 4
        || (features.size(1) != 1 && features.size(1) != 3)
        || features.size(2) > LARGEST
        || features.size(3) > LARGEST) {
      return null;
    }
    int channels = (int) features.size(1);
    int height = (int) features.size(2);
    int width = (int) features.size(3);
    INDArray sample = features.slice(index).dup('c');
    double low = sample.minNumber().doubleValue();
    double range = Math.max(sample.maxNumber().doubleValue() - low, 1e-12);
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int rgb = 0;
        for (int c = 0; c < 3; c++) {
          double value = (sample.getDouble(channels == 1 ? 0 : c, y, x) - low) / range;
          rgb = rgb << 8 | (int) Math.round(255 * value);
        }
        image.setRGB(x, y, rgb);
      }
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "png", bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "data:image/png;base64," + Base64.getEncoder().encodeToString(bytes.toByteArray());
  }
}
