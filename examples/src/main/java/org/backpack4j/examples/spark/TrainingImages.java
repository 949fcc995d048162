package org.backpack4j.examples.spark;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.GZIPInputStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Training images of Fashion-MNIST (Xiao, Rasul, Vollgraf 2017) in a folder, in the original's
 * format; a process reads them once. Where the folder is called {@value #SYNTHETIC}, images of ten
 * kinds of stripes stand in for them.
 */
final class TrainingImages {
  /** In the place of a folder. */
  static final String SYNTHETIC = "synthetic";

  /** How many there are. */
  static final int COUNT = 60_000;

  private static final int SIZE = 28;
  private static final int CLASSES = 10;
  private static final ConcurrentHashMap<String, TrainingImages> READ = new ConcurrentHashMap<>();

  private final byte[] pixels;
  private final byte[] labels;

  private TrainingImages(byte[] pixels, byte[] labels) {
    this.pixels = pixels;
    this.labels = labels;
  }

  /** The images of a folder. */
  static TrainingImages of(String folder) {
    return READ.computeIfAbsent(folder, TrainingImages::read);
  }

  private static TrainingImages read(String folder) {
    if (folder.equals(SYNTHETIC)) {
      return stripes();
    }
    try {
      return new TrainingImages(
          entries(Path.of(folder, "train-images-idx3-ubyte.gz"), 16, SIZE * SIZE),
          entries(Path.of(folder, "train-labels-idx1-ubyte.gz"), 8, 1));
    } catch (IOException e) {
      throw new UncheckedIOException("No Fashion-MNIST in " + folder + ": " + e.getMessage(), e);
    }
  }

  /** A file's bytes behind its header. */
  private static byte[] entries(Path file, int header, int each) throws IOException {
    try (DataInputStream in =
        new DataInputStream(new GZIPInputStream(Files.newInputStream(file)))) {
      in.skipNBytes(header);
      byte[] entries = new byte[COUNT * each];
      in.readFully(entries);
      return entries;
    }
  }

  private static TrainingImages stripes() {
    byte[] pixels = new byte[COUNT * SIZE * SIZE];
    byte[] labels = new byte[COUNT];
    for (int n = 0; n < COUNT; n++) {
      SplittableRandom random = new SplittableRandom(n);
      labels[n] = (byte) random.nextInt(CLASSES);
      double slope = Math.PI * labels[n] / CLASSES;
      double shift = random.nextDouble(2 * Math.PI);
      for (int row = 0; row < SIZE; row++) {
        for (int column = 0; column < SIZE; column++) {
          double wave = Math.sin(row * Math.cos(slope) + column * Math.sin(slope) + shift);
          double value = 100 + 80 * wave + random.nextInt(60);
          pixels[(n * SIZE + row) * SIZE + column] = (byte) value;
        }
      }
    }
    return new TrainingImages(pixels, labels);
  }

  /** Some images as a batch, features [N, 1, 28, 28] from 0 to 1 and one-hot labels [N, 10]. */
  DataSet batch(int from, int to) {
    int image = SIZE * SIZE;
    float[] values = new float[(to - from) * image];
    for (int k = 0; k < values.length; k++) {
      values[k] = Byte.toUnsignedInt(pixels[from * image + k]) / 255f;
    }
    INDArray classes = Nd4j.zeros(DataType.FLOAT, to - from, CLASSES);
    for (int n = from; n < to; n++) {
      classes.putScalar(n - from, labels[n], 1);
    }
    return new DataSet(
        Nd4j.createFromArray(values).reshape('c', to - from, 1, SIZE, SIZE), classes);
  }
}
