package org.backpack4j.samediff.internal.contribution;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.View;

/**
 * Undoes a permutation, and the reshapes around it: the trailing axes are brought into a shape,
 * permuted, and brought into another.
 *
 * @param emit where ops are inserted
 * @param shape the trailing axes before the permutation
 * @param order the permutation, for each new axis the old one
 * @param result the trailing axes behind it
 */
public record PermutedView(Emitter emit, Dims shape, List<Integer> order, Dims result)
    implements View {
  /**
   * Undoes a reshape.
   *
   * @param emit where ops are inserted
   * @param dims the parameter's shape
   * @return the view
   */
  public static View reshaped(Emitter emit, Dims dims) {
    return new PermutedView(emit, dims, IntStream.range(0, dims.rank()).boxed().toList(), dims);
  }

  /**
   * Undoes a permutation.
   *
   * @param emit where ops are inserted
   * @param dims the permuted parameter's shape, as the op reads it
   * @param order the axes that the op reads: for each of them the parameter's
   * @return the view
   */
  public static View permuted(Emitter emit, Dims dims, int[] order) {
    Integer[] inverse = new Integer[order.length];
    for (int k = 0; k < order.length; k++) {
      inverse[order[k]] = k;
    }
    int[] axes = Arrays.stream(inverse).mapToInt(k -> k).toArray();
    return new PermutedView(emit, dims, List.of(inverse), dims.permuted(axes));
  }

  @Override
  public Tensor undo(Tensor value, int leading) {
    Dims lead = value.dims().range(0, leading);
    int[] axes =
        IntStream.concat(IntStream.range(0, leading), order.stream().mapToInt(k -> leading + k))
            .toArray();
    Tensor shaped = emit.reshape(value, lead.plus(shape));
    return emit.reshape(emit.permute(shaped, axes), lead.plus(result));
  }
}
