package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The gradient of every sample, {@code grad_batch} [N, P…]: ∂ℓₙ/∂θ, where the loss is Σₙ ℓₙ. With a
 * mean loss it is 1/N times the gradient of the sample's own loss, so that Σₙ grad_batch[n] is the
 * gradient (BackPACK, Dangel, Kunstner and Hennig, ICLR 2020).
 */
public final class BatchGrad implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  /** The gradient of every sample. */
  public BatchGrad() {}

  @Override
  public String field() {
    return "grad_batch";
  }

  @Override
  public Combination combination(String result) {
    return Combination.rows(1);
  }

  @Override
  public Columns columns() {
    return Columns.GRADIENT;
  }

  @Override
  public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
    return contributions.stream()
        .map(ParameterVjp::perSample)
        .map(g -> emit.reshape(g, Dims.of(g.dims().get(0)).plus(g.dims().from(2))))
        .reduce(emit::add)
        .orElseThrow();
  }
}
