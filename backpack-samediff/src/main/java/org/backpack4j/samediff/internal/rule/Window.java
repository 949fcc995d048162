package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.internal.interpret.SlidingWindows;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;

/**
 * How a window slides along one axis: tap k of output o reads input o · stride + k · dilation −
 * before.
 *
 * @param in the input's extent
 * @param kernel how many taps
 * @param stride the step from one output to the next
 * @param dilation the step from one tap to the next
 * @param before how much padding stands before the input; negative if the window starts inside
 * @param out how many outputs
 */
record Window(long in, long kernel, long stride, long dilation, long before, long out) {
  /** An axis of extent one that nothing happens to. */
  static final Window NONE = new Window(1, 1, 1, 1, 0, 1);

  /** The window of a convolution or a pooling, as ND4J's padding mode and padding define it. */
  static Window of(SlidingWindows.Axis axis, long out) {
    return of(axis, axis.in(), out);
  }

  /**
   * The window of a transposed convolution: it slides over the op's output, from one entry of its
   * input to the next.
   */
  static Window ofTransposed(SlidingWindows.Axis axis, long out) {
    return of(axis, out, axis.in());
  }

  private static Window of(SlidingWindows.Axis axis, long wide, long narrow) {
    long before =
        switch (axis.mode()) {
          case VALID -> axis.padding();
          case SAME -> same(axis.stride(), axis.span(), wide, narrow);
          case CAUSAL -> axis.span() - 1;
        };
    return new Window(wide, axis.kernel(), axis.stride(), axis.dilation(), before, narrow);
  }

  /**
   * What mode SAME pads before; where the windows do not reach as far as the input, ND4J lets them
   * start inside.
   */
  private static long same(long stride, long span, long in, long out) {
    return ((out - 1) * stride + span - in) / 2;
  }

  /** The extent that one window covers. */
  long span() {
    return (kernel - 1) * dilation + 1;
  }

  /** The extent that all windows cover. */
  long covered() {
    return (out - 1) * stride + span();
  }

  /** Whether every output is the input's entry of the same index. */
  boolean trivial() {
    return kernel == 1 && stride == 1 && before == 0 && out == in;
  }

  /** The first output whose tap {@code tap} reads the input, and not padding before it. */
  long firstOutput(long tap) {
    long reach = before - tap * dilation;
    return reach <= 0 ? 0 : (reach + stride - 1) / stride;
  }

  /** The output behind the last one whose tap {@code tap} reads the input. */
  long endOutput(long tap) {
    long room = in - 1 + before - tap * dilation;
    return room < 0 ? 0 : Math.min(out, room / stride + 1);
  }

  /** Whether a tap reads the input for some output, and not padding alone. */
  private boolean live(long tap) {
    return firstOutput(tap) < endOutput(tap);
  }

  /** Whether some output's taps all read padding. */
  boolean blind() {
    for (long o = 0; o < out; o++) {
      boolean sees = false;
      for (long tap = 0; tap < kernel && !sees; tap++) {
        sees = firstOutput(tap) <= o && o < endOutput(tap);
      }
      if (!sees) {
        return true;
      }
    }
    return false;
  }

  /** The first tap that ever reads the input. */
  long firstLive() {
    long tap = 0;
    while (tap < kernel - 1 && !live(tap)) {
      tap++;
    }
    return tap;
  }

  /** The tap behind the last one that ever reads the input. */
  long endLive() {
    long end = kernel;
    while (end > firstLive() + 1 && !live(end - 1)) {
      end--;
    }
    return end;
  }

  /** The same window without the taps at its ends that only see padding. */
  Window cropped() {
    long first = firstLive();
    return new Window(in, endLive() - first, stride, dilation, before - first * dilation, out);
  }

  /**
   * Whether the padding can be given to an op that pads equally on both sides and counts outputs by
   * division.
   */
  boolean symmetric() {
    return before >= 0
        && (in + 2 * before - span()) / stride + 1 == out
        && in + 2 * before >= span();
  }

  /** Whether the windows cover the input and {@link #before} on both sides, and nothing more. */
  boolean exact() {
    return before >= 0 && covered() - 2 * before == in;
  }

  /** Whether a convolution of mode SAME slides like this. */
  boolean same() {
    return out == (in + stride - 1) / stride
        && before >= 0
        && before == same(stride, span(), in, out);
  }

  /** Whether a transposed convolution of mode SAME slides like this. */
  boolean sameTransposed() {
    return in == out * stride && before >= 0 && before == same(stride, span(), in, out);
  }

  /** The padding mode under which an op takes the padding as its own. */
  static PaddingMode mode(boolean same) {
    return same ? PaddingMode.SAME : PaddingMode.VALID;
  }
}
