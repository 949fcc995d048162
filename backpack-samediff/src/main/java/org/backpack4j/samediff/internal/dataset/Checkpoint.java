package org.backpack4j.samediff.internal.dataset;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;
import org.backpack4j.samediff.extension.Combination;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A file with what has been gathered: what it is of, how far it is, and the sums to the last bit.
 * It is written beside, and put in the place of the one before in one step, so that there is always
 * a whole one.
 */
public final class Checkpoint {
  private static final long MAGIC = 0x4250_344a_4453_0001L; // BP4JDS, version 1
  private static final int CHUNK = 1 << 13;

  private Checkpoint() {}

  /**
   * Writes what has been gathered.
   *
   * @param identity what it is of: a digest for each of what may differ
   */
  public static void write(Path file, Map<String, String> identity, Gathering gathering) {
    Path beside = file.resolveSibling(file.getFileName() + ".tmp");
    try {
      // unlike a channel it stays open where its thread is interrupted
      try (FileOutputStream opened = new FileOutputStream(beside.toFile())) {
        CheckedOutputStream checked =
            new CheckedOutputStream(new BufferedOutputStream(opened), new CRC32C());
        DataOutputStream out = new DataOutputStream(checked);
        write(out, identity, gathering);
        out.writeLong(checked.getChecksum().getValue());
        out.flush();
        opened.getFD().sync();
      }
      Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "The checkpoint " + file + " cannot be written: " + e.getMessage(), e);
    }
  }

  private static void write(DataOutputStream out, Map<String, String> identity, Gathering g)
      throws IOException {
    out.writeLong(MAGIC);
    out.writeInt(identity.size());
    for (Map.Entry<String, String> part : identity.entrySet()) {
      out.writeUTF(part.getKey());
      out.writeUTF(part.getValue());
    }
    out.writeLong(g.batches);
    out.writeLong(g.samples);
    out.writeLong(g.contents);
    out.writeDouble(g.data);
    out.writeDouble(g.penalty);
    out.writeInt(g.losses.size());
    for (Map.Entry<String, double[]> loss : g.losses.entrySet()) {
      out.writeUTF(loss.getKey());
      out.writeDouble(loss.getValue()[0]);
      out.writeDouble(loss.getValue()[1]);
    }
    out.writeInt(g.constants.size());
    for (Map.Entry<String, Long> constant : g.constants.entrySet()) {
      out.writeUTF(constant.getKey());
      out.writeLong(constant.getValue());
    }
    out.writeInt(g.shapes.size());
    for (Map.Entry<String, String> shape : g.shapes.entrySet()) {
      out.writeUTF(shape.getKey());
      out.writeUTF(shape.getValue());
    }
    out.writeInt(g.sums.size());
    for (Map.Entry<String, Sum> entry : g.sums.entrySet()) {
      Sum sum = entry.getValue();
      out.writeUTF(entry.getKey());
      out.writeUTF(sum.combination().kind().name());
      out.writeDouble(sum.combination().degree());
      out.writeUTF(sum.type().name());
      array(out, sum.sum());
      INDArray mean = sum.mean();
      if (mean != null) {
        array(out, mean);
      }
    }
  }

  private static void array(DataOutputStream out, INDArray array) throws IOException {
    out.writeInt(array.rank());
    for (long extent : array.shape()) {
      out.writeLong(extent);
    }
    INDArray flat = array.ordering() == 'c' && !array.isView() ? array : array.dup('c');
    ByteBuffer buffer = ByteBuffer.allocate(Double.BYTES * CHUNK);
    for (long from = 0; from < flat.length(); from += CHUNK) {
      buffer.clear();
      for (long k = from; k < Math.min(flat.length(), from + CHUNK); k++) {
        buffer.putDouble(flat.data().getDouble(k));
      }
      out.write(buffer.array(), 0, buffer.position());
    }
  }

  /**
   * Reads what was gathered.
   *
   * @param identity what it has to be of
   * @param into what has gathered nothing yet
   * @throws IllegalArgumentException if it is of something else, or no checkpoint at all
   */
  public static void read(Path file, Map<String, String> identity, Gathering into) {
    try (CheckedInputStream checked =
        new CheckedInputStream(new BufferedInputStream(Files.newInputStream(file)), new CRC32C())) {
      DataInputStream in = new DataInputStream(checked);
      if (in.readLong() != MAGIC) {
        throw new IllegalArgumentException(file + " is no checkpoint of a data set's quantities.");
      }
      Map<String, String> found = new LinkedHashMap<>();
      for (int k = in.readInt(); k > 0; k--) {
        found.put(in.readUTF(), in.readUTF());
      }
      identity.forEach(
          (part, digest) -> {
            if (!digest.equals(found.get(part))) {
              throw new IllegalArgumentException(
                  "The checkpoint "
                      + file
                      + " is of other "
                      + part
                      + ": go on with those that it was written for, or delete it.");
            }
          });
      read(in, into);
      long expected = checked.getChecksum().getValue();
      if (in.readLong() != expected) {
        throw new IllegalArgumentException(
            "The checkpoint " + file + " is damaged: delete it and begin anew.");
      }
    } catch (EOFException e) {
      throw new IllegalArgumentException(
          "The checkpoint " + file + " is damaged, it ends too early: delete it and begin anew.",
          e);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "The checkpoint " + file + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static void read(DataInputStream in, Gathering g) throws IOException {
    g.batches = in.readLong();
    g.samples = in.readLong();
    g.contents = in.readLong();
    g.data = in.readDouble();
    g.penalty = in.readDouble();
    for (int k = in.readInt(); k > 0; k--) {
      g.losses.put(in.readUTF(), new double[] {in.readDouble(), in.readDouble()});
    }
    for (int k = in.readInt(); k > 0; k--) {
      g.constants.put(in.readUTF(), in.readLong());
    }
    for (int k = in.readInt(); k > 0; k--) {
      g.shapes.put(in.readUTF(), in.readUTF());
    }
    for (int k = in.readInt(); k > 0; k--) {
      String name = in.readUTF();
      Combination.Kind kind = Combination.Kind.valueOf(in.readUTF());
      Combination combination = new Combination(kind, in.readDouble(), "");
      DataType type = DataType.valueOf(in.readUTF());
      INDArray sum = array(in);
      @Nullable INDArray mean = kind == Combination.Kind.VARIANCE ? array(in) : null;
      g.sums.put(name, new Sum(combination, type, sum, mean));
    }
  }

  private static INDArray array(DataInputStream in) throws IOException {
    long[] shape = new long[in.readInt()];
    for (int k = 0; k < shape.length; k++) {
      shape[k] = in.readLong();
    }
    INDArray array = Nd4j.zeros(DataType.DOUBLE, shape);
    byte[] bytes = new byte[Double.BYTES * CHUNK];
    for (long from = 0; from < array.length(); from += CHUNK) {
      int count = (int) Math.min(CHUNK, array.length() - from);
      in.readFully(bytes, 0, Double.BYTES * count);
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      for (int k = 0; k < count; k++) {
        array.data().put(from + k, buffer.getDouble());
      }
    }
    return array;
  }
}
