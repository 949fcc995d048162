package org.backpack4j.samediff.execution;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.pointers.PagedPointer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Makes the arrays that a caller gets and keeps.
 *
 * <p>Their memory goes back when the caller has let go of them, which only the garbage collector
 * can see, and it does not look as long as few objects are made. So it is asked to whenever the
 * results that are not yet collected have doubled since the last time: a thousand evaluations whose
 * results are dropped need no more memory than a few.
 */
final class Results {
  private static final long FIRST_LIMIT = 256L << 20;
  private static final Cleaner CLEANER = Cleaner.create();
  private static final AtomicLong OUTSTANDING = new AtomicLong();
  private static final AtomicLong LIMIT = new AtomicLong(FIRST_LIMIT);

  private Results() {}

  /** An array in 'c' order whose content is undefined. */
  static INDArray create(DataType type, long... shape) {
    long length = 1;
    for (long extent : shape) {
      length *= extent;
    }
    if (length == 0 || type == DataType.UTF8 || !Platform.isNativeCpu()) {
      return Nd4j.createUninitialized(type, shape);
    }
    long bytes = length * type.width();
    collectIfWorthwhile(bytes);
    Pointer memory = Pointer.malloc(bytes);
    if (memory == null || memory.isNull()) {
      throw new OutOfMemoryError("The machine refuses " + bytes + " bytes for a result.");
    }
    Pointer pointer = new PagedPointer(memory.address()).capacity(length);
    DataBuffer buffer = Nd4j.createBuffer(pointer, length, type);
    OUTSTANDING.addAndGet(bytes);
    // Whatever looks into the array, a slice of it for example, holds on to the buffer.
    CLEANER.register(buffer, new Release(memory, bytes));
    return Nd4j.create(buffer, shape, Nd4j.getStrides(shape, 'c'), 0, 'c', type);
  }

  /** A copy in 'c' order. */
  static INDArray copy(INDArray array) {
    if (array.dataType() == DataType.UTF8) {
      return array.dup();
    }
    INDArray copy = create(array.dataType(), array.shape());
    Copies.copy(array, copy);
    return copy;
  }

  private static void collectIfWorthwhile(long bytes) {
    long limit = LIMIT.get();
    if (OUTSTANDING.get() + bytes <= limit || !LIMIT.compareAndSet(limit, Long.MAX_VALUE)) {
      return;
    }
    try {
      System.gc();
      // The cleaner works in a thread of its own.
      for (int i = 0; i < 20 && OUTSTANDING.get() + bytes > limit; i++) {
        Thread.sleep(1L << Math.min(i, 3));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      LIMIT.set(Math.max(FIRST_LIMIT, 2 * (OUTSTANDING.get() + bytes)));
    }
  }

  /** Must not refer to the buffer it belongs to. */
  private static final class Release implements Runnable {
    private final Pointer memory;
    private final long bytes;

    Release(Pointer memory, long bytes) {
      this.memory = memory;
      this.bytes = bytes;
    }

    @Override
    public void run() {
      Pointer.free(memory);
      OUTSTANDING.addAndGet(-bytes);
    }
  }
}
