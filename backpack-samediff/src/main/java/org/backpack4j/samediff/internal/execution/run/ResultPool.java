package org.backpack4j.samediff.internal.execution.run;

import java.lang.ref.Cleaner;
import java.lang.ref.WeakReference;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The memory of the results of all planned graphs, used again once callers have let go of them.
 *
 * <p>That is seen at once where a caller has closed an array. Otherwise only the garbage collector
 * sees it, and it does not look as long as few objects are made; so it is asked to when another
 * evaluation's worth is out since it looked last, and, where callers really hold what they have,
 * when that has grown twofold. A thousand evaluations whose results are dropped need no more memory
 * than three, and most of them no new memory at all: handing out pages that have never been touched
 * is slower than computing what goes into them.
 *
 * <p>It is one for all graphs, so that a training with batches of many shapes, or many networks,
 * does not keep memory for each: what nobody uses is kept for as many evaluations, of the largest
 * kind, as there are processors.
 */
final class ResultPool {
  static final ResultPool SHARED = new ResultPool(Runtime.getRuntime().availableProcessors());

  /** Results that together take less are not worth a collection. */
  private static final long SMALL = 256L << 20;

  /** So many nanoseconds a collection is waited for. */
  private static final long PATIENCE = 1_000_000_000;

  /** So many nanoseconds what it has found may take to be told, behind the first of it. */
  private static final long GRACE = 20_000_000;

  private static final Cleaner CLEANER = Cleaner.create();

  private final int processors;

  /** What each graph's largest evaluation needs. */
  private final Map<Owner, Long> runs = new HashMap<>();

  private final Set<Block> out = new LinkedHashSet<>();

  /** What nobody uses, the longest unused first. */
  private final Set<Block> idle = new LinkedHashSet<>();

  private long bytesOut;
  private long bytesIdle;
  private long room;
  private long limit = SMALL;

  ResultPool(int processors) {
    this.processors = processors;
  }

  /** A graph whose results are made here. */
  static final class Owner {
    private boolean closed;
  }

  /**
   * Makes room for the results of one evaluation.
   *
   * @param owner whose
   * @param bytes how much they take
   */
  void expect(Owner owner, long bytes) {
    long before;
    synchronized (this) {
      if (!owner.closed && runs.merge(owner, bytes, Math::max) == bytes) {
        setRoom();
      }
      recycleClosed();
      if (bytesOut + bytes <= limit) {
        return;
      }
      before = bytesOut;
      limit = Long.MAX_VALUE; // one thread asks for a collection
    }
    collect(before, bytes);
    synchronized (this) {
      boolean held = bytesOut > Math.max(0, before - bytes);
      limit =
          Math.max(SMALL, bytesOut + bytes + (held ? bytesOut + bytes : Math.max(SMALL, bytes)));
    }
  }

  private void collect(long before, long bytes) {
    boolean[] told = new boolean[1];
    CLEANER.register(
        new Object(), // the collector finds it with all else that nobody holds
        () -> {
          synchronized (this) {
            told[0] = true;
            notifyAll();
          }
        });
    System.gc();
    long deadline = System.nanoTime() + PATIENCE;
    boolean last = false;
    synchronized (this) {
      try {
        // The cleaner works in a thread of its own; if nothing comes back, nothing was let go of.
        for (long left = PATIENCE;
            left > 0 && bytesOut > Math.max(0, before - bytes);
            left = deadline - System.nanoTime()) {
          if (told[0] && !last) {
            last = true;
            deadline = System.nanoTime() + GRACE;
            left = GRACE;
          }
          TimeUnit.NANOSECONDS.timedWait(this, left);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** An array in 'c' order whose content is undefined. */
  INDArray array(Owner owner, long bytes, DataType type, long... shape) {
    Block block = take(owner, bytes);
    INDArray array = block.memory.array(0, type, shape);
    // Whatever looks into the array, a slice of it for example, holds on to the buffer.
    handOut(block, array.data());
    return array;
  }

  private synchronized Block take(Owner owner, long bytes) {
    Block block = takeIdle(bytes);
    if (block == null) {
      block = new Block(Memory.allocate(bytes), bytes);
    }
    block.owner = owner;
    // whoever held it last has no say any more, closed or not
    block.holder = null;
    block.generation++;
    out.add(block);
    bytesOut += block.bytes;
    return block;
  }

  private void handOut(Block block, DataBuffer buffer) {
    int current;
    synchronized (this) {
      block.holder = new WeakReference<>(buffer);
      current = block.generation;
    }
    CLEANER.register(buffer, () -> collected(block, current));
  }

  private synchronized void collected(Block block, int generation) {
    // After a close the block may already be somebody else's.
    if (block.generation == generation && out.remove(block)) {
      keepOrFree(block);
      notifyAll();
    }
  }

  /** The smallest that is large enough, unless it is too large. */
  private @Nullable Block takeIdle(long bytes) {
    Block best = null;
    for (Block block : idle) {
      if (block.bytes >= bytes
          && block.bytes <= bytes + bytes / 8
          && (best == null || block.bytes < best.bytes)) {
        best = block;
      }
    }
    if (best != null) {
      idle.remove(best);
      bytesIdle -= best.bytes;
    }
    return best;
  }

  /** Takes back what callers have closed. */
  synchronized void recycle() {
    recycleClosed();
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

  private void keepOrFree(Block block) {
    bytesOut -= block.bytes;
    if (block.owner == null || block.owner.closed || block.bytes > room) {
      block.memory.close();
      return;
    }
    idle.add(block);
    bytesIdle += block.bytes;
    trim();
  }

  private void setRoom() {
    long largest = runs.values().stream().mapToLong(Long::longValue).max().orElse(0);
    room = largest * Math.min(processors, runs.size());
    trim();
  }

  private void trim() {
    Iterator<Block> longest = idle.iterator();
    while (bytesIdle > room) {
      Block block = longest.next();
      longest.remove();
      free(block);
    }
  }

  private void free(Block block) {
    bytesIdle -= block.bytes;
    block.memory.close();
  }

  /** Frees what a graph used last; what a caller holds is freed when the caller lets go of it. */
  synchronized void close(Owner owner) {
    owner.closed = true;
    runs.remove(owner);
    recycleClosed();
    idle.removeIf(
        block -> {
          boolean last = block.owner == owner;
          if (last) {
            free(block);
          }
          return last;
        });
    setRoom();
  }

  /** The bytes of results that callers hold, as far as it has been seen. */
  synchronized long bytesOut() {
    return bytesOut;
  }

  /** The bytes that are kept for results to come. */
  synchronized long bytesIdle() {
    return bytesIdle;
  }

  /** Memory for one result after the other. */
  private static final class Block {
    private final Memory memory;
    private final long bytes;
    private @Nullable Owner owner;
    private @Nullable WeakReference<DataBuffer> holder;
    private int generation;

    Block(Memory memory, long bytes) {
      this.memory = memory;
      this.bytes = bytes;
    }

    boolean wasClosed() {
      DataBuffer buffer = holder == null ? null : holder.get();
      return buffer != null && buffer.wasClosed();
    }
  }
}
