package org.backpack4j.samediff.internal.contribution;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.backpack4j.samediff.internal.ir.Precision;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Factors;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/** Inner products of all columns of all samples, [N V, N V]. */
public final class Gram {
  private Gram() {}

  /**
   * The Gram matrix of a parameter's columns.
   *
   * @param emit where ops are inserted
   * @param contributions each source's columns
   * @return ⟨G[n, v], G[m, u]⟩ at (n V + v, m V + u), V counting the columns of all sources
   */
  public static Tensor of(Emitter emit, List<ParameterVjp> contributions) {
    if (contributions.size() == 1) {
      ParameterVjp vjp = contributions.get(0);
      Optional<Tensor> factored =
          vjp.factors().filter(f -> isCheaper(f)).map(f -> ofFactors(emit, f));
      if (factored.isPresent()) {
        return factored.get();
      }
    }
    List<Tensor> all = contributions.stream().map(ParameterVjp::perSample).toList();
    return square(emit, all.size() == 1 ? all.get(0) : emit.concat(1, all));
  }

  /** One position: a product of the cotangents' and the inputs' inner products. */
  private static boolean isCheaper(Factors factors) {
    return factors.positions() == 1
        && factors.inputs() != null
        && factors.inputs().get().dims().get(0).equals(factors.cotangents().dims().get(0));
  }

  private static Tensor ofFactors(Emitter emit, Factors factors) {
    Tensor s = factors.cotangents();
    Tensor x = Objects.requireNonNull(factors.inputs()).get();
    Dim v = s.dims().get(1);
    Dims own = Dims.of(x.dims().get(0), Dim.ONE, x.dims().get(1));
    Tensor inputs = emit.broadcast(emit.reshape(x, own), own.with(1, v));
    return emit.mul(square(emit, s), square(emit, inputs));
  }

  /** Sums of products, which may cancel: in double precision. */
  private static Tensor square(Emitter emit, Tensor columns) {
    Dim rows = columns.dims().range(0, 2).product();
    Dim entries = columns.dims().from(2).product();
    Tensor flat = emit.cast(emit.reshape(columns, Dims.of(rows, entries)), Precision.CANCELLING);
    return emit.cast(emit.matmul(flat, false, flat, true), columns.type());
  }
}
