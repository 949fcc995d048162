package org.backpack4j.samediff.execution;

import java.lang.ref.Cleaner;
import java.lang.ref.WeakReference;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Makes the arrays that a caller gets and keeps, and uses their memory again once the caller has
 * let go of them.
 *
 * <p>That is seen at once where the caller has closed an array. Otherwise only the garbage
 * collector sees it, and it does not look as long as few objects are made; so it is asked to
 * whenever the results that are still out have grown twofold. A thousand evaluations whose results
 * are dropped need no more memory than a few, and most of them no new memory at all: handing out
 * pages that have never been touched is slower than computing what goes into them.
 */
final class Results implements AutoCloseable {
  /** Results that together take less are not worth a collection. */
  private static final long SMALL = 256L << 20;

  /** So many nanoseconds a collection is waited for. */
  private static final long PATIENCE = 70_000_000;

  private static final Cleaner CLEANER = Cleaner.create();

  private final Set<Block> out = new LinkedHashSet<>();
  private final TreeMap<Long, Deque<Block>> free = new TreeMap<>();
  private long bytesOut;
  private long bytesFree;
  private long largestRun;
  private long limit = SMALL;
  private boolean closed;

  /**
   * Makes room for the results of one evaluation.
   *
   * @param bytes how much they take
   */
  void expect(long bytes) {
    long before;
    synchronized (this) {
      largestRun = Math.max(largestRun, bytes);
      recycleClosed();
      if (bytesOut + bytes <= limit) {
        return;
      }
      before = bytesOut;
      limit = Long.MAX_VALUE;
    }
    collect(before, bytes);
    synchronized (this) {
      limit = Math.max(SMALL, 2 * (bytesOut + bytes));
    }
  }

  private void collect(long before, long bytes) {
    System.gc();
    long deadline = System.nanoTime() + PATIENCE;
    synchronized (this) {
      try {
        // The cleaner works in a thread of its own; if nothing comes back, nothing was let go of.
        for (long left = PATIENCE;
            left > 0 && bytesOut > Math.max(0, before - bytes);
            left = deadline - System.nanoTime()) {
          TimeUnit.NANOSECONDS.timedWait(this, left);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** An array in 'c' order whose content is undefined. */
  INDArray create(DataType type, long... shape) {
    long length = 1;
    for (long extent : shape) {
      length *= extent;
    }
    if (length == 0 || type == DataType.UTF8 || !Platform.isNativeCpu()) {
      return Nd4j.createUninitialized(type, shape);
    }
    Block block = take(length * type.width());
    INDArray array = block.memory.array(0, type, shape);
    // Whatever looks into the array, a slice of it for example, holds on to the buffer.
    block.handOut(array.data(), this);
    return array;
  }

  /** A copy in 'c' order. */
  INDArray copy(INDArray array) {
    if (array.dataType() == DataType.UTF8) {
      return array.dup();
    }
    INDArray copy = create(array.dataType(), array.shape());
    Copies.copy(array, copy);
    return copy;
  }

  private synchronized Block take(long bytes) {
    Block block = takeFree(bytes);
    if (block == null) {
      block = new Block(Memory.allocate(bytes), bytes);
    }
    out.add(block);
    bytesOut += block.bytes;
    return block;
  }

  private @Nullable Block takeFree(long bytes) {
    Map.Entry<Long, Deque<Block>> entry = free.ceilingEntry(bytes);
    if (entry == null || entry.getKey() > bytes + bytes / 8) {
      return null;
    }
    Block block = entry.getValue().pop();
    if (entry.getValue().isEmpty()) {
      free.remove(entry.getKey());
    }
    bytesFree -= block.bytes;
    return block;
  }

  private void recycleClosed() {
    Iterator<Block> blocks = out.iterator();
    while (blocks.hasNext()) {
      Block block = blocks.next();
      if (block.wasClosed()) {
        blocks.remove();
        keepOrFree(block);
      }
    }
  }

  private synchronized void letGo(Block block) {
    if (out.remove(block)) {
      keepOrFree(block);
      notifyAll();
    }
  }

  private void keepOrFree(Block block) {
    bytesOut -= block.bytes;
    // What one evaluation needs is kept.
    if (closed || bytesFree + block.bytes > largestRun) {
      block.memory.close();
    } else {
      bytesFree += block.bytes;
      free.computeIfAbsent(block.bytes, key -> new ArrayDeque<>()).push(block);
    }
  }

  /** Frees what nobody holds; what a caller holds is freed when the caller lets go of it. */
  @Override
  public synchronized void close() {
    closed = true;
    recycleClosed();
    free.values().forEach(blocks -> blocks.forEach(block -> block.memory.close()));
    free.clear();
    bytesFree = 0;
  }

  /** Memory for one result after the other. */
  private static final class Block {
    private final Memory memory;
    private final long bytes;
    private @Nullable WeakReference<DataBuffer> holder;
    private int generation;

    Block(Memory memory, long bytes) {
      this.memory = memory;
      this.bytes = bytes;
    }

    void handOut(DataBuffer buffer, Results owner) {
      int current;
      synchronized (owner) {
        holder = new WeakReference<>(buffer);
        generation++;
        current = generation;
      }
      CLEANER.register(buffer, () -> collected(current, owner));
    }

    boolean wasClosed() {
      DataBuffer buffer = holder == null ? null : holder.get();
      return buffer != null && buffer.wasClosed();
    }

    private void collected(int which, Results owner) {
      synchronized (owner) {
        // After a close the block may already be somebody else's.
        if (which == generation) {
          owner.letGo(this);
        }
      }
    }
  }
}
