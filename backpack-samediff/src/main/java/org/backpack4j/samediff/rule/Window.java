package org.backpack4j.samediff.rule;

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

  /** A window as ND4J's padding mode and padding define it. */
  static Window of(
      long in, long kernel, long stride, long padding, long dilation, PaddingMode mode, long out) {
    long span = (kernel - 1) * dilation + 1;
    long before =
        switch (mode) {
          case VALID -> padding;
          case SAME -> Math.max((out - 1) * stride + span - in, 0) / 2;
          case CAUSAL -> span - 1;
        };
    return new Window(in, kernel, stride, dilation, before, out);
  }

  /** The extent that one window covers. */
  long span() {
    return (kernel - 1) * dilation + 1;
  }

  /** The extent that all windows cover. */
  long covered() {
    return (out - 1) * stride + span();
  }

  /** Whether a tap reads the input for some output, and not padding alone. */
  private boolean live(long tap) {
    for (long o = 0; o < out; o++) {
      long at = o * stride + tap * dilation - before;
      if (at >= 0 && at < in) {
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
}
