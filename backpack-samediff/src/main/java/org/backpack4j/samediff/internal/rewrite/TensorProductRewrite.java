package org.backpack4j.samediff.internal.rewrite;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code tensordot}: the sum over pairs of axes, as one matrix product. The summed axes of the
 * first factor are brought to its end, those of the second to its front, and both become matrices.
 */
final class TensorProductRewrite {
  private TensorProductRewrite() {}

  static List<SDVariable> of(RewriteSite context) {
    long[] arguments = context.node().iArgs();
    int count = (int) arguments[0];
    int[] first = axes(arguments, 1, count, context.dims(0).rank());
    int[] second = axes(arguments, count + 2, (int) arguments[count + 1], context.dims(1).rank());
    int[] firstFree = others(first, context.dims(0).rank());
    int[] secondFree = others(second, context.dims(1).rank());
    Dims rows = context.dims(0).permuted(firstFree);
    Dims columns = context.dims(1).permuted(secondFree);
    Dim summed = context.dims(0).permuted(first).product();
    SDVariable left = matrix(context, 0, firstFree, first, Dims.of(rows.product(), summed));
    SDVariable right = matrix(context, 1, second, secondFree, Dims.of(summed, columns.product()));
    SDVariable product = context.matmul("product", left, false, right, false);
    return List.of(
        context.reshape(
            "result", product, Dims.of(rows.product(), columns.product()), context.outputDims(0)));
  }

  private static int[] axes(long[] arguments, int from, int count, int rank) {
    return Arrays.stream(arguments, from, from + count)
        .mapToInt(k -> (int) (k < 0 ? k + rank : k))
        .toArray();
  }

  private static int[] others(int[] axes, int rank) {
    return IntStream.range(0, rank)
        .filter(k -> Arrays.stream(axes).noneMatch(axis -> axis == k))
        .toArray();
  }

  private static SDVariable matrix(
      RewriteSite context, int k, int[] front, int[] back, Dims shape) {
    int[] order = IntStream.concat(Arrays.stream(front), Arrays.stream(back)).toArray();
    SDVariable permuted = context.permute("permuted", context.input(k), order);
    return context.reshape("matrix", permuted, context.dims(k).permuted(order), shape);
  }
}
