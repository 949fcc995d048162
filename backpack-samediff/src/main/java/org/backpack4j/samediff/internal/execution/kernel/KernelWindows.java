package org.backpack4j.samediff.internal.execution.kernel;

/**
 * What the windows along one axis see of it, worked out once.
 *
 * @param in the axis' extent
 * @param out the number of windows
 * @param step from one element of a window to the next
 * @param first for each window the first element that it sees
 * @param end for each window the element behind the last one that it sees
 */
record KernelWindows(int in, int out, int step, int[] first, int[] end) {

  /** The windows of an axis. */
  static KernelWindows of(Im2col.Axis axis) {
    int[] first = new int[axis.out()];
    int[] end = new int[axis.out()];
    for (int window = 0; window < axis.out(); window++) {
      first[window] = axis.seen(axis.firstTap(window), window);
      end[window] = axis.seen(axis.endTap(window) - 1, window) + 1;
    }
    return new KernelWindows(axis.in(), axis.out(), axis.dilation(), first, end);
  }
}
