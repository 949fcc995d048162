package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backpack4j.samediff.internal.contribution.KroneckerFactors;
import org.backpack4j.samediff.internal.contribution.KroneckerFactors.Positions;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Inner products of every sample's gradient with vectors, {@code <parameter>.grad_product} [N, U]:
 * gₙᵀ u of {@link BatchGrad}'s rows gₙ, and {@code grad_product} [N, U] over all parameters that
 * are asked for. The vectors are fed: for each parameter {@code w} there is a placeholder {@code
 * w.grad_product.vectors} [U, P…]. For a single one the placeholder is [P…] and the results are
 * [N].
 *
 * <p>Influence functions and projected gradients are made of it. Of a dense layer that acts at one
 * position, and of a table that is looked up in, there is no gradient of any sample in between; of
 * other parameters those of as many samples as the memory budget has room for.
 *
 * <p>{@link #ofCotangents} has the same of (Jₙᵀ zₙ)ᵀ u, {@code vjp_product}: J the Jacobian of the
 * predictions, and z what is fed at each of them, {@code <prediction>.vector} of its own shape.
 */
public final class GradProduct implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final int vectors;
  private final Columns columns;

  /** One vector: placeholders have the parameters' shapes, results one number for each sample. */
  public GradProduct() {
    this(0, Columns.GRADIENT);
  }

  /**
   * Several vectors at once.
   *
   * @param vectors the number U of vectors, at least one
   * @throws IllegalArgumentException if there is not at least one
   */
  public GradProduct(int vectors) {
    this(Columns.several(vectors), Columns.GRADIENT);
  }

  private GradProduct(int vectors, Columns columns) {
    this.vectors = vectors;
    this.columns = columns;
  }

  /**
   * Of what is fed at the predictions, in the place of the loss's derivative.
   *
   * @param vectors the number U of vectors, at least one
   * @return the extension
   * @throws IllegalArgumentException if there is not at least one
   */
  public static GradProduct ofCotangents(int vectors) {
    return new GradProduct(Columns.several(vectors), Columns.cotangents(0));
  }

  /**
   * How many vectors are fed for each parameter.
   *
   * @return U; 0 for a single one of the parameter's own shape
   */
  public int vectors() {
    return vectors;
  }

  @Override
  public String field() {
    return columns.equals(Columns.GRADIENT) ? "grad_product" : "vjp_product";
  }

  @Override
  public Columns columns() {
    return columns;
  }

  @Override
  public boolean additive() {
    return true;
  }

  @Override
  public boolean readsPlaceholders() {
    return true;
  }

  @Override
  public Combination combination(String result) {
    return Combination.rows(columns.equals(Columns.GRADIENT) ? 1 : 0);
  }

  @Override
  public List<Result> results(Emitter emit, String parameter, List<ParameterVjp> contributions) {
    String name = parameter + "." + field() + ".vectors";
    return contributions.stream()
        .map(vjp -> products(emit, name, vjp))
        .reduce(emit::add)
        .map(sum -> List.of(new Result("", sum, true)))
        .orElse(List.of());
  }

  private Tensor products(Emitter emit, String name, ParameterVjp vjp) {
    Optional<KroneckerFactors> cheap =
        KroneckerFactors.of(emit, Positions.EXPAND, vjp).filter(KroneckerFactors::isCheap);
    Tensor products;
    if (cheap.isPresent()) {
      KroneckerFactors factors = cheap.get();
      products = factors.products(fed(emit, name, factors.parameter(), factors.type()));
    } else {
      Tensor g = vjp.perSample();
      Dims part = g.dims().from(2);
      Tensor rows = emit.reshape(g, Dims.of(g.dims().get(0), part.product()));
      Tensor all = fed(emit, name, part, g.type());
      Dims flat = Dims.of(all.dims().get(0), part.product());
      products = emit.matmul(rows, false, emit.reshape(all, flat), true);
    }
    return vectors == 0 ? emit.reshape(products, Dims.of(products.dims().get(0))) : products;
  }

  /** The vectors [U, P…]. */
  private Tensor fed(Emitter emit, String name, Dims part, DataType type) {
    Dims all = Dims.of(Dim.of(Math.max(1, vectors))).plus(part);
    Tensor fed = emit.placeholder(name, vectors == 0 ? part : all, type);
    return emit.reshape(fed, all);
  }

  @Override
  public List<Result> together(Emitter emit, Map<String, List<ParameterVjp>> contributions) {
    return contributions.entrySet().stream()
        .flatMap(e -> results(emit, e.getKey(), e.getValue()).stream())
        .map(Result::value)
        .reduce(emit::add)
        .map(sum -> List.of(new Result("", sum, true)))
        .orElse(List.of());
  }
}
