package org.backpack4j.samediff.internal.autodiff;

import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Columns that travel backwards through the graph: at a variable of per-sample shape F a tensor [N,
 * V, F…], V cotangents for every sample. The gradient is a cotangent with V = 1, a square root of
 * the generalised Gauss-Newton matrix one with V columns. At a variable without a sample axis [1,
 * V, F…] stands for the sum over the samples.
 *
 * @param source where the columns started; cotangents of one source are added where branches meet
 * @param value [N, V, F…] or [1, V, F…]
 * @param signs the columns' signs [N, V] or [1, V]; null if all are +1
 */
public record Cotangent(String source, Tensor value, @Nullable Tensor signs) {
  /**
   * The same columns further on their way.
   *
   * @param further their value there
   * @return the cotangent
   */
  public Cotangent with(Tensor further) {
    return new Cotangent(source, further, signs);
  }
}
