package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;

/**
 * Windows over two or three spatial axes.
 *
 * @param axes how they slide along each axis
 */
record Windows(List<Window> axes) {
  Windows {
    axes = List.copyOf(axes);
  }

  /** How many spatial axes. */
  int count() {
    return axes.size();
  }

  /** The windows along one axis. */
  Window get(int axis) {
    return axes.get(axis);
  }

  /** The input's extents. */
  Dims in() {
    return dims(Window::in);
  }

  /** The output's extents. */
  Dims out() {
    return dims(Window::out);
  }

  /** The kernel's extents. */
  Dims kernel() {
    return dims(Window::kernel);
  }

  private Dims dims(ToLongFunction<Window> extent) {
    return new Dims(axes.stream().map(w -> Dim.of(extent.applyAsLong(w))).toList());
  }

  /** How many taps a window has. */
  long taps() {
    return kernel().product().size();
  }

  /** How many outputs a window slides to. */
  long positions() {
    return out().product().size();
  }

  /** Whether something holds for every axis. */
  boolean all(Predicate<Window> predicate) {
    return axes.stream().allMatch(predicate);
  }

  /** Whether something holds for some axis. */
  boolean any(Predicate<Window> predicate) {
    return axes.stream().anyMatch(predicate);
  }

  /** Whether taps stand apart. */
  boolean dilated() {
    return any(w -> w.dilation() > 1 && w.kernel() > 1);
  }

  /** Without the taps at the ends that only see padding. */
  Windows cropped() {
    return new Windows(axes.stream().map(Window::cropped).toList());
  }

  /** The windows along some of the axes. */
  Windows range(int from, int to) {
    return new Windows(axes.subList(from, to));
  }

  /** Integer arguments of ND4J: an attribute for each axis. */
  long[] each(ToLongFunction<Window> attribute) {
    return axes.stream().mapToLong(attribute).toArray();
  }
}
