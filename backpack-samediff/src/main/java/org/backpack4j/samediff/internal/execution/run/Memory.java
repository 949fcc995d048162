package org.backpack4j.samediff.internal.execution.run;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.pointers.PagedPointer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * One block of native memory that is given back by hand.
 *
 * <p>ND4J 1.0.0-M2.1 gives an array's memory back when the garbage collector finds it, which is
 * late, since the collector does not see native memory; {@code INDArray.close()} frees nothing.
 * What a plan works in is therefore allocated here. The collector is a safety net only, for a block
 * that nobody closed.
 *
 * <p>For the native CPU backend only.
 */
public final class Memory implements AutoCloseable {
  /** A cache line, and the width of the widest vector register. */
  public static final long ALIGNMENT = 64;

  private static final Cleaner CLEANER = Cleaner.create();
  private static final AtomicLong ALLOCATED = new AtomicLong();

  /** The system does not grant a block; nothing else has happened. */
  public static final class NotGranted extends OutOfMemoryError {
    private static final long serialVersionUID = 1L;

    NotGranted(String message) {
      super(message);
    }
  }

  private final long address;
  private final Cleaner.Cleanable cleanable;

  private Memory(Pointer pointer, long bytes) {
    long start = pointer.address();
    this.address = (start + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    ALLOCATED.addAndGet(bytes);
    this.cleanable = CLEANER.register(this, new Release(pointer, bytes));
  }

  /**
   * A block of the given size. Its content is undefined.
   *
   * @throws NotGranted if the machine has not that much
   */
  public static Memory allocate(long bytes) {
    long padded = bytes + ALIGNMENT;
    @Nullable Pointer pointer = Pointer.malloc(padded);
    if (pointer == null || pointer.isNull()) {
      throw new NotGranted("The machine refuses " + padded + " bytes of native memory.");
    }
    return new Memory(pointer, padded);
  }

  /** The bytes in all blocks that are not closed, of all plans in this process. */
  public static long allocated() {
    return ALLOCATED.get();
  }

  /** Where the block starts, a multiple of {@link #ALIGNMENT}. */
  long address() {
    return address;
  }

  /** An array in 'c' order over the block. It is valid until the block is closed. */
  public INDArray array(long offset, DataType type, long... shape) {
    return arrayAt(address + offset, type, shape);
  }

  /** An array in 'c' order over memory that somebody else keeps. */
  public static INDArray arrayAt(long address, DataType type, long... shape) {
    long length = 1;
    for (long extent : shape) {
      length *= extent;
    }
    if (length == 0) {
      return Nd4j.create(type, shape);
    }
    Pointer pointer = new PagedPointer(address).capacity(length);
    return Nd4j.create(
        Nd4j.createBuffer(pointer, length, type), shape, Nd4j.getStrides(shape, 'c'), 0, 'c', type);
  }

  /** Copies bytes from one address to another; the two places must not overlap. */
  static void copy(long from, long to, long bytes) {
    Pointer.memcpy(new PagedPointer(to), new PagedPointer(from), bytes);
  }

  /** Gives the memory back. Arrays over it must not be used any more. */
  @Override
  public void close() {
    cleanable.clean();
  }

  /** Frees a block exactly once. Must not refer to the {@link Memory} it belongs to. */
  private static final class Release implements Runnable {
    private final Pointer pointer;
    private final long bytes;

    Release(Pointer pointer, long bytes) {
      this.pointer = pointer;
      this.bytes = bytes;
    }

    @Override
    public void run() {
      Pointer.free(pointer);
      ALLOCATED.addAndGet(-bytes);
    }
  }
}
