package org.backpack4j.samediff.dataset;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Writes rows to files of NumPy's format, {@code <parameter>.<field>.npy} for each quantity, with
 * one row for each sample: {@code numpy.load(file, mmap_mode="r")} reads them. A name is written as
 * in a URL where a file cannot have it: {@code a/w} as {@code a%2Fw}.
 *
 * <p>A file is of version 1.0: a header of 256 bytes, whose shape has the number of rows that have
 * been written for good, then the entries in 'c' order, little-endian, as {@code <f8} in double
 * precision and {@code <f4} in any other. The header is written again at each checkpoint and at the
 * end, so that a file can be read while it grows.
 */
public final class NpyFiles implements RowSink, Closeable {
  private static final int HEADER = 256;
  private static final int CHUNK = 1 << 13;

  private final Path directory;
  private final Map<String, File> files = new LinkedHashMap<>();

  /** Where the work has gone on. */
  private long begun;

  private NpyFiles(Path directory) {
    this.directory = directory;
  }

  /**
   * Files in a directory, which is made if it is not there.
   *
   * @param directory where the files are
   * @return the sink
   */
  public static NpyFiles in(Path directory) {
    return new NpyFiles(directory);
  }

  /**
   * Where a quantity is written.
   *
   * @param name the quantity, {@code <parameter>.<field>}
   * @return its file
   */
  public Path file(String name) {
    return directory.resolve(URLEncoder.encode(name, StandardCharsets.UTF_8) + ".npy");
  }

  private static final class File {
    /** Unlike a channel it stays open where its thread is interrupted. */
    private final RandomAccessFile file;

    private final byte[] shape;
    private final String type;
    private final long rowBytes;
    private final String name;

    File(String name, RandomAccessFile file, INDArray rows) {
      this.name = name;
      this.file = file;
      boolean exact = rows.dataType() == DataType.DOUBLE;
      this.type = exact ? "<f8" : "<f4";
      StringBuilder behind = new StringBuilder();
      long entries = 1;
      for (int k = 1; k < rows.rank(); k++) {
        behind.append(", ").append(rows.size(k));
        entries *= rows.size(k);
      }
      this.shape = behind.toString().getBytes(StandardCharsets.US_ASCII);
      this.rowBytes = entries * (exact ? Double.BYTES : Float.BYTES);
    }

    String shape() {
      return new String(shape, StandardCharsets.US_ASCII);
    }

    void header(long rows) throws IOException {
      String text =
          String.format(
              Locale.ROOT,
              "{'descr': '%s', 'fortran_order': False, 'shape': (%d,%s), }",
              type,
              rows,
              shape().isEmpty() ? "" : shape().substring(1));
      if (text.length() > HEADER - 11) {
        throw new IOException("\"" + name + "\" has too many axes for a header: " + text);
      }
      ByteBuffer header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
      header.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII));
      header.put((byte) 1).put((byte) 0).putShort((short) (HEADER - 10));
      header.put(text.getBytes(StandardCharsets.US_ASCII));
      while (header.position() < HEADER - 1) {
        header.put((byte) ' ');
      }
      header.put((byte) '\n');
      write(header.array(), HEADER, 0);
    }

    void rows(long first, INDArray rows) throws IOException {
      INDArray flat = rows.dup('c');
      ByteBuffer buffer = ByteBuffer.allocate(Double.BYTES * CHUNK).order(ByteOrder.LITTLE_ENDIAN);
      long at = HEADER + first * rowBytes;
      boolean exact = type.equals("<f8");
      for (long from = 0; from < flat.length(); from += CHUNK) {
        buffer.clear();
        for (long k = from; k < Math.min(flat.length(), from + CHUNK); k++) {
          if (exact) {
            buffer.putDouble(flat.data().getDouble(k));
          } else {
            buffer.putFloat(flat.data().getFloat(k));
          }
        }
        write(buffer.array(), buffer.position(), at);
        at += buffer.position();
      }
      flat.close();
    }

    private void write(byte[] bytes, int count, long at) throws IOException {
      file.seek(at);
      file.write(bytes, 0, count);
    }
  }

  @Override
  public void rows(String name, long first, INDArray rows) throws IOException {
    File file = files.get(name);
    if (file == null) {
      file = open(name, rows);
      files.put(name, file);
    }
    File same = new File(name, file.file, rows);
    if (!same.shape().equals(file.shape()) || !same.type.equals(file.type)) {
      throw new IOException(
          "\"%s\" has rows of the shape (%s), in the batches before of (%s)"
              .formatted(name, same.shape(), file.shape()));
    }
    file.rows(first, rows);
  }

  private File open(String name, INDArray rows) throws IOException {
    Files.createDirectories(directory);
    Path path = file(name);
    boolean before = begun > 0;
    if (before && !Files.exists(path)) {
      throw new IOException(path + " is missing, which has the rows of " + begun + " samples");
    }
    RandomAccessFile opened = new RandomAccessFile(path.toFile(), "rw");
    File file = new File(name, opened, rows);
    long kept = HEADER + begun * file.rowBytes;
    if (before && opened.length() < kept) {
      opened.close();
      throw new IOException(path + " is shorter than the rows of " + begun + " samples");
    }
    opened.setLength(before ? kept : 0);
    file.header(begun);
    return file;
  }

  @Override
  public void flush(long samples) throws IOException {
    for (File file : files.values()) {
      file.header(samples);
      file.file.getFD().sync();
    }
  }

  @Override
  public void resume(long samples) throws IOException {
    close();
    begun = samples;
  }

  @Override
  public void close() throws IOException {
    @Nullable IOException failed = null;
    for (File file : files.values()) {
      try {
        file.file.close();
      } catch (IOException e) {
        failed = e;
      }
    }
    files.clear();
    if (failed != null) {
      throw failed;
    }
  }
}
