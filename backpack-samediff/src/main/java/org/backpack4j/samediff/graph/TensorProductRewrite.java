package org.backpack4j.samediff.graph;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code tensordot}: the sum over pairs of axes, as one matrix product. The summed axes of the
 * first factor are brought to its end, those of the second to its front, and both become matrices.
 */
final class TensorProductRewrite {
  private TensorProductRewrite() {}

  static List<SDVariable> of(RewriteSite site) {
    long[] arguments = site.node().iArgs();
    int count = (int) arguments[0];
    int[] first = axes(arguments, 1, count, site.dims(0).rank());
    int[] second = axes(arguments, count + 2, (int) arguments[count + 1], site.dims(1).rank());
    int[] firstFree = others(first, site.dims(0).rank());
    int[] secondFree = others(second, site.dims(1).rank());
    Dims rows = site.dims(0).permuted(firstFree);
    Dims columns = site.dims(1).permuted(secondFree);
    Dim summed = site.dims(0).permuted(first).product();
    SDVariable left = matrix(site, 0, firstFree, first, Dims.of(rows.product(), summed));
    SDVariable right = matrix(site, 1, second, secondFree, Dims.of(summed, columns.product()));
    SDVariable product = site.matmul("product", left, false, right, false);
    return List.of(
        site.reshape(
            "result", product, Dims.of(rows.product(), columns.product()), site.outputDims(0)));
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

  private static SDVariable matrix(RewriteSite site, int k, int[] front, int[] back, Dims shape) {
    int[] order = IntStream.concat(Arrays.stream(front), Arrays.stream(back)).toArray();
    SDVariable permuted = site.permute("permuted", site.input(k), order);
    return site.reshape("matrix", permuted, site.dims(k).permuted(order), shape);
  }
}
