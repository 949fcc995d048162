package org.backpack4j.samediff.extension;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
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
 * The results of Kronecker-factored quantities: factors where the parameter's VJP is an outer
 * product over positions, the exact block where the parameter is small, its diagonal otherwise.
 */
final class Kronecker {
  /** A block of so many rows is written out: 128 MiB in double precision. */
  private static final long LARGEST_BLOCK = 4096;

  private static final String OUTPUTS = "B";

  /** What the name of a factor of inputs begins with: A, or A_diag. */
  private static final String INPUTS = "A";

  private static final String DIAGONAL = "diag";

  private Kronecker() {}

  /** Columns whose outer products are positive. */
  static Columns checked(Columns columns) {
    if (columns.hessian()) {
      throw new IllegalArgumentException(
          "The Hessian's columns have signs, and a factor of them need not be positive: use those"
              + " of the generalised Gauss-Newton matrix.");
    }
    switch (columns.kind()) {
      case GRADIENT, EXACT, SAMPLED, MIXED -> {
        return columns;
      }
      default ->
          throw new IllegalArgumentException(
              columns.kind()
                  + " columns have no Kronecker factors: use exact, sampled, mixed or gradient"
                  + " ones.");
    }
  }

  /** What a field's name ends with. */
  static String suffix(Columns columns) {
    return columns.random() ? "_mc" : columns.secondOrder() ? "" : "_empirical";
  }

  static List<Extension.Result> results(
      Emitter emit, Positions positions, List<ParameterVjp> contributions) {
    List<KroneckerFactors> factors = new ArrayList<>();
    for (ParameterVjp vjp : contributions) {
      Optional<KroneckerFactors> some = KroneckerFactors.of(emit, positions, vjp);
      if (some.isEmpty()) {
        return block(emit, contributions);
      }
      factors.add(some.get());
    }
    Tensor outputs = null;
    for (int k = 0; k < factors.size(); k++) {
      Tensor part = factors.get(k).outputs(contributions.get(k).signs());
      outputs = outputs == null ? part : emit.add(outputs, part);
    }
    KroneckerFactors first = factors.get(0);
    return List.of(
        new Extension.Result(OUTPUTS, Objects.requireNonNull(outputs), true, first.outputAxes()),
        new Extension.Result(first.inputsName(), first.inputs(), false));
  }

  /**
   * A is a mean over the samples; B, and the blocks of others, are sums of squared columns, which
   * have the root of the loss's factor, or the factor itself if they are gradients.
   */
  static Combination combination(Columns columns, String result) {
    return result.startsWith(INPUTS)
        ? Combination.mean()
        : Combination.sum(columns.secondOrder() ? 1 : 2);
  }

  /** Second moments in the basis of the factors' eigenvectors, which are fed. */
  static List<Extension.Result> secondMoments(
      Emitter emit, String name, List<ParameterVjp> contributions) {
    List<KroneckerFactors> factors = new ArrayList<>();
    for (ParameterVjp vjp : contributions) {
      KroneckerFactors.of(emit, Positions.EXPAND, vjp).ifPresent(factors::add);
    }
    if (factors.size() < contributions.size()) {
      Extension.Result block = block(emit, contributions).get(0);
      if (block.name().equals(DIAGONAL)) {
        return List.of(block);
      }
      Dims square = block.value().dims();
      Tensor q = emit.placeholder(name + ".Q_B", square, block.value().type());
      Tensor turned = emit.matmul(block.value(), false, q, false);
      return List.of(new Extension.Result("", emit.sum(emit.mul(q, turned), 0, 1), true));
    }
    KroneckerFactors first = factors.get(0);
    DataType type = first.type();
    Dims outputs = Dims.of(first.outputCount(), first.outputCount());
    Tensor qb = emit.placeholder(name + ".Q_B", outputs, type);
    Tensor qa = null;
    if (!first.isLookup()) {
      Dims inputs = Dims.of(first.inputCount(), first.inputCount());
      qa = emit.placeholder(name + ".Q_A", inputs, type);
    }
    Tensor sum = null;
    for (int k = 0; k < factors.size(); k++) {
      Tensor part = factors.get(k).secondMoments(contributions.get(k), qb, qa);
      sum = sum == null ? part : emit.add(sum, part);
    }
    return List.of(new Extension.Result("", Objects.requireNonNull(sum), true));
  }

  /** Quadratic forms of each sample's gradient in the basis that {@link #secondMoments} has. */
  static Tensor quadratic(Emitter emit, String name, ParameterVjp gradient) {
    KroneckerFactors factors = KroneckerFactors.of(emit, Positions.EXPAND, gradient).orElse(null);
    if (factors != null) {
      Dims outputs = Dims.of(factors.outputCount(), factors.outputCount());
      Dims inputs = Dims.of(factors.inputCount(), factors.inputCount());
      Dims weights = Dims.of(factors.outputCount(), factors.inputCount());
      return factors.quadratic(
          gradient,
          emit.placeholder(name + ".Q_B", outputs, factors.type()),
          factors.isLookup() ? null : emit.placeholder(name + ".Q_A", inputs, factors.type()),
          emit.placeholder(name + ".weights", weights, factors.type()));
    }
    Tensor g = gradient.perSample();
    Dim entries = g.dims().from(2).product();
    if (entries.size() > LARGEST_BLOCK) {
      return diagonal(emit, name, gradient);
    }
    Tensor rows = emit.reshape(g, Dims.of(g.dims().get(0), entries));
    Tensor q = emit.placeholder(name + ".Q_B", Dims.of(entries, entries), g.type());
    Tensor weights = emit.placeholder(name + ".weights", Dims.of(entries), g.type());
    Tensor squares = emit.square(emit.matmul(rows, false, q, false));
    return weighted(emit, squares, weights);
  }

  /** Squares of each sample's gradient, weighted entry by entry. */
  static Tensor diagonal(Emitter emit, String name, ParameterVjp gradient) {
    KroneckerFactors factors =
        KroneckerFactors.of(emit, Positions.EXPAND, gradient)
            .filter(KroneckerFactors::isCheap)
            .orElse(null);
    if (factors != null) {
      Tensor weights = emit.placeholder(name + ".weights", factors.parameter(), factors.type());
      return factors.quadratic(gradient, null, null, factors.matrix(weights));
    }
    Tensor squares = gradient.squaredPerSample(); // [N, P…]
    Tensor weights = emit.placeholder(name + ".weights", squares.dims().from(1), squares.type());
    return weighted(emit, squares, weights);
  }

  private static Tensor weighted(Emitter emit, Tensor squares, Tensor weights) {
    Dim n = squares.dims().get(0);
    Dim entries = weights.dims().product();
    Tensor rows = emit.reshape(squares, Dims.of(n, entries));
    Tensor column = emit.reshape(weights, Dims.of(entries, Dim.ONE));
    return emit.reshape(emit.matmul(rows, false, column, false), Dims.of(n));
  }

  /** The whole block of a small parameter, such as a bias; of a large one the diagonal. */
  private static List<Extension.Result> block(Emitter emit, List<ParameterVjp> contributions) {
    ParameterVjp first = contributions.get(0);
    long entries = first.perSample().dims().from(2).product().size();
    if (entries > LARGEST_BLOCK) {
      Tensor diagonal =
          contributions.stream().map(ParameterVjp::squaredSum).reduce(emit::add).orElseThrow();
      return List.of(new Extension.Result(DIAGONAL, diagonal, true));
    }
    Tensor block =
        contributions.stream()
            .map(vjp -> block(emit, vjp, entries))
            .reduce(emit::add)
            .orElseThrow();
    return List.of(new Extension.Result(OUTPUTS, block, true));
  }

  /** Σₙᵥ s vec(G) vec(G)ᵀ. */
  private static Tensor block(Emitter emit, ParameterVjp vjp, long entries) {
    Tensor g = vjp.perSample();
    Tensor signs = vjp.signs();
    Dims lead = g.dims().range(0, 2);
    Tensor flat = emit.reshape(g, lead.plus(Dim.of(entries)));
    Tensor weighted =
        signs == null ? flat : emit.mul(flat, emit.reshape(signs, signs.dims().plus(Dim.ONE)));
    Dims rows = Dims.of(lead.product(), Dim.of(entries));
    return emit.matmul(emit.reshape(weighted, rows), true, emit.reshape(flat, rows), false);
  }
}
