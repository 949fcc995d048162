package org.backpack4j.samediff.internal.dataset;

import java.util.Arrays;
import org.backpack4j.samediff.internal.execution.kernel.Platform;
import org.backpack4j.samediff.internal.execution.run.Memory;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * An array of doubles whose memory is given back by hand, where the backend allows it: ND4J leaves
 * that to the garbage collector, which is late, so that a work of thousands of batches would grow.
 */
final class Doubles implements AutoCloseable {
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
}
