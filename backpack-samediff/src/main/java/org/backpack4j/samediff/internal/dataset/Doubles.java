package org.backpack4j.samediff.internal.dataset;

import java.util.Arrays;
import org.backpack4j.samediff.internal.execution.kernel.Platform;
import org.backpack4j.samediff.internal.execution.run.Memory;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * An array of doubles whose memory is given back by hand, where the backend allows it: ND4J leaves
 * that to the garbage collector, which is late, so that a work of thousands of batches would grow.
 */
final class Doubles implements AutoCloseable {
  /** As many entries are put in double precision at once, to be added up. */
  private static final long CHUNK = 1 << 17;

  private final @Nullable Memory memory;
  private final INDArray array;

  private Doubles(@Nullable Memory memory, INDArray array) {
    this.memory = memory;
    this.array = array;
  }

  /** An array in 'c' order whose content is undefined. */
  static Doubles of(long... shape) {
    long length = Arrays.stream(shape).reduce(1, Math::multiplyExact);
    if (length == 0 || !Platform.isNativeCpu()) {
      return new Doubles(null, Nd4j.create(DataType.DOUBLE, shape));
    }
    Memory memory = Memory.allocate(Math.multiplyExact(length, Double.BYTES));
    return new Doubles(memory, memory.array(0, DataType.DOUBLE, shape));
  }

  /** An array of zeros. */
  static Doubles zeros(long... shape) {
    Doubles zeros = of(shape);
    zeros.array.assign(0);
    return zeros;
  }

  /** The array, valid until this is closed. */
  INDArray array() {
    return array;
  }

  @Override
  public void close() {
    if (memory != null) {
      memory.close();
    }
  }

  /** The sum of an array's entries in double precision, without anything left for the collector. */
  static double total(INDArray array) {
    if (array.isEmpty()) {
      return 0;
    }
    if (array.dataType() == DataType.DOUBLE) {
      return array.sumNumber().doubleValue();
    }
    INDArray flat = array.reshape(new long[] {array.length()});
    long length = flat.length();
    double total = 0;
    try (Doubles wide = Doubles.of(Math.min(length, CHUNK))) {
      for (long from = 0; from < length; from += CHUNK) {
        long to = Math.min(length, from + CHUNK);
        INDArray part = wide.array().get(NDArrayIndex.interval(0, to - from));
        part.assign(flat.get(NDArrayIndex.interval(from, to)));
        total += part.sumNumber().doubleValue();
      }
    }
    return total;
  }

  static void release(INDArray array) {
    if (!array.wasClosed() && array.closeable()) {
      array.close();
    }
  }
}
