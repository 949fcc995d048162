package org.backpack4j.examples.reference;

import java.util.Arrays;

/** Shapes of windows that slide over the axes behind [N, C]. */
final class Spatial {

  private Spatial() {}

  /** How many axes an op's name says: {@code conv2d} has two. */
  static Tensor checked(ModuleContext c, int dimensions) {
    Tensor x = c.input();
    if (x.rank() != dimensions + 2) {
      throw c.unsupported("an input " + x);
    }
    return x;
  }

  /** [N, C, L] as [N, C, 1, L]. */
  static Tensor withHeight(Tensor x) {
    return x.reshape(x.size(0), x.size(1), 1, x.size(2));
  }

  /** [N, C, 1, L] as [N, C, L]. */
  static Tensor withoutHeight(Tensor x) {
    return x.reshape(x.size(0), x.size(1), x.size(3));
  }

  /** With an entry for the height in front. */
  static long[] withHeight(long[] perAxis, long height) {
    long[] longer = new long[perAxis.length + 1];
    longer[0] = height;
    System.arraycopy(perAxis, 0, longer, 1, perAxis.length);
    return longer;
  }

  /** The length that a kernel spans. */
  static long span(long kernel, long dilation) {
    return dilation * (kernel - 1) + 1;
  }

  /** [N, C, lengths...]. */
  static long[] shape(Tensor x, long channels, long[] lengths) {
    long[] shape = new long[lengths.length + 2];
    shape[0] = x.size(0);
    shape[1] = channels;
    System.arraycopy(lengths, 0, shape, 2, lengths.length);
    return shape;
  }

  /** Amounts of padding for all axes of a tensor, of those behind [N, C]. */
  static long[][] amounts(long[][] spatial) {
    long[][] all = new long[spatial.length + 2][2];
    for (int i = 0; i < spatial.length; i++) {
      all[i + 2] = spatial[i].clone();
    }
    return all;
  }

  static long[][] symmetric(long[] padding) {
    return Arrays.stream(padding).mapToObj(p -> new long[] {p, p}).toArray(long[][]::new);
  }
}
