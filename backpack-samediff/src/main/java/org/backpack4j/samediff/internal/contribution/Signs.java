package org.backpack4j.samediff.internal.contribution;

import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/** The signs of columns, spread over the axes behind [N, V]. */
public final class Signs {
  private Signs() {}

  /**
   * Weighs the columns of a value by their signs.
   *
   * @param emit where ops are inserted
   * @param value [N, V, …]
   * @param signs [N, V] or [1, V]; null if all are +1
   * @return s[n, v] · value[n, v]
   */
  public static Tensor weigh(Emitter emit, Tensor value, @Nullable Tensor signs) {
    if (signs == null) {
      return value;
    }
    Dims dims = signs.dims();
    for (int k = 2; k < value.rank(); k++) {
      dims = dims.plus(Dim.ONE);
    }
    return emit.mul(value, emit.reshape(signs, dims));
  }
}
