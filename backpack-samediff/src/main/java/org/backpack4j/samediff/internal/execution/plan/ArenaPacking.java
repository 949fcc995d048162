package org.backpack4j.samediff.internal.execution.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.backpack4j.samediff.internal.execution.run.Buffer;
import org.backpack4j.samediff.internal.execution.run.Memory;

/**
 * Gives storages their addresses in one arena, such that two that hold something at the same time
 * do not overlap.
 *
 * <p>Largest first, each at the lowest gap that fits between those already placed (the usual
 * "greedy by size", within a few per cent of the lower bound on graphs of neural networks).
 */
public final class ArenaPacking {
  private final List<Buffer> placed = new ArrayList<>();
  private long size;

  private ArenaPacking() {}

  /**
   * Sets the addresses.
   *
   * @return the bytes that the arena needs
   */
  static long place(List<Buffer> storages) {
    ArenaPacking layout = new ArenaPacking();
    List<Buffer> bySize = new ArrayList<>(storages);
    bySize.sort(Comparator.comparingLong((Buffer s) -> -s.bytes).thenComparing(s -> s.birth));
    bySize.forEach(layout::add);
    return layout.size;
  }

  private void add(Buffer storage) {
    long address = 0;
    // Sorted by address: the first gap that is wide enough is the lowest one.
    for (Buffer other : placed) {
      if (other.overlapsInTime(storage)) {
        if (address + storage.bytes <= other.address) {
          break;
        }
        address = Math.max(address, align(other.address + other.bytes));
      }
    }
    storage.address = address;
    size = Math.max(size, address + storage.bytes);
    int position = 0;
    while (position < placed.size() && placed.get(position).address <= address) {
      position++;
    }
    placed.add(position, storage);
  }

  public static long align(long bytes) {
    return (bytes + Memory.ALIGNMENT - 1) / Memory.ALIGNMENT * Memory.ALIGNMENT;
  }
}
