package org.backpack4j.samediff.extension;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.function.UnaryOperator;
import org.backpack4j.samediff.internal.contribution.Contributions;
import org.backpack4j.samediff.internal.ir.Precision;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The sum of the samples' clipped gradients, {@code clipped_grad} [P…]: Σₙ wₙ gₙ, without a
 * sample's gradient being kept where that is cheaper. It is what differentially private training
 * adds noise to (Abadi et al., 2016, "Deep learning with differential privacy").
 *
 * <p>gₙ is the gradient of the sample's <em>own</em> loss: {@link BatchGrad}'s row without the
 * factor of the loss in front of its sum over samples, which is 1/N for a mean. What the losses
 * divide by is found out from the graph, and taken out; with it, a sample's row would depend on how
 * many others there are. What a sample's own entries are divided by stays: the mean over three
 * features is a sample's own loss. Graphs in which samples influence each other are refused, and so
 * are losses that are no sums or means over samples. Penalties are no part of any sample; {@code
 * grad_penalty} has their gradient.
 *
 * <p>Norms ‖gₙ‖ are taken over all parameters that are asked for, or over each group of them. The
 * weights are
 *
 * <ul>
 *   <li>min(1, R/(‖gₙ‖ + 1e-6)), {@link #flat}: no sample moves the sum by more than R, which is
 *       fed if the extension is made by its constructor;
 *   <li>the same for each group of parameters by itself, {@link #grouped}: no sample moves a
 *       group's part by more than its R;
 *   <li>1/(‖gₙ‖ + γ), {@link #automatic} (Bu, Wang, Zha and Karypis, 2023, "Automatic clipping"):
 *       no sample moves the sum by more than 1.
 * </ul>
 *
 * <p>Results of all parameters together: {@code clipped_grad.norms} [N, K], the norms ‖gₙ‖ in each
 * of the K groups, in the order in which the groups' first parameters come, and {@code
 * clipped_grad.clipped} [K], how many samples have a norm above R (none with automatic clipping).
 * They are of single samples, or exact counts: training with them is not private.
 *
 * <p>Norms are made as those of {@link BatchL2Grad}; the sum from the same factors with the
 * samples' weights in them, (w ∘ δ)ᵀ a for a dense layer's cotangents δ and inputs a (Bu, Wang, Zha
 * and Karypis, 2023, "Differentially private optimization on large model at small cost":
 * book-keeping), so that there is no second pass back.
 */
public final class ClippedGrad implements Extension {
  /** The placeholder of a bound that is fed, a scalar of double precision. */
  public static final String BOUND = "clipped_grad.bound";

  /** The placeholder of samples' weights that are fed, [N] of double precision. */
  public static final String WEIGHTS = "clipped_grad.weights";

  /** What is added to a norm before it divides. */
  private static final double TINY = 1e-6;

  private final UnaryOperator<String> group;

  /** The bound of a group; null if it is fed, or if there is none. */
  private final @Nullable ToDoubleFunction<String> bound;

  /** What is added to norms in automatic clipping; NaN in the others. */
  private final double gamma;

  private final boolean weighted;

  /**
   * Clips by the norm over all parameters, to a bound R above 0 that is fed with each batch as
   * {@link #BOUND}, so that it can change in the course of a training.
   */
  public ClippedGrad() {
    this(parameter -> "", null, Double.NaN, false);
  }

  private ClippedGrad(
      UnaryOperator<String> group,
      @Nullable ToDoubleFunction<String> bound,
      double gamma,
      boolean weighted) {
    this.group = group;
    this.bound = bound;
    this.gamma = gamma;
    this.weighted = weighted;
  }

  /**
   * Clips by the norm over all parameters.
   *
   * @param bound R, above 0, in the scale of a sample's own loss
   * @return the extension
   * @throws IllegalArgumentException if R is not above 0 and finite
   */
  public static ClippedGrad flat(double bound) {
    double checked = checked("The bound", bound);
    return new ClippedGrad(parameter -> "", g -> checked, Double.NaN, false);
  }

  /**
   * Clips each group of parameters by its own norm.
   *
   * @param group says for a parameter's name to which group it belongs; {@code name -> name} is
   *     each parameter by itself
   * @param bound says for a group its R, above 0, in the scale of a sample's own loss
   * @return the extension; a bound that is not above 0 and finite is an {@link
   *     IllegalArgumentException} when a graph is extended
   */
  public static ClippedGrad grouped(UnaryOperator<String> group, ToDoubleFunction<String> bound) {
    return new ClippedGrad(
        group,
        g -> checked("The bound of \"" + g + "\"", bound.applyAsDouble(g)),
        Double.NaN,
        false);
  }

  /**
   * Divides by the norm over all parameters.
   *
   * @param gamma γ, above 0, in the scale of a sample's own loss; commonly 0.01
   * @return the extension
   * @throws IllegalArgumentException if γ is not above 0 and finite
   */
  public static ClippedGrad automatic(double gamma) {
    return new ClippedGrad(parameter -> "", null, checked("gamma", gamma), false);
  }

  /**
   * The same with a weight uₙ for each sample, which is fed with each batch as {@link #WEIGHTS}: Σₙ
   * uₙ wₙ gₙ, and counts Σₙ uₙ [‖gₙ‖ > R]. A weight of zero leaves a sample out, so that batches
   * can be filled up to a common size. Weights above 1 would let a sample move the sum by more than
   * R.
   *
   * @return the extension
   */
  public ClippedGrad weighted() {
    return new ClippedGrad(group, bound, gamma, true);
  }

  private static double checked(String what, double number) {
    if (!(number > 0 && Double.isFinite(number))) {
      throw new IllegalArgumentException(what + " is " + number + ", expected a number above 0.");
    }
    return number;
  }

  @Override
  public String field() {
    return "clipped_grad";
  }

  @Override
  public Columns columns() {
    return Columns.GRADIENT;
  }

  @Override
  public boolean ofOwnLosses() {
    return true;
  }

  @Override
  public boolean readsPlaceholders() {
    return weighted || (bound == null && Double.isNaN(gamma));
  }

  /** The loss's factor is not in it. */
  @Override
  public Combination combination(String result) {
    return result.equals("norms") ? Combination.rows(0) : Combination.sum(0);
  }

  @Override
  public Map<String, List<Result>> ofOwnLosses(
      Emitter emit, Map<String, List<ParameterVjp>> contributions, Tensor divisor) {
    Map<String, Map<String, ParameterVjp>> groups = new LinkedHashMap<>();
    contributions.forEach(
        (parameter, vjps) ->
            groups
                .computeIfAbsent(group.apply(parameter), g -> new LinkedHashMap<>())
                .put(parameter, Contributions.sum(vjps)));
    Map<String, List<Result>> results = new LinkedHashMap<>();
    List<Tensor> norms = new ArrayList<>();
    List<Tensor> counts = new ArrayList<>();
    groups.forEach(
        (name, vjps) -> {
          Tensor norm = norm(emit, vjps, divisor);
          Tensor weights;
          if (Double.isNaN(gamma)) {
            Tensor most = bound(emit, name);
            Tensor above = emit.plus(norm, TINY);
            weights = emit.mul(emit.reciprocal(emit.max(above, most)), most);
            Tensor larger = emit.greater(emit.sub(above, most), 0);
            counts.add(emit.sum(given(emit, larger), 0, 1));
          } else {
            weights = emit.reciprocal(emit.plus(norm, gamma));
          }
          weights = given(emit, weights);
          norms.add(emit.reshape(norm, norm.dims().plus(Dim.ONE)));
          Tensor own = emit.mul(weights, divisor);
          vjps.forEach(
              (parameter, vjp) ->
                  results.put(
                      parameter,
                      List.of(
                          new Result("", emit.in(parameter, () -> sum(emit, vjp, own)), true))));
        });
    List<Result> together = new ArrayList<>();
    if (!norms.isEmpty()) {
      together.add(new Result("norms", emit.concat(1, norms), true));
    }
    if (!counts.isEmpty()) {
      Dims one = Dims.of(Dim.ONE);
      together.add(
          new Result(
              "clipped",
              emit.total(emit.concat(0, counts.stream().map(c -> emit.reshape(c, one)).toList())),
              true));
    }
    results.put("", together);
    return results;
  }

  /** A value [N] times the samples' own weights, if they have some. */
  private Tensor given(Emitter emit, Tensor value) {
    return weighted
        ? emit.mul(value, emit.placeholder(WEIGHTS, Dims.of(Dim.N), Precision.CANCELLING))
        : value;
  }

  /** R [1]. */
  private Tensor bound(Emitter emit, String name) {
    Dims one = Dims.of(Dim.ONE);
    return bound == null
        ? emit.reshape(emit.placeholder(BOUND, Dims.SCALAR, Precision.CANCELLING), one)
        : emit.literal(bound.applyAsDouble(name), Precision.CANCELLING, one);
  }

  /** ‖gₙ‖ [N] over a group's parameters, in double precision. */
  private static Tensor norm(Emitter emit, Map<String, ParameterVjp> vjps, Tensor divisor) {
    Tensor squares =
        vjps.entrySet().stream()
            .map(e -> emit.in(e.getKey(), () -> squaredNorm(emit, e.getValue())))
            .reduce(emit::add)
            .orElseThrow();
    return emit.mul(emit.sqrt(squares), divisor);
  }

  private static Tensor squaredNorm(Emitter emit, ParameterVjp vjp) {
    return emit.cast(vjp.squaredNorm(), Precision.CANCELLING);
  }

  /** Σₙ wₙ gₙ [P…]. */
  private static Tensor sum(Emitter emit, ParameterVjp vjp, Tensor weights) {
    Tensor sum = vjp.weightedSum(weights);
    return emit.reshape(sum, sum.dims().from(1));
  }
}
