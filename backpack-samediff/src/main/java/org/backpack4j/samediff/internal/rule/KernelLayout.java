package org.backpack4j.samediff.internal.rule;

import java.util.stream.IntStream;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * How the weights of a convolution over n axes are laid out: taps, C channels on the wide side (the
 * input of a convolution, the output of a transposed one), O on the narrow side; for a depthwise
 * convolution O is the multiplier. In the order of ND4J's numbers.
 */
enum KernelLayout {
  /** [taps…, C, O] */
  TAPS_FIRST,
  /** [O, C, taps…] */
  CHANNELS_FIRST,
  /** [O, taps…, C] */
  TAPS_BETWEEN;

  /** The axis of the first tap. */
  int taps() {
    return this == TAPS_FIRST ? 0 : this == CHANNELS_FIRST ? 2 : 1;
  }

  /** The axis of C. */
  int wide(int axes) {
    return this == TAPS_FIRST ? axes : this == CHANNELS_FIRST ? 1 : axes + 1;
  }

  /** The axis of O. */
  int narrow(int axes) {
    return this == TAPS_FIRST ? axes + 1 : 0;
  }

  /** The kernel as [taps…, C, O], only the taps that ever read something. */
  Tensor kernel(Emitter e, Tensor weights, Dims dims, Windows windows) {
    return kernels(e, weights, Dims.SCALAR, dims, windows);
  }

  /** Kernels behind leading axes: [lead…, weights…] as [lead…, taps…, C, O]. */
  Tensor kernels(Emitter e, Tensor weights, Dims lead, Dims dims, Windows windows) {
    int n = windows.count();
    int first = lead.rank();
    Tensor w = e.reshape(weights, lead.plus(dims));
    for (int k = 0; k < n; k++) {
      Window live = windows.get(k);
      w = e.slice(w, first + taps() + k, live.firstLive(), live.endLive());
    }
    IntStream behind =
        IntStream.concat(IntStream.range(taps(), taps() + n), IntStream.of(wide(n), narrow(n)))
            .map(k -> first + k);
    return e.permute(w, IntStream.concat(IntStream.range(0, first), behind).toArray());
  }
}
