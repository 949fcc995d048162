package org.backpack4j.samediff.internal.rule;

import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.View;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Where every entry of a result comes from: y[j] = x[source[j]], entries counted in 'c' order.
 * Tangents are moved alike. The transposed Jacobian adds up what went out from an entry: x̄[i] = Σ
 * over j with source[j] = i of ȳ[j].
 */
final class Movement {
  /** Beyond so many times the result's entries, adding up by segments is cheaper. */
  private static final int COPIES = 8;

  private final int[] source;
  private final int size;

  /**
   * A movement.
   *
   * @param source for each entry of the result the input's entry, −1 if it comes from elsewhere
   * @param size the number of entries of the input
   */
  Movement(int[] source, int size) {
    this.source = source.clone();
    this.size = size;
  }

  /** The movement to several results that are laid out one after the other. */
  static Movement beside(List<Movement> movements) {
    return new Movement(
        movements.stream().flatMapToInt(m -> Arrays.stream(m.source)).toArray(),
        movements.get(0).size);
  }

  /** Whether anything of the input is in the result. */
  boolean reads() {
    return Arrays.stream(source).anyMatch(i -> i >= 0);
  }

  /** Whether no entry of the input is twice in the result. */
  boolean once() {
    return Arrays.stream(count()).allMatch(n -> n <= 1);
  }

  /** The entries of the input that are in the result. */
  private BitSet shown() {
    BitSet shown = new BitSet(size);
    Arrays.stream(source).filter(i -> i >= 0).forEach(shown::set);
    return shown;
  }

  private int[] count() {
    int[] count = new int[size];
    for (int i : source) {
      if (i >= 0) {
        count[i]++;
      }
    }
    return count;
  }

  /**
   * Applies the transposed Jacobian to the axes behind the leading ones.
   *
   * @param value [lead…, result…]
   * @param leading how many axes lead
   * @param shape the input's shape
   * @return [lead…, input…]
   */
  Tensor vjp(Emitter e, Tensor value, int leading, Dims shape) {
    Dims lead = value.dims().range(0, leading);
    Tensor flat = e.reshape(value, lead.plus(Dim.of(source.length)));
    int[] domain = IntStream.range(0, source.length).filter(j -> source[j] >= 0).toArray();
    if (domain.length == 0) {
      Tensor zero = e.scale(e.slice(flat, leading, 0, 1), 0);
      return e.reshape(e.broadcast(zero, lead.plus(Dim.of(size))), lead.plus(shape));
    }
    Strides from = Strides.of(domain);
    Strides to = Strides.of(Arrays.stream(domain).map(j -> source[j]).toArray());
    Tensor pulled =
        from == null || to == null
            ? byIndex(e, flat, leading)
            : to.write(e, from.read(e, flat), size);
    return e.reshape(pulled, lead.plus(shape));
  }

  /**
   * Moves the axes behind the leading ones.
   *
   * @param value [lead…, input…]
   * @param leading how many axes lead
   * @param shape the result's shape
   * @return [lead…, result…], zero where nothing of the input is
   */
  Tensor jvp(Emitter e, Tensor value, int leading, Dims shape) {
    Dims lead = value.dims().range(0, leading);
    Tensor flat = e.reshape(value, lead.plus(Dim.of(size)));
    int[] domain = IntStream.range(0, source.length).filter(j -> source[j] >= 0).toArray();
    if (domain.length == 0) {
      Tensor zero = e.scale(e.slice(flat, leading, 0, 1), 0);
      return e.reshape(e.broadcast(zero, lead.plus(Dim.of(source.length))), lead.plus(shape));
    }
    Strides to = Strides.of(domain);
    Strides from = Strides.of(Arrays.stream(domain).map(j -> source[j]).toArray());
    Tensor moved;
    if (from == null || to == null) {
      boolean full = domain.length == source.length;
      Tensor filled = full ? flat : e.pad(flat, leading, 0, 1);
      int[] places = Arrays.stream(source).map(i -> i < 0 ? size : i).toArray();
      moved = e.gather(filled, leading, indices(e, places));
    } else {
      moved = to.write(e, from.readInAnyOrder(e, flat), source.length);
    }
    return e.reshape(moved, lead.plus(shape));
  }

  /**
   * The movement from several inputs that are laid out one after the other.
   *
   * @param movements the movement of each
   */
  static Movement from(List<Movement> movements) {
    int[] joined = new int[movements.get(0).source.length];
    Arrays.fill(joined, -1);
    int before = 0;
    for (Movement movement : movements) {
      for (int j = 0; j < joined.length; j++) {
        if (movement.source[j] >= 0) {
          joined[j] = before + movement.source[j];
        }
      }
      before += movement.size;
    }
    return new Movement(joined, before);
  }

  private Tensor byIndex(Emitter e, Tensor flat, int leading) {
    int copies = Arrays.stream(count()).max().orElse(0);
    return copies == 1 || (long) copies * size <= (long) COPIES * source.length
        ? gathered(e, flat, leading, copies)
        : bySegments(e, flat, leading);
  }

  /** For each entry of the input all places where it went, filled up with a place that is zero. */
  private Tensor gathered(Emitter e, Tensor flat, int leading, int copies) {
    int[] places = new int[size * copies];
    Arrays.fill(places, source.length);
    int[] next = new int[size];
    for (int j = 0; j < source.length; j++) {
      if (source[j] >= 0) {
        places[source[j] * copies + next[source[j]]++] = j;
      }
    }
    boolean full = Arrays.stream(places).allMatch(j -> j < source.length);
    Tensor filled = full ? flat : e.pad(flat, leading, 0, 1);
    Tensor indices = indices(e, places);
    Dims lead = flat.dims().range(0, leading);
    Tensor all = e.gather(filled, leading, indices);
    Tensor grouped = e.reshape(all, lead.plus(Dim.of(size), Dim.of(copies)));
    return e.sum(grouped, leading + 1, leading + 2);
  }

  private Tensor bySegments(Emitter e, Tensor flat, int leading) {
    int[] order = IntStream.rangeClosed(0, leading).map(k -> k == 0 ? leading : k - 1).toArray();
    int[] back = IntStream.rangeClosed(0, leading).map(k -> k == leading ? 0 : k + 1).toArray();
    Dims lead = flat.dims().range(0, leading);
    Tensor first =
        e.reshape(e.permute(flat, order), Dims.of(Dim.of(source.length), lead.product()));
    Tensor segments = indices(e, Arrays.stream(source).map(i -> i < 0 ? size : i).toArray());
    Tensor sums = e.sumByIndex(first, segments, size + 1);
    Tensor kept = e.slice(sums, 0, 0, size);
    return e.permute(e.reshape(kept, Dims.of(Dim.of(size)).plus(lead)), back);
  }

  private static Tensor indices(Emitter e, int[] places) {
    return e.constant(
        List.of("indices", IntBuffer.wrap(places)), () -> Nd4j.createFromArray(places));
  }

  /**
   * The movement of a parameter, as a view on what its op contributes.
   *
   * @param shape the parameter's shape
   * @return null if squares cannot be moved in the same way
   */
  @Nullable View view(Emitter e, Dims shape) {
    return once() ? new Moved(e, this, shape) : null;
  }

  private record Moved(Emitter emit, Movement movement, Dims shape) implements View {
    @Override
    public Tensor undo(Tensor value, int leading) {
      return movement.vjp(emit, value, leading, shape);
    }

    @Override
    public boolean apartFrom(View other) {
      if (!(other instanceof Moved moved)) {
        return false;
      }
      BitSet shown = movement.shown();
      return !shown.intersects(moved.movement.shown());
    }
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Movement that
        && size == that.size
        && Arrays.equals(source, that.source);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(source) + size;
  }
}
