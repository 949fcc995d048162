package org.backpack4j.samediff.internal.rule;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.View;

/**
 * From products over positions back to the layout of the weights. Taps that only see padding, which
 * the products leave out, get zeros.
 *
 * @param e where ops are inserted
 * @param order how the product's axes stand
 * @param layout the weights' layout
 * @param weights the weights' shape, with an axis for every spatial axis of the windows
 * @param live for each spatial axis the taps that read something
 * @param own the weights' own shape
 */
record KernelView(
    Emitter e, Order order, KernelLayout layout, Dims weights, List<Live> live, Dims own)
    implements View {

  /** The order of C, O and taps in a product. */
  enum Order {
    /** [taps · C, O] */
    PATCHES_FIRST,
    /** [O, C · taps] */
    PATCHES_LAST,
    /** [C, O, taps] */
    BY_CHANNEL
  }

  /** The taps from one on to before another. */
  record Live(long from, long to) {}

  static KernelView of(
      Emitter e, Order order, KernelLayout layout, Dims weights, Windows windows, Dims own) {
    List<Live> live =
        windows.axes().stream().map(w -> new Live(w.firstLive(), w.endLive())).toList();
    return new KernelView(e, order, layout, weights, live, own);
  }

  private int axes() {
    return live.size();
  }

  private int wideAt() {
    return order == Order.PATCHES_FIRST ? axes() : order == Order.PATCHES_LAST ? 1 : 0;
  }

  private int narrowAt() {
    return order == Order.PATCHES_FIRST ? axes() + 1 : order == Order.PATCHES_LAST ? 0 : 1;
  }

  private int tapsAt() {
    return order == Order.PATCHES_FIRST ? 0 : 2;
  }

  @Override
  public Tensor undo(Tensor value, int leading) {
    int n = axes();
    Dims lead = value.dims().range(0, leading);
    Tensor result = e.permute(e.reshape(value, lead.plus(apart())), toLayout(leading));
    for (int k = 0; k < n; k++) {
      int axis = layout.taps() + k;
      Live taps = live.get(k);
      result = e.pad(result, leading + axis, taps.from, weights.get(axis).size() - taps.to);
    }
    return e.reshape(result, lead.plus(own));
  }

  /** The product's axes, taken apart. */
  private Dims apart() {
    Dim[] dims = new Dim[axes() + 2];
    dims[wideAt()] = weights.get(layout.wide(axes()));
    dims[narrowAt()] = weights.get(layout.narrow(axes()));
    for (int k = 0; k < axes(); k++) {
      dims[tapsAt() + k] = Dim.of(live.get(k).to - live.get(k).from);
    }
    return Dims.of(dims);
  }

  private int[] toLayout(int leading) {
    int n = axes();
    List<Integer> axes = new ArrayList<>(IntStream.range(0, leading + n + 2).boxed().toList());
    axes.set(leading + layout.wide(n), leading + wideAt());
    axes.set(leading + layout.narrow(n), leading + narrowAt());
    for (int k = 0; k < n; k++) {
      axes.set(leading + layout.taps() + k, leading + tapsAt() + k);
    }
    return axes.stream().mapToInt(a -> a).toArray();
  }

  /**
   * The other way round: a kernel [V, taps…, C, O] of live taps as the product.
   *
   * @return [V, …] in this view's {@link #order}, not {@link Order#BY_CHANNEL}
   */
  Tensor product(Tensor kernel) {
    int n = axes();
    int[] order = new int[n + 3];
    order[1 + wideAt()] = n + 1;
    order[1 + narrowAt()] = n + 2;
    for (int k = 0; k < n; k++) {
      order[1 + tapsAt() + k] = 1 + k;
    }
    Tensor apart = e.permute(kernel, order);
    Dims d = apart.dims();
    Dims joined =
        order() == Order.PATCHES_FIRST
            ? Dims.of(d.get(0), d.range(1, n + 2).product(), d.get(n + 2))
            : Dims.of(d.get(0), d.get(1), d.from(2).product());
    return e.reshape(apart, joined);
  }
}
