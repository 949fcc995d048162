package org.backpack4j.samediff.internal.rule;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A sequence of positions that is regular: position j = offset + Σₖ dₖ strideₖ, where dₖ are the
 * digits of j, the fastest first. Slices, repetitions, transpositions and reversals are such
 * sequences; reading or writing along one takes reshapes, pads and slices instead of indices.
 */
final class Strides {
  /** One loop of the sequence. */
  private record Digit(int extent, int stride) {}

  private final int offset;
  private final List<Digit> digits;

  private Strides(int offset, List<Digit> digits) {
    this.offset = offset;
    this.digits = digits;
  }

  /**
   * Finds the loops of a sequence.
   *
   * @return null if it is not regular, or its loops overlap
   */
  static @Nullable Strides of(int[] positions) {
    int length = positions.length;
    List<Digit> digits = new ArrayList<>();
    for (int block = 1; block < length; ) {
      int stride = positions[block] - positions[0];
      int extent = 1;
      while ((long) extent * block < length
          && positions[extent * block] - positions[0] == extent * stride) {
        extent++;
      }
      if (length % (extent * block) != 0) {
        return null;
      }
      digits.add(new Digit(extent, stride));
      block *= extent;
    }
    Strides found = new Strides(positions[0], digits);
    boolean regular = IntStream.range(0, length).allMatch(j -> found.at(j) == positions[j]);
    return regular && found.nested() ? found : null;
  }

  private int at(int j) {
    int position = offset;
    int rest = j;
    for (Digit digit : digits) {
      position += rest % digit.extent * digit.stride;
      rest /= digit.extent;
    }
    return position;
  }

  /** Whether each loop steps over the whole of the loops inside it. */
  private boolean nested() {
    int span = 1;
    for (Digit digit : bySize()) {
      int stride = Math.abs(digit.stride);
      if (stride < span) {
        return false;
      }
      span += (digit.extent - 1) * stride;
    }
    return true;
  }

  private List<Digit> bySize() {
    return digits.stream()
        .filter(d -> d.stride != 0)
        .sorted(Comparator.comparingInt(d -> Math.abs(d.stride)))
        .toList();
  }

  /** Whether the positions are 0, 1, 2, … */
  boolean plain() {
    return offset == 0 && (digits.isEmpty() || (digits.size() == 1 && digits.get(0).stride == 1));
  }

  /**
   * Reads the positions, which must be in ascending order. Where the first of them is within the
   * innermost blocks, it is looked for there, and the whole is not moved: one step of all steps is
   * a single slice.
   *
   * @param value [lead…, length]
   * @return [lead…, number of positions]
   */
  Tensor read(Emitter e, Tensor value) {
    int axis = value.rank() - 1;
    Dims lead = value.dims().range(0, axis);
    Tensor rest = value;
    long begin = offset;
    Dims loops = lead;
    for (int k = digits.size() - 1; k >= 0; k--) {
      Digit digit = digits.get(k);
      long block = (long) digit.extent * digit.stride;
      if (begin + span(k) > digit.stride || block > size(rest, axis)) {
        rest = e.slice(rest, axis, begin, size(rest, axis));
        begin = 0;
      }
      rest = resize(e, rest, axis, block);
      loops = loops.plus(Dim.of(digit.extent));
      rest = e.reshape(rest, loops.plus(Dim.of(digit.stride)));
      axis++;
    }
    Dim count = loops.from(lead.rank()).product();
    return e.reshape(e.slice(rest, axis, begin, begin + 1), lead.plus(count));
  }

  /** From the first to the last position of the loops inside one. */
  private long span(int loop) {
    return 1 + digits.stream().limit(loop).mapToLong(d -> (d.extent - 1L) * d.stride).sum();
  }

  /**
   * Reads the positions in any order, also more than once: the transposed of {@link #write}.
   *
   * @param value [lead…, length]
   * @return [lead…, number of positions]
   */
  Tensor readInAnyOrder(Emitter e, Tensor value) {
    int leading = value.rank() - 1;
    Dims lead = value.dims().range(0, leading);
    List<Digit> fastestFirst = bySize();
    int start = offset;
    List<Digit> ascending = new ArrayList<>();
    for (Digit digit : fastestFirst) {
      start += Math.min(0, digit.stride * (digit.extent - 1));
      ascending.add(new Digit(digit.extent, Math.abs(digit.stride)));
    }
    Dims widestOutside = lead;
    for (int k = ascending.size() - 1; k >= 0; k--) {
      widestOutside = widestOutside.plus(Dim.of(ascending.get(k).extent));
    }
    Tensor v = e.reshape(new Strides(start, ascending).read(e, value), widestOutside);
    List<Integer> order =
        new ArrayList<>(IntStream.range(0, leading).boxed().toList()); // as the positions run
    Dims once = lead;
    Dims loops = lead;
    for (int k = digits.size() - 1; k >= 0; k--) {
      Digit digit = digits.get(k);
      int axis = leading + ascending.size() - 1 - fastestFirst.indexOf(digit);
      if (digit.stride < 0) {
        v = reverse(e, v, axis);
      }
      if (digit.stride != 0) {
        order.add(axis);
      }
      once = once.plus(digit.stride == 0 ? Dim.ONE : Dim.of(digit.extent));
      loops = loops.plus(Dim.of(digit.extent));
    }
    v = e.permute(v, order.stream().mapToInt(k -> k).toArray());
    Tensor repeated = e.broadcast(e.reshape(v, once), loops);
    return e.reshape(repeated, lead.plus(loops.from(leading).product()));
  }

  /**
   * Adds each entry to its position: the transposed of reading.
   *
   * @param value [lead…, number of positions]
   * @return [lead…, length], zero where no position is
   */
  Tensor write(Emitter e, Tensor value, int length) {
    int leading = value.rank() - 1;
    Dims lead = value.dims().range(0, leading);
    List<Digit> slowestFirst = new ArrayList<>(digits);
    java.util.Collections.reverse(slowestFirst);
    Dims loops = lead;
    for (Digit digit : slowestFirst) {
      loops = loops.plus(Dim.of(digit.extent));
    }
    Tensor v = e.reshape(value, loops);
    int start = offset;
    List<Digit> kept = new ArrayList<>();
    for (Digit digit : slowestFirst) {
      int axis = leading + kept.size();
      if (digit.stride == 0) {
        v = e.sum(v, axis, axis + 1);
      } else if (digit.stride < 0) {
        v = reverse(e, v, axis);
        start += digit.stride * (digit.extent - 1);
        kept.add(new Digit(digit.extent, -digit.stride));
      } else {
        kept.add(digit);
      }
    }
    return place(e, widestOutside(e, v, leading, kept), lead, kept, start, length);
  }

  private static Tensor widestOutside(Emitter e, Tensor v, int leading, List<Digit> kept) {
    List<Integer> order =
        IntStream.range(0, kept.size())
            .boxed()
            .sorted(Comparator.comparingInt(k -> -kept.get(k).stride))
            .toList();
    int[] axes =
        IntStream.concat(IntStream.range(0, leading), order.stream().mapToInt(k -> leading + k))
            .toArray();
    List<Digit> sorted = order.stream().map(kept::get).toList();
    kept.clear();
    kept.addAll(sorted);
    return e.permute(v, axes);
  }

  /** From the innermost loop outwards, every block is brought to its loop's stride. */
  private static Tensor place(
      Emitter e, Tensor value, Dims lead, List<Digit> loops, int start, int length) {
    Tensor v = value;
    long block = 1;
    for (int k = loops.size() - 1; k >= 0; k--) {
      Digit digit = loops.get(k);
      int axis = lead.rank() + k + 1;
      v = e.reshape(v, value.dims().range(0, axis).plus(Dim.of(block)));
      v = resize(e, v, axis, digit.stride);
      block = (long) digit.extent * digit.stride;
    }
    int axis = lead.rank();
    v = e.reshape(v, lead.plus(Dim.of(block)));
    if (block > length - start) {
      v = e.slice(v, axis, 0, length - start);
      block = (long) length - start;
    }
    return e.pad(v, axis, start, length - start - block);
  }

  /** Zeros are added behind, or what is behind is cut. */
  private static Tensor resize(Emitter e, Tensor value, int axis, long size) {
    long now = size(value, axis);
    return now > size ? e.slice(value, axis, 0, size) : e.pad(value, axis, 0, size - now);
  }

  private static long size(Tensor value, int axis) {
    return value.dims().get(axis).size();
  }

  private static Tensor reverse(Emitter e, Tensor value, int axis) {
    return e.op(
        List.of("reverse", axis),
        value.dims(),
        value.type(),
        value.nonNegative(),
        List.of(value),
        () -> e.graph().reverse(value.variable(), axis));
  }
}
