package org.backpack4j.samediff.curvature;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A weight as a matrix [O, I]: the axes of its outputs, and all others, in its own order. */
final class WeightAxes {
  private final long[] shape;
  private final int[] outputAxes;
  private final int[] inputAxes;

  WeightAxes(String parameter, long[] shape, int[] outputAxes) {
    this.shape = shape;
    this.outputAxes = Arrays.stream(outputAxes).sorted().distinct().toArray();
    if (this.outputAxes.length != outputAxes.length
        || Arrays.stream(outputAxes).anyMatch(k -> k < 0 || k >= shape.length)) {
      throw new IllegalArgumentException(
          "\""
              + parameter
              + "\" has the shape "
              + Arrays.toString(shape)
              + " and cannot have the output axes "
              + Arrays.toString(outputAxes)
              + ".");
    }
    this.inputAxes =
        IntStream.range(0, shape.length)
            .filter(k -> Arrays.binarySearch(this.outputAxes, k) < 0)
            .toArray();
  }

  int[] outputAxes() {
    return outputAxes.clone();
  }

  long outputs() {
    return extents(outputAxes).reduce(1, Math::multiplyExact);
  }

  long inputs() {
    return extents(inputAxes).reduce(1, Math::multiplyExact);
  }

  long size() {
    return outputs() * inputs();
  }

  private LongStream extents(int[] axes) {
    return Arrays.stream(axes).mapToLong(k -> shape[k]);
  }

  /** Vectors [V, P] as matrices [O, V, I]. */
  INDArray apart(INDArray vectors) {
    long v = vectors.size(0);
    if (vectors.length() == 0) {
      return Matrices.zeros(outputs(), v, inputs());
    }
    int[] order = order();
    return vectors
        .reshape('c', ParameterLayout.with(v, shape))
        .permute(order)
        .dup('c')
        .reshape('c', outputs(), v, inputs());
  }

  /** Matrices [O, V, I] as vectors [V, P]. */
  INDArray together(INDArray matrices) {
    long v = matrices.size(1);
    if (matrices.length() == 0) {
      return Matrices.zeros(v, size());
    }
    long[] apart =
        LongStream.concat(
                LongStream.concat(extents(outputAxes), LongStream.of(v)), extents(inputAxes))
            .toArray();
    int[] order = order();
    int[] back = new int[order.length];
    for (int k = 0; k < order.length; k++) {
      back[order[k]] = k;
    }
    return matrices.reshape('c', apart).permute(back).dup('c').reshape('c', v, size());
  }

  /** The axes of [V, P…] in the order: outputs, V, inputs. */
  private int[] order() {
    return IntStream.concat(
            IntStream.concat(Arrays.stream(outputAxes).map(k -> k + 1), IntStream.of(0)),
            Arrays.stream(inputAxes).map(k -> k + 1))
        .toArray();
  }

  static int[] of(List<Integer> axes) {
    return axes.stream().mapToInt(k -> k).toArray();
  }
}
