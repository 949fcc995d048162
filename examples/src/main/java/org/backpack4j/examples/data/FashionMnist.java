package org.backpack4j.examples.data;

import java.io.DataInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The first 256 test images of Fashion-MNIST (Xiao, Rasul, Vollgraf 2017), which come with the
 * examples, in the original's format; and all of it where it is installed.
 */
public final class FashionMnist {

  /** How many images there are. */
  public static final int COUNT = 256;

  private static final String FOLDER = "/org/backpack4j/examples/fashion-mnist/";
  private static final Path INSTALLED = Path.of("/usr/share/datasets/fashion-mnist");
  private static final int IMAGES_MAGIC = 2051;
  private static final int LABELS_MAGIC = 2049;

  private FashionMnist() {}

  /**
   * The first images.
   *
   * @param count how many, up to {@link #COUNT}
   */
  public static LabelledImages load(int count) {
    if (count < 1 || count > COUNT) {
      throw new IllegalArgumentException("There are " + COUNT + " images, not " + count);
    }
    try (InputStream images = own("images-idx3-ubyte.gz");
        InputStream labels = own("labels-idx1-ubyte.gz")) {
      return new LabelledImages(images(images, count), labels(labels, count));
    } catch (IOException e) {
      throw new UncheckedIOException("Fashion-MNIST cannot be read", e);
    }
  }

  /**
   * Whether the whole of it is there, as Debian's package {@code dataset-fashion-mnist} puts it.
   *
   * @return whether {@link #training} and {@link #test} can be read
   */
  public static boolean isInstalled() {
    return Files.isReadable(INSTALLED.resolve("train-images-idx3-ubyte.gz"));
  }

  /**
   * Training images, if it {@link #isInstalled}.
   *
   * @param count how many of the 60,000
   * @return the first
   */
  public static LabelledImages training(int count) {
    return installed("train", count);
  }

  /**
   * Test images, if it {@link #isInstalled}.
   *
   * @param count how many of the 10,000
   * @return the first
   */
  public static LabelledImages test(int count) {
    return installed("t10k", count);
  }

  private static LabelledImages installed(String part, int count) {
    try (InputStream images = Files.newInputStream(installed(part + "-images-idx3-ubyte.gz"));
        InputStream labels = Files.newInputStream(installed(part + "-labels-idx1-ubyte.gz"))) {
      return new LabelledImages(images(images, count), labels(labels, count));
    } catch (IOException e) {
      throw new UncheckedIOException("Fashion-MNIST cannot be read", e);
    }
  }

  private static Path installed(String file) {
    return INSTALLED.resolve(file);
  }

  private static INDArray images(InputStream file, int count) throws IOException {
    int size = LabelledImages.SIZE;
    try (DataInputStream in = open(file, IMAGES_MAGIC, count)) {
      expect(size, in.readInt());
      expect(size, in.readInt());
      byte[] bytes = in.readNBytes(count * size * size);
      float[] pixels = new float[count * size * size];
      for (int i = 0; i < pixels.length; i++) {
        pixels[i] = (bytes[i] & 0xff) / 255f;
      }
      return Nd4j.createFromArray(pixels).reshape('c', count, 1, size, size);
    }
  }

  private static INDArray labels(InputStream file, int count) throws IOException {
    try (DataInputStream in = open(file, LABELS_MAGIC, count)) {
      INDArray labels = Nd4j.zeros(DataType.FLOAT, count, LabelledImages.CLASSES);
      for (int n = 0; n < count; n++) {
        labels.putScalar(n, in.readUnsignedByte(), 1);
      }
      return labels;
    }
  }

  /** A file of the examples' own. */
  private static InputStream own(String file) throws IOException {
    InputStream resource = FashionMnist.class.getResourceAsStream(FOLDER + file);
    if (resource == null) {
      throw new FileNotFoundException(FOLDER + file);
    }
    return resource;
  }

  /** The file, behind its magic number and the number of its entries. */
  private static DataInputStream open(InputStream file, int magic, int count) throws IOException {
    DataInputStream in = new DataInputStream(new GZIPInputStream(file));
    expect(magic, in.readInt());
    int there = in.readInt();
    if (there < count) {
      throw new IOException("there are " + there + " images, not " + count);
    }
    return in;
  }

  private static void expect(int expected, int found) throws IOException {
    if (found != expected) {
      throw new IOException("expected " + expected + " and found " + found);
    }
  }
}
