package org.backpack4j.samediff.check;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Which entries of an array belong to which sample. The axis that holds the samples has extent
 * outer · N · inner: the outer factor counts blocks of all samples, the inner one entries of one
 * sample that stand beside each other. Time-distributed layers fold time into the sample axis in
 * this way.
 *
 * @param owners for each entry, in 'c' order, the number of its sample
 */
record SampleLayout(int[] owners) {
  private static final double SAME = 1e-9;

  /**
   * Tells the layout of a network's output from how it moves when the samples are rotated by one.
   *
   * @param name what the array is called in messages
   * @param shape the array's shape
   * @param samples the number of samples N
   * @param values the array
   * @param rotated the array for a batch that has sample n + 1 in the place of sample n
   * @throws IllegalArgumentException if no layout, or more than one, explains the change
   */
  static SampleLayout find(
      String name, long[] shape, int samples, double[] values, double[] rotated) {
    List<SampleLayout> fitting = new ArrayList<>();
    for (int axis = 0; axis < shape.length; axis++) {
      long extent = shape[axis];
      if (extent % samples != 0) {
        continue;
      }
      for (int inner : divisors(Math.toIntExact(extent / samples))) {
        @Nullable SampleLayout layout = fit(shape, axis, inner, samples, values, rotated);
        if (layout != null && axis == 0 && extent == samples) {
          return layout;
        }
        if (layout != null && fitting.stream().noneMatch(layout::sameAs)) {
          fitting.add(layout);
        }
      }
    }
    if (fitting.size() == 1) {
      return fitting.get(0);
    }
    throw new IllegalArgumentException(
        "Which entries of the predictions \""
            + name
            + "\" of shape "
            + Arrays.toString(shape)
            + " belong to which of the "
            + samples
            + " samples cannot be told: "
            + (fitting.isEmpty()
                ? "they do not follow when the samples of the batch are reordered. Say how many"
                    + " samples there are with .batchSize(…)."
                : "several layouts are possible. Choose parameters and samples for which all"
                    + " outputs differ."));
  }

  private static int[] divisors(int number) {
    return IntStream.rangeClosed(1, number).filter(d -> number % d == 0).toArray();
  }

  private static @Nullable SampleLayout fit(
      long[] shape, int axis, int inner, int samples, double[] values, double[] rotated) {
    int block = inner;
    for (int k = axis + 1; k < shape.length; k++) {
      block *= Math.toIntExact(shape[k]);
    }
    IntUnaryOperator next = n -> (n + 1) % samples;
    double tolerance = SAME * Estimate.maxAbs(values);
    int[] owners = new int[values.length];
    for (int k = 0; k < owners.length; k++) {
      int sample = k / block % samples;
      int moved = k + (next.applyAsInt(sample) - sample) * block;
      if (!(Math.abs(rotated[k] - values[moved]) <= tolerance)) {
        return null;
      }
      owners[k] = sample;
    }
    return new SampleLayout(owners);
  }

  private boolean sameAs(SampleLayout other) {
    return Arrays.equals(owners, other.owners);
  }
}
