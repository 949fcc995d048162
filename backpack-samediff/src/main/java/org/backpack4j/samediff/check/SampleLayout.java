package org.backpack4j.samediff.check;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Tells which entries of a network's output belong to which sample. The axis that holds the samples
 * has extent outer · N · inner: the outer factor counts blocks of all samples, the inner one
 * entries of one sample that stand beside each other. Time-distributed layers fold time into the
 * sample axis in this way.
 */
final class SampleLayout {
  private static final double SAME = 1e-9;

  private final String name;
  private final long[] shape;
  private final int samples;
  private final double[] values;
  private final double[] rotated;
  private final double tolerance;

  /**
   * A question.
   *
   * @param name what the output is called in messages
   * @param shape its shape
   * @param samples the number of samples N
   * @param values the output
   * @param rotated the output for a batch that has sample n + 1 in the place of sample n
   */
  SampleLayout(String name, long[] shape, int samples, double[] values, double[] rotated) {
    this.name = name;
    this.shape = shape;
    this.samples = samples;
    this.values = values;
    this.rotated = rotated;
    this.tolerance = SAME * Estimate.maxAbs(values);
  }

  /**
   * For each entry, in 'c' order, the number of its sample.
   *
   * @throws IllegalArgumentException if no layout, or more than one, explains how the output moves
   *     when the samples are rotated
   */
  int[] owners() {
    if (samples == 1) {
      return new int[values.length];
    }
    List<int[]> fitting = new ArrayList<>();
    for (int axis = 0; axis < shape.length; axis++) {
      for (int inner : divisors(shape[axis])) {
        int[] owners = owners(axis, inner);
        if (!explains(axis, inner, owners)) {
          continue;
        }
        if (axis == 0 && shape[axis] == samples) {
          return owners;
        }
        if (fitting.stream().noneMatch(other -> Arrays.equals(other, owners))) {
          fitting.add(owners);
        }
      }
    }
    if (fitting.size() != 1) {
      throw unknown(fitting.isEmpty());
    }
    return fitting.get(0);
  }

  /**
   * What the inner factor of an axis can be; none if it does not hold all samples equally often.
   */
  private int[] divisors(long extent) {
    int perSample = Math.toIntExact(extent / samples);
    return extent % samples != 0
        ? new int[0]
        : IntStream.rangeClosed(1, perSample).filter(d -> perSample % d == 0).toArray();
  }

  /** How many entries of a sample stand beside each other. */
  private int block(int axis, int inner) {
    int block = inner;
    for (int k = axis + 1; k < shape.length; k++) {
      block *= Math.toIntExact(shape[k]);
    }
    return block;
  }

  private int[] owners(int axis, int inner) {
    int block = block(axis, inner);
    return IntStream.range(0, values.length).map(k -> k / block % samples).toArray();
  }

  private boolean explains(int axis, int inner, int[] owners) {
    int block = block(axis, inner);
    for (int k = 0; k < owners.length; k++) {
      int next = (owners[k] + 1) % samples;
      int source = k + (next - owners[k]) * block;
      if (!(Math.abs(rotated[k] - values[source]) <= tolerance)) {
        return false;
      }
    }
    return true;
  }

  private IllegalArgumentException unknown(boolean none) {
    return new IllegalArgumentException(
        "Which entries of the predictions \""
            + name
            + "\" of shape "
            + Arrays.toString(shape)
            + " belong to which of the "
            + samples
            + " samples cannot be told: "
            + (none
                ? "they do not follow when the samples of the batch are reordered. Say how many"
                    + " samples there are with .batchSize(…), or name other predictions with"
                    + " .predictions(…)."
                : "several layouts are possible. Choose parameters and samples for which all"
                    + " outputs differ."));
  }
}
