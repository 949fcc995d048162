package org.backpack4j.samediff.internal.dataset;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.extension.Combination;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What has been gathered as bytes, to the last bit: for checkpoints, and on the way between
 * machines.
 */
public final class GatheringForm {
  private static final int CHUNK = 1 << 13;

  /** What arrays of bytes can have, less what stands beside the sums. */
  private static final long MOST = Integer.MAX_VALUE - (1L << 24);

  private GatheringForm() {}

  /**
   * What has been gathered.
   *
   * @throws IllegalArgumentException if it is too much for an array
   */
  public static byte[] bytes(Gathering gathering) {
    if (gathering.bytes() > MOST) {
      throw new IllegalArgumentException(
          "The sums of all quantities take "
              + gathering.bytes()
              + " bytes, and at most "
              + MOST
              + " go from one machine to another at once: gather fewer quantities, or of fewer"
              + " parameters, in each call.");
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream((int) gathering.bytes() + (1 << 12));
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      write(out, gathering);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** What was gathered, from bytes. */
  public static Gathering read(byte[] bytes) {
    Gathering gathering = new Gathering(null, -1);
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      read(in, gathering);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return gathering;
  }

  static void write(DataOutputStream out, Gathering gathering) throws IOException {
    Totals t = gathering.totals;
    out.writeLong(t.batches);
    out.writeLong(t.samples);
    out.writeLong(t.contents);
    out.writeDouble(t.data);
    out.writeDouble(t.penalty);
    out.writeBoolean(t.sumsData);
    out.writeBoolean(t.sumsPenalties);
    out.writeInt(t.losses.size());
    for (Map.Entry<String, LossMean> loss : t.losses.entrySet()) {
      out.writeUTF(loss.getKey());
      out.writeBoolean(loss.getValue().sums);
      out.writeDouble(loss.getValue().values());
      out.writeDouble(loss.getValue().weights());
    }
    out.writeInt(t.looks.constants.size());
    for (Map.Entry<String, Long> constant : t.looks.constants.entrySet()) {
      out.writeUTF(constant.getKey());
      out.writeLong(constant.getValue());
    }
    out.writeInt(t.looks.shapes.size());
    for (Map.Entry<String, String> shape : t.looks.shapes.entrySet()) {
      out.writeUTF(shape.getKey());
      out.writeUTF(shape.getValue());
    }
    out.writeInt(t.sums.size());
    for (Map.Entry<String, Sum> entry : t.sums.entrySet()) {
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
    out.writeInt(t.outputAxes.size());
    for (Map.Entry<String, List<Integer>> factor : t.outputAxes.entrySet()) {
      out.writeUTF(factor.getKey());
      out.writeInt(factor.getValue().size());
      for (int axis : factor.getValue()) {
        out.writeInt(axis);
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
    if (flat != array) {
      Doubles.release(flat);
    }
  }

  static void read(DataInputStream in, Gathering gathering) throws IOException {
    Totals t = gathering.totals;
    t.batches = in.readLong();
    t.samples = in.readLong();
    t.contents = in.readLong();
    t.data = in.readDouble();
    t.penalty = in.readDouble();
    t.sumsData = in.readBoolean();
    t.sumsPenalties = in.readBoolean();
    for (int k = in.readInt(); k > 0; k--) {
      String loss = in.readUTF();
      t.losses.put(loss, new LossMean(in.readBoolean(), in.readDouble(), in.readDouble()));
    }
    for (int k = in.readInt(); k > 0; k--) {
      t.looks.constants.put(in.readUTF(), in.readLong());
    }
    for (int k = in.readInt(); k > 0; k--) {
      t.looks.shapes.put(in.readUTF(), in.readUTF());
    }
    for (int k = in.readInt(); k > 0; k--) {
      String name = in.readUTF();
      Combination.Kind kind = Combination.Kind.valueOf(in.readUTF());
      Combination combination = new Combination(kind, in.readDouble(), "");
      DataType type = DataType.valueOf(in.readUTF());
      Doubles sum = array(in);
      @Nullable Doubles mean = kind == Combination.Kind.VARIANCE ? array(in) : null;
      t.sums.put(name, new Sum(combination, type, sum, mean));
    }
    for (int k = in.readInt(); k > 0; k--) {
      String factor = in.readUTF();
      List<Integer> axes = new ArrayList<>();
      for (int axis = in.readInt(); axis > 0; axis--) {
        axes.add(in.readInt());
      }
      t.outputAxes.put(factor, axes);
    }
  }

  private static Doubles array(DataInputStream in) throws IOException {
    long[] shape = new long[in.readInt()];
    for (int k = 0; k < shape.length; k++) {
      shape[k] = in.readLong();
    }
    Doubles doubles = Doubles.of(shape);
    INDArray array = doubles.array();
    byte[] bytes = new byte[Double.BYTES * CHUNK];
    for (long from = 0; from < array.length(); from += CHUNK) {
      int count = (int) Math.min(CHUNK, array.length() - from);
      in.readFully(bytes, 0, Double.BYTES * count);
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      for (int k = 0; k < count; k++) {
        array.data().put(from + k, buffer.getDouble());
      }
    }
    return doubles;
  }
}
