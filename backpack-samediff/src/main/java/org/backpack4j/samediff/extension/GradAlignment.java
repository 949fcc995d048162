package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.contribution.Contributions;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The inner product of every sample's gradient with the gradient of the batch, {@code
 * <parameter>.grad_alignment} [N]: gₙᵀ Σₘ gₘ of {@link BatchGrad}'s rows gₙ, and {@code
 * grad_alignment} [N] over all parameters that are asked for. A sample with a negative one is made
 * worse by a small step along the batch's gradient.
 *
 * <p>The inner-product test and the orthogonality test of adaptive sampling are made of it and of
 * {@link BatchL2Grad} (Bollapragada, Byrd and Nocedal, 2018, "Adaptive sampling strategies for
 * stochastic optimization"). Only one parameter's rows are there at a time.
 */
public final class GradAlignment implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  /** The inner products of samples' gradients with the batch's. */
  public GradAlignment() {}

  @Override
  public String field() {
    return "grad_alignment";
  }

  @Override
  public Columns columns() {
    return Columns.GRADIENT;
  }

  @Override
  public Combination combination(String result) {
    return Combination.none("the gradient of a whole data set is known only behind its last batch");
  }

  @Override
  public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
    ParameterVjp sum = Contributions.sum(contributions);
    Tensor g = sum.perSample();
    Dim entries = g.dims().from(1).product();
    Tensor rows = emit.reshape(g, Dims.of(g.dims().get(0), entries));
    Tensor whole = emit.reshape(sum.sum(), Dims.of(entries, Dim.ONE));
    Tensor products = emit.matmul(rows, false, whole, false);
    return emit.reshape(products, Dims.of(g.dims().get(0)));
  }

  @Override
  public List<Result> together(Emitter emit, Map<String, List<ParameterVjp>> contributions) {
    return contributions.entrySet().stream()
        .map(e -> emit.in(e.getKey(), () -> compute(emit, e.getValue())))
        .reduce(emit::add)
        .map(sum -> List.of(new Result("", sum, true)))
        .orElse(List.of());
  }
}
