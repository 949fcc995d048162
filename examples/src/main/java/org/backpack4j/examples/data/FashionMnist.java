package org.backpack4j.examples.data;

import java.io.DataInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.zip.GZIPInputStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The first 256 test images of Fashion-MNIST (Xiao, Rasul, Vollgraf 2017), which come with the
 * examples, in the original's format.
 */
public final class FashionMnist {

  /** How many images there are. */
  public static final int COUNT = 256;

  private static final String FOLDER = "/org/backpack4j/examples/fashion-mnist/";
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
    try {
      return new LabelledImages(images(count), labels(count));
    } catch (IOException e) {
      throw new UncheckedIOException("Fashion-MNIST cannot be read", e);
    }
  }

  private static INDArray images(int count) throws IOException {
    int size = LabelledImages.SIZE;
    try (DataInputStream in = open("images-idx3-ubyte.gz", IMAGES_MAGIC)) {
      expect(size, in.readInt());
      expect(size, in.readInt());
      float[] pixels = new float[count * size * size];
      for (int i = 0; i < pixels.length; i++) {
        pixels[i] = in.readUnsignedByte() / 255f;
      }
      return Nd4j.createFromArray(pixels).reshape('c', count, 1, size, size);
    }
  }

  private static INDArray labels(int count) throws IOException {
    try (DataInputStream in = open("labels-idx1-ubyte.gz", LABELS_MAGIC)) {
      INDArray labels = Nd4j.zeros(DataType.FLOAT, count, LabelledImages.CLASSES);
      for (int n = 0; n < count; n++) {
        labels.putScalar(n, in.readUnsignedByte(), 1);
      }
      return labels;
    }
  }

  /** The file, behind its magic number and the number of its entries. */
  private static DataInputStream open(String file, int magic) throws IOException {
    InputStream resource = FashionMnist.class.getResourceAsStream(FOLDER + file);
    if (resource == null) {
      throw new FileNotFoundException(FOLDER + file);
    }
    DataInputStream in = new DataInputStream(new GZIPInputStream(resource));
    expect(magic, in.readInt());
    expect(COUNT, in.readInt());
    return in;
  }

  private static void expect(int expected, int found) throws IOException {
    if (found != expected) {
      throw new IOException("expected " + expected + " and found " + found);
    }
  }
}
