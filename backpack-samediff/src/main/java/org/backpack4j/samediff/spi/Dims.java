package org.backpack4j.samediff.spi;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A shape as known when a graph is extended. At most one extent is a multiple of the number of
 * samples, but in a matrix of pairs of samples, of which nothing but other such matrices is made.
 *
 * @param list the extents
 */
public record Dims(List<Dim> list) {
  /** The shape of a scalar. */
  public static final Dims SCALAR = new Dims(List.of());

  /**
   * A shape.
   *
   * @param list the extents; copied
   */
  public Dims {
    list = List.copyOf(list);
    long growing = list.stream().filter(Dim::samples).count();
    if (growing > 2 || (growing == 2 && list.size() > 2)) {
      throw new IllegalArgumentException(
          "more axes than those of a matrix grow with the number of samples: " + list);
    }
  }

  /**
   * A shape.
   *
   * @param dims the extents
   * @return the shape
   */
  public static Dims of(Dim... dims) {
    return new Dims(Arrays.asList(dims));
  }

  /**
   * A shape of fixed extents.
   *
   * @param shape the extents
   * @return the shape
   */
  public static Dims of(long... shape) {
    return new Dims(Arrays.stream(shape).mapToObj(Dim::of).toList());
  }

  /**
   * A shape of ones.
   *
   * @param rank the number of axes
   * @return the shape
   */
  public static Dims ones(int rank) {
    return new Dims(java.util.Collections.nCopies(rank, Dim.ONE));
  }

  /**
   * The number of axes.
   *
   * @return the rank
   */
  public int rank() {
    return list.size();
  }

  /**
   * One extent.
   *
   * @param axis the axis, negative from the end
   * @return its extent
   */
  public Dim get(int axis) {
    return list.get(axis < 0 ? axis + rank() : axis);
  }

  /**
   * A range of axes.
   *
   * @param from the first axis
   * @param to the axis behind the last one
   * @return the shape of these axes
   */
  public Dims range(int from, int to) {
    return new Dims(list.subList(from, to));
  }

  /**
   * The axes from one on.
   *
   * @param from the first axis
   * @return the shape of these axes
   */
  public Dims from(int from) {
    return range(from, rank());
  }

  /**
   * This shape, then another.
   *
   * @param other the axes to append
   * @return the joined shape
   */
  public Dims plus(Dims other) {
    List<Dim> all = new ArrayList<>(list);
    all.addAll(other.list);
    return new Dims(all);
  }

  /**
   * This shape, then more axes.
   *
   * @param more the extents to append
   * @return the joined shape
   */
  public Dims plus(Dim... more) {
    return plus(Dims.of(more));
  }

  /**
   * This shape with one extent exchanged.
   *
   * @param axis the axis
   * @param dim its new extent
   * @return the new shape
   */
  public Dims with(int axis, Dim dim) {
    List<Dim> all = new ArrayList<>(list);
    all.set(axis, dim);
    return new Dims(all);
  }

  /**
   * This shape without one axis.
   *
   * @param axis the axis to drop
   * @return the new shape
   */
  public Dims without(int axis) {
    List<Dim> all = new ArrayList<>(list);
    all.remove(axis);
    return new Dims(all);
  }

  /**
   * The axes in another order.
   *
   * @param order for each new axis the old one
   * @return the new shape
   */
  public Dims permuted(int... order) {
    return new Dims(Arrays.stream(order).mapToObj(list::get).toList());
  }

  /**
   * The number of entries.
   *
   * @return the product of the extents
   */
  public Dim product() {
    Dim product = Dim.ONE;
    for (Dim dim : list) {
      product = product.times(dim);
    }
    return product;
  }

  /**
   * Whether this is the shape of a matrix of pairs of samples.
   *
   * @return true if both axes grow with their number
   */
  public boolean isOfPairs() {
    return rank() == 2 && list.get(0).samples() && list.get(1).samples();
  }

  /**
   * The axis that grows with the number of samples.
   *
   * @return the axis, or −1 if there is none, or not just one
   */
  public int sampleAxis() {
    if (isOfPairs()) {
      return -1;
    }
    for (int k = 0; k < rank(); k++) {
      if (list.get(k).samples()) {
        return k;
      }
    }
    return -1;
  }

  /**
   * The shape for ND4J, −1 standing for the extent that grows with the number of samples.
   *
   * @return the extents
   */
  public long[] toLongs() {
    return list.stream().mapToLong(d -> d.samples() ? -1 : d.size()).toArray();
  }

  @Override
  public String toString() {
    return list.stream().map(Dim::toString).collect(Collectors.joining(", ", "[", "]"));
  }
}
