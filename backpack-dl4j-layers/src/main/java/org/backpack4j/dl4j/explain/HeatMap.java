package org.backpack4j.dl4j.explain;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A picture of one sample's attributions: what speaks against the class is blue, what speaks for it
 * is orange, in the same scale on both sides of white.
 *
 * <pre>{@code
 * HeatMap.of(explanation.sample(0)).over(image).enlarged(8).write(Path.of("heat.png"));
 * }</pre>
 */
public final class HeatMap {
  /** How much of a picture's range of greys lies below a heat map. */
  private static final double DARKEST = 0.35;

  private final double[][] map;
  private final double @Nullable [][] below;
  private final double limit;
  private final int enlarged;

  private HeatMap(double[][] map, double @Nullable [][] below, double limit, int enlarged) {
    this.map = map;
    this.below = below;
    this.limit = limit;
    this.enlarged = enlarged;
  }

  /**
   * A heat map.
   *
   * @param attributions [H, W], or [C, H, W], whose channels are added up
   * @return the map, white where nothing is attributed
   * @throws IllegalArgumentException if it has another shape, or an entry is not finite
   */
  public static HeatMap of(INDArray attributions) {
    double[][] map = plane(attributions, "The attributions have", false);
    Arrays.stream(map).forEach(Diverging::finite);
    double limit = Arrays.stream(map).mapToDouble(Diverging::limit).max().orElse(0);
    return new HeatMap(map, null, limit, 1);
  }

  /**
   * Lays the map over the image, in greys.
   *
   * @param image [H, W], or [C, H, W], whose channels are averaged; its least value is darkest
   * @return the map with the image below
   * @throws IllegalArgumentException if it is not as high and wide as the map
   */
  public HeatMap over(INDArray image) {
    double[][] plane = plane(image, "The image has", true);
    if (plane.length != map.length || plane[0].length != map[0].length) {
      throw new IllegalArgumentException(
          "The image is %d × %d, the heat map %d × %d: they have to be equal."
              .formatted(plane.length, plane[0].length, map.length, map[0].length));
    }
    double low = Arrays.stream(plane).flatMapToDouble(Arrays::stream).min().orElse(0);
    double high = Arrays.stream(plane).flatMapToDouble(Arrays::stream).max().orElse(0);
    for (double[] row : plane) {
      for (int x = 0; x < row.length; x++) {
        double share = high > low ? (row[x] - low) / (high - low) : 1;
        row[x] = DARKEST + (1 - DARKEST) * share;
      }
    }
    return new HeatMap(map, plane, limit, enlarged);
  }

  /**
   * Chooses what has the full colour; by default it is the largest magnitude of this map. Maps that
   * are to be compared need the same.
   *
   * @param magnitude the number, above 0
   * @return the map in that scale
   * @throws IllegalArgumentException if it is not above 0
   */
  public HeatMap limit(double magnitude) {
    if (!(magnitude > 0 && Double.isFinite(magnitude))) {
      throw new IllegalArgumentException("limit(" + magnitude + "): expected a number above 0.");
    }
    return new HeatMap(map, below, magnitude, enlarged);
  }

  /**
   * Draws each entry as a square.
   *
   * @param pixels its side, at least 1
   * @return the larger map
   * @throws IllegalArgumentException if it is less than 1
   */
  public HeatMap enlarged(int pixels) {
    if (pixels < 1) {
      throw new IllegalArgumentException("enlarged(" + pixels + "): at least 1 pixel.");
    }
    return new HeatMap(map, below, limit, pixels);
  }

  /**
   * The picture.
   *
   * @return a new image
   */
  public BufferedImage image() {
    int height = map.length;
    int width = map[0].length;
    BufferedImage image =
        new BufferedImage(width * enlarged, height * enlarged, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < height * enlarged; y++) {
      for (int x = 0; x < width * enlarged; x++) {
        double under = below == null ? 1 : below[y / enlarged][x / enlarged];
        double share = Diverging.share(map[y / enlarged][x / enlarged], limit);
        int[] c = Diverging.colour(share, under);
        image.setRGB(x, y, c[0] << 16 | c[1] << 8 | c[2]);
      }
    }
    return image;
  }

  /**
   * Writes the picture.
   *
   * @param file a PNG file, which is replaced
   * @throws IOException if it cannot be written
   */
  public void write(Path file) throws IOException {
    write(image(), file);
  }

  /**
   * Several maps in one picture, row by row.
   *
   * @param maps the maps
   * @param columns how many stand in a row, at least 1
   * @return a new image, white between the maps
   * @throws IllegalArgumentException if there is no map or no column
   */
  public static BufferedImage grid(List<HeatMap> maps, int columns) {
    if (maps.isEmpty() || columns < 1) {
      throw new IllegalArgumentException(
          "A grid of " + maps.size() + " maps in " + columns + " columns has nothing to show.");
    }
    List<BufferedImage> images = maps.stream().map(HeatMap::image).toList();
    int gap = 4;
    int width = gap + images.stream().mapToInt(BufferedImage::getWidth).max().orElseThrow();
    int height = gap + images.stream().mapToInt(BufferedImage::getHeight).max().orElseThrow();
    int rows = (images.size() + columns - 1) / columns;
    BufferedImage grid =
        new BufferedImage(columns * width - gap, rows * height - gap, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = grid.createGraphics();
    pen.setColor(Color.WHITE);
    pen.fillRect(0, 0, grid.getWidth(), grid.getHeight());
    for (int k = 0; k < images.size(); k++) {
      pen.drawImage(images.get(k), k % columns * width, k / columns * height, null);
    }
    pen.dispose();
    return grid;
  }

  /**
   * Writes a picture, such as a grid.
   *
   * @param image the picture
   * @param file a PNG file, which is replaced
   * @throws IOException if it cannot be written
   */
  public static void write(BufferedImage image, Path file) throws IOException {
    try (var out = Files.newOutputStream(file)) {
      ImageIO.write(image, "png", out);
    }
  }

  /** The channels' sums, or means. */
  private static double[][] plane(INDArray array, String what, boolean mean) {
    if (array.length() == 0 || (array.rank() != 2 && array.rank() != 3)) {
      throw new IllegalArgumentException(
          what + " the shape " + Arrays.toString(array.shape()) + ", not [H, W] or [C, H, W].");
    }
    INDArray numbers = array.castTo(DataType.DOUBLE);
    INDArray flat = array.rank() == 2 ? numbers : mean ? numbers.mean(0) : numbers.sum(0);
    double[] all = flat.dup('c').data().asDouble();
    int width = Math.toIntExact(flat.size(1));
    double[][] rows = new double[Math.toIntExact(flat.size(0))][];
    for (int y = 0; y < rows.length; y++) {
      rows[y] = Arrays.copyOfRange(all, y * width, (y + 1) * width);
    }
    return rows;
  }
}
