package org.backpack4j.samediff.internal.dataset;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Checksums of arrays: shapes, types and every entry, whatever the layout. */
public final class Contents {
  private static final int CHUNK = 1 << 13;

  private final CRC32C sum = new CRC32C();
  private final ByteBuffer buffer =
      ByteBuffer.allocate(Long.BYTES * CHUNK).order(ByteOrder.LITTLE_ENDIAN);

  /** Of nothing so far. */
  public Contents() {}

  /** Forgets what was added. */
  public Contents reset() {
    sum.reset();
    return this;
  }

  /** Adds a text. */
  public Contents add(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    number(bytes.length);
    sum.update(bytes);
    return this;
  }

  /** Adds a number. */
  public Contents number(long number) {
    buffer.clear().putLong(number);
    sum.update(buffer.array(), 0, Long.BYTES);
    return this;
  }

  /** Adds an array. */
  public Contents add(@Nullable INDArray array) {
    if (array == null) {
      return add("null");
    }
    add(array.dataType().name());
    for (long extent : array.shape()) {
      number(extent);
    }
    if (!array.isEmpty()) {
      entries(array);
    }
    return this;
  }

  private void entries(INDArray array) {
    boolean plain =
        array.ordering() == 'c' && !array.isView() && array.data().length() == array.length();
    INDArray flat = plain ? array : array.dup('c');
    boolean whole = !array.dataType().isFPType() && array.dataType() != DataType.BOOL;
    long length = flat.length();
    for (long from = 0; from < length; from += CHUNK) {
      buffer.clear();
      for (long k = from; k < Math.min(length, from + CHUNK); k++) {
        buffer.putLong(
            whole ? flat.data().getLong(k) : Double.doubleToRawLongBits(flat.data().getDouble(k)));
      }
      sum.update(buffer.array(), 0, buffer.position());
    }
    if (flat != array) {
      flat.close();
    }
  }

  /** Adds feeds, in the order of their names. */
  public Contents add(Map<String, INDArray> feeds) {
    new TreeMap<>(feeds)
        .forEach(
            (name, array) -> {
              add(name);
              add(array);
            });
    return this;
  }

  /** Adds a batch. */
  public Contents add(MultiDataSet batch) {
    addAll(batch.getFeatures());
    addAll(batch.getLabels());
    addAll(batch.getFeaturesMaskArrays());
    addAll(batch.getLabelsMaskArrays());
    return this;
  }

  private void addAll(@Nullable INDArray @Nullable [] arrays) {
    number(arrays == null ? -1 : arrays.length);
    if (arrays != null) {
      for (INDArray array : arrays) {
        add(array);
      }
    }
  }

  /** The checksum of all that was added. */
  public long value() {
    return sum.getValue();
  }

  /** The checksum as text. */
  public String text() {
    return Long.toHexString(value());
  }
}
