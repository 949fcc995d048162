package org.backpack4j.dl4j.spi;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * What a layer or vertex hands to the next: a variable of the graph, its shape, and its mask.
 *
 * @param variable the variable
 * @param shape its shape with −1 where the samples are; all other extents are known
 * @param mask the mask that goes along with it, as DL4J passes it from layer to layer: [N, T] for
 *     time series, [N, 1] for rows, [N, 1, H, W] for images, where axes may be of length one; null
 *     if there is none
 * @param steps how many rows of the first axis belong to a sample: 1, but for time series that were
 *     brought into rows [T·N, …], the first step of all samples first
 */
public record LayerOutput(
    SDVariable variable, long[] shape, @Nullable LayerOutput mask, long steps) {
  /**
   * Any value.
   *
   * @param variable the variable
   * @param shape its shape, −1 where the samples are
   * @param mask the mask that goes along with it, or null
   * @param steps how many rows belong to a sample
   */
  public LayerOutput {
    shape = shape.clone();
  }

  /**
   * A value with a mask, a row for each sample.
   *
   * @param variable the variable
   * @param shape its shape, −1 where the samples are
   * @param mask the mask that goes along with it, or null
   */
  public LayerOutput(SDVariable variable, long[] shape, @Nullable LayerOutput mask) {
    this(variable, shape, mask, 1);
  }

  /**
   * A value without a mask.
   *
   * @param variable the variable
   * @param shape its shape, −1 where the samples are
   */
  public LayerOutput(SDVariable variable, long... shape) {
    this(variable, shape, null);
  }

  /**
   * The shape.
   *
   * @return a copy, −1 where the samples are
   */
  @Override
  public long[] shape() {
    return shape.clone();
  }

  /**
   * The number of axes.
   *
   * @return 2 for rows, 3 for time series, 4 for images
   */
  public int rank() {
    return shape.length;
  }

  /**
   * The extent of an axis.
   *
   * @param axis the axis
   * @return its extent; −1 for the samples
   */
  public long size(int axis) {
    return shape[axis];
  }

  /**
   * The number of entries of one sample.
   *
   * @return the product of all extents but the first
   */
  public long sampleLength() {
    return Arrays.stream(shape).skip(1).reduce(1, (a, b) -> a * b);
  }

  /**
   * The same value with another mask.
   *
   * @param other the mask, or null for none
   * @return the value
   */
  public LayerOutput withMask(@Nullable LayerOutput other) {
    return new LayerOutput(variable, shape, other, steps);
  }

  /**
   * The same value with another number of rows for each sample.
   *
   * @param other how many rows belong to a sample
   * @return the value
   */
  public LayerOutput withSteps(long other) {
    return new LayerOutput(variable, shape, mask, other);
  }

  /**
   * Another variable in this one's place, of the same shape and with the same mask.
   *
   * @param other the variable
   * @return the value
   */
  public LayerOutput with(SDVariable other) {
    return new LayerOutput(other, shape, mask, steps);
  }

  /**
   * Another variable in this one's place, with the same mask.
   *
   * @param other the variable
   * @param otherShape its shape, −1 where the samples are
   * @return the value
   */
  public LayerOutput with(SDVariable other, long... otherShape) {
    return new LayerOutput(other, otherShape, mask, steps);
  }

  /**
   * The variable as one that tells its shape, as the input of a SameDiff layer does. M2.1's own
   * variables don't, where an op computes them.
   *
   * @return a variable of the same name
   */
  public SDVariable shaped() {
    return new Shaped(variable, shape);
  }

  /** A variable that tells its shape. */
  private static final class Shaped extends SDVariable {
    private static final long serialVersionUID = 1L;

    private final long[] known;

    Shaped(SDVariable variable, long[] known) {
      super(
          variable.name(),
          variable.getVariableType(),
          variable.getSameDiff(),
          null,
          variable.dataType());
      this.known = known.clone();
    }

    @Override
    public long[] getShape() {
      return known.clone();
    }
  }

  @Override
  @SuppressWarnings("ReferenceEquality")
  public boolean equals(@Nullable Object other) {
    return other instanceof LayerOutput v
        && variable == v.variable
        && Objects.equals(mask, v.mask)
        && steps == v.steps
        && Arrays.equals(shape, v.shape);
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(variable);
  }

  /**
   * The shape, as messages tell it.
   *
   * @return {@code [N, 3, 28, 28]}, say
   */
  @Override
  public String toString() {
    return Arrays.toString(shape).replace("[-1", "[N");
  }
}
