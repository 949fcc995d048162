package org.backpack4j.samediff.internal.contribution;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.ir.Precision;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Factors;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The contribution to a weight that multiplies: G[n, v] = Σₚ S[n, v, p] X[n, p]ᵀ, an outer product
 * over positions p. Dense layers have one position, time-distributed ones T, convolutions one for
 * each output pixel, with X the unfolded input (Chellapilla et al., 2006).
 *
 * <p>Sums of squares cost N·O·(V+I) for one position, N·O·P²·(V+I) over pairs of positions,
 * N·V·O·P·I directly; the cheapest is taken. The squared norm of a sum of outer products is ⟨SᵀS,
 * XᵀX⟩ (Goodfellow, 2015, for one position). Where positions cancel, with κ = Σₚ ‖Sₚ‖ ‖Xₚ‖/‖G‖,
 * ways over pairs are off by some 2⁻⁵³ κ² in double precision, the direct one by 2⁻²⁴ κ in single:
 * so in single precision pairs are multiplied and added up in double, which is the better way
 * wherever the direct one has a digit; in double precision the direct way is taken.
 */
public final class OuterProduct implements ParameterVjp {
  private final Emitter emit;
  private final Tensor s;
  private final Supplier<Tensor> x;
  private final Dims positionsByInputs;
  private final boolean inputsFirst;
  private final @Nullable Tensor signs;
  private final Function<ParameterVjp, @Nullable Tensor> fastSum;
  private @Nullable Tensor made;

  /**
   * An outer product.
   *
   * @param emit where ops are inserted
   * @param s S [N, V, O, P]
   * @param x makes X [N, I, P]; asked only when it is needed
   * @param positionsByInputs the shape [I, P] of one sample's X
   * @param inputsFirst whether G is laid out [I, O] and not [O, I]
   * @param signs the columns' signs
   * @param fastSum a faster way to Σₙ G [V, …] for V = 1, answering null when there is none
   */
  public OuterProduct(
      Emitter emit,
      Tensor s,
      Supplier<Tensor> x,
      Dims positionsByInputs,
      boolean inputsFirst,
      @Nullable Tensor signs,
      Function<ParameterVjp, @Nullable Tensor> fastSum) {
    this.emit = emit;
    this.s = s;
    this.x = x;
    this.positionsByInputs = positionsByInputs;
    this.inputsFirst = inputsFirst;
    this.signs = signs;
    this.fastSum = fastSum;
  }

  @Override
  public Emitter emit() {
    return emit;
  }

  @Override
  public @Nullable Tensor signs() {
    return signs;
  }

  @Override
  public Dim samples() {
    return s.dims().get(0);
  }

  private long columns() {
    return s.dims().get(1).size();
  }

  private long outputs() {
    return s.dims().get(2).size();
  }

  private long positions() {
    return s.dims().get(3).size();
  }

  private long inputs() {
    return positionsByInputs.get(0).size();
  }

  @Override
  public Tensor perSample() {
    if (made == null) {
      made = product();
    }
    return made;
  }

  private Tensor product() {
    long v = columns();
    long o = outputs();
    long i = inputs();
    long p = positions();
    if (v == 1) {
      Tensor rows = emit.reshape(s, Dims.of(samples(), Dim.of(o), Dim.of(p)));
      Tensor g = inputsFirst ? outer(x.get(), rows) : outer(rows, x.get());
      return emit.reshape(g, Dims.of(samples(), Dim.ONE).plus(g.dims().from(1)));
    }
    // the columns folded into the rows: one product for each sample
    Tensor g = outer(emit.reshape(s, Dims.of(samples(), Dim.of(v * o), Dim.of(p))), x.get());
    g = emit.reshape(g, Dims.of(samples(), Dim.of(v), Dim.of(o), Dim.of(i)));
    return inputsFirst ? emit.transpose(g) : g;
  }

  /** Σₚ a[n, :, p] b[n, :, p]ᵀ of [N, A, P] and [N, B, P]. */
  private Tensor outer(Tensor a, Tensor b) {
    if (positions() == 1) {
      Dim rows = a.dims().get(1);
      Dim columns = b.dims().get(1);
      return emit.mul(
          emit.reshape(a, Dims.of(a.dims().get(0), rows, Dim.ONE)),
          emit.reshape(b, Dims.of(b.dims().get(0), Dim.ONE, columns)));
    }
    return emit.matmul(a, false, b, true);
  }

  @Override
  public Tensor sum() {
    Tensor fast = columns() == 1 && made == null ? fastSum.apply(this) : null;
    if (fast != null) {
      return fast;
    }
    if (made != null || productIsSmall()) {
      return emit.sumOverSamples(perSample());
    }
    // positions are as good as samples: one product over both
    long v = columns();
    Dim width = Dim.of(v * outputs());
    Tensor rows = rows(emit.reshape(s, Dims.of(samples(), width, Dim.of(positions()))));
    Tensor inputs = rows(x.get());
    if (inputsFirst && v == 1) {
      Tensor g = emit.matmul(inputs, true, rows, false);
      return emit.reshape(g, Dims.of(Dim.ONE).plus(g.dims()));
    }
    Tensor g = emit.matmul(rows, true, inputs, false); // [V·O, I]
    return arranged(emit.reshape(g, Dims.of(v, outputs(), inputs())));
  }

  /**
   * From rows that are there, because the norms took them or because they are small; else with the
   * weights in the factor that is smaller.
   */
  @Override
  public Tensor weightedSum(Tensor weights) {
    if (made != null || productIsSmall()) {
      return ParameterVjp.super.weightedSum(weights);
    }
    boolean ofInputs = inputs() < columns() * outputs() && samplesOf(x.get()).equals(samples());
    Tensor left = ofInputs ? s : weighted(s, weights);
    Supplier<Tensor> right = ofInputs ? () -> weighted(x.get(), weights) : x;
    return new OuterProduct(emit, left, right, positionsByInputs, inputsFirst, signs, whole -> null)
        .sum();
  }

  private Tensor weighted(Tensor factor, Tensor weights) {
    Dims each = weights.dims();
    while (each.rank() < factor.rank()) {
      each = each.plus(Dim.ONE);
    }
    return emit.mul(factor, emit.reshape(emit.cast(weights, factor.type()), each));
  }

  /** Whether G [O, I] is less to write and read than S and X are to transpose. */
  private boolean productIsSmall() {
    return positions() > 1 && outputs() * inputs() < positions() * (outputs() + inputs());
  }

  /** [N, A, P] as [N·P, A]. */
  private Tensor rows(Tensor a) {
    Tensor positionsFirst = emit.transpose(a);
    return emit.reshape(
        positionsFirst, Dims.of(a.dims().get(0).times(a.dims().get(2)), a.dims().get(1)));
  }

  @Override
  public Optional<Factors> factors() {
    return Optional.of(new Factors(s, x, null, inputs(), this::arranged));
  }

  @Override
  public Tensor squaredPerSample() {
    if (positions() == 1) {
      Tensor left = squaredSignals();
      Tensor right =
          emit.square(emit.reshape(x.get(), Dims.of(samplesOf(x.get()), Dim.of(inputs()))));
      return inputsFirst ? outer(right, left) : outer(left, right);
    }
    Tensor squares = Signs.weigh(emit, emit.square(outputsFirst()), signs);
    return arranged(emit.sum(squares, 1, 2));
  }

  @Override
  public Tensor squaredSum() {
    if (positions() == 1) {
      Tensor left = squaredSignals();
      Tensor right =
          emit.square(emit.reshape(x.get(), Dims.of(samplesOf(x.get()), Dim.of(inputs()))));
      return inputsFirst
          ? emit.matmul(right, true, left, false)
          : emit.matmul(left, true, right, false);
    }
    if (pairsAreCheaper()) {
      return arranged(overPairs());
    }
    // Of one column the very products that the sum over samples may be made of.
    return columns() == 1 && inputsFirst && samplesOf(x.get()).equals(samples())
        ? squaresInputsFirst()
        : arranged(squares(outputsFirst(), s, x.get()));
  }

  private Tensor squaresInputsFirst() {
    Dims column = Dims.of(samples(), Dim.ONE, Dim.of(inputs()), Dim.of(positions()));
    Dims others = Dims.of(samples(), Dim.of(outputs()), Dim.of(positions()));
    return squares(product(), emit.reshape(x.get(), column), emit.reshape(s, others));
  }

  /** Σₙᵥ s G² [A, B] of G [N, V, A, B], which is a [N, V, A, P] times b [N, B, P]. */
  private Tensor squares(Tensor g, Tensor a, Tensor b) {
    Tensor sum = emit.sum(Signs.weigh(emit, emit.square(g), signs), 0, 2);
    List<Tensor> operands = new ArrayList<>(List.of(a, b));
    if (signs != null) {
      operands.add(signs);
    }
    return emit.fused("outer_squared_sum", sum, operands);
  }

  @Override
  public Tensor variance() {
    if (positions() > 1) {
      Tensor a = emit.reshape(s, Dims.of(samples(), Dim.of(outputs()), Dim.of(positions())));
      Tensor g = made == null ? product() : made; // not kept: a sum has faster ways
      return Variances.ofRows(
          emit,
          emit.reshape(g, g.dims().without(1)),
          inputsFirst ? List.of(x.get(), a) : List.of(a, x.get()));
    }
    OuterProduct exact =
        new OuterProduct(
            emit,
            wide(s),
            () -> wide(x.get()),
            positionsByInputs,
            inputsFirst,
            signs,
            whole -> null);
    Tensor squares = exact.squaredSum();
    Tensor variance =
        Variances.of(emit, emit.reshape(exact.sum(), squares.dims()), squares, s.type());
    if (hasWider()) {
      Tensor left = emit.reshape(s, Dims.of(samples(), Dim.of(outputs())));
      Tensor right = emit.reshape(x.get(), Dims.of(samplesOf(x.get()), Dim.of(inputs())));
      emit.fused(
          "outer_variance",
          variance,
          List.of(
              inputsFirst ? right : left,
              inputsFirst ? left : right,
              emit.reshape(sum(), variance.dims())));
    }
    return variance;
  }

  /** Σᵥ s S² [N, O], for one position. */
  private Tensor squaredSignals() {
    Tensor rows = emit.reshape(s, Dims.of(samples(), Dim.of(columns()), Dim.of(outputs())));
    return emit.sum(Signs.weigh(emit, emit.square(rows), signs), 1, 2);
  }

  private static Dim samplesOf(Tensor a) {
    return a.dims().get(0);
  }

  /** G [N, V, O, I], whatever the order asked for. */
  private Tensor outputsFirst() {
    long o = outputs();
    Tensor g =
        outer(
            emit.reshape(s, Dims.of(samples(), Dim.of(columns() * o), Dim.of(positions()))),
            x.get());
    return emit.reshape(g, Dims.of(samples(), Dim.of(columns()), Dim.of(o), Dim.of(inputs())));
  }

  /** [..., O, I] in the order asked for. */
  private Tensor arranged(Tensor outputsFirst) {
    return inputsFirst ? emit.transpose(outputsFirst) : outputsFirst;
  }

  /**
   * Whether there is a type in which products of two numbers are exact. Ways over pairs of
   * positions add up terms that may cancel, and square the condition number: they are taken only
   * there.
   */
  private boolean hasWider() {
    return s.type() != Precision.CANCELLING;
  }

  private Tensor wide(Tensor value) {
    return emit.cast(value, Precision.CANCELLING);
  }

  /** Measured: the products of pairs are small, and their arrangement costs as much as they do. */
  private boolean pairsAreCheaper() {
    return hasWider() && 5 * positions() * (columns() + inputs()) < columns() * inputs();
  }

  /** Σₙ Σₚq (Σᵥ s Sₚ Sq)(Xₚ Xq) [O, I], clamped at zero where the squares are. */
  private Tensor overPairs() {
    long o = outputs();
    long i = inputs();
    long p = positions();
    Tensor byOutput = wide(emit.permute(s, 0, 2, 1, 3)); // [N, O, V, P]
    Tensor weighted = byOutput;
    if (signs != null) {
      Tensor spread =
          emit.reshape(
              wide(signs), Dims.of(signs.dims().get(0), Dim.ONE, signs.dims().get(1), Dim.ONE));
      weighted = emit.mul(byOutput, spread);
    }
    Dim batch = samples().times(Dim.of(o));
    Dims folded = Dims.of(batch, Dim.of(columns()), Dim.of(p));
    Tensor ss =
        emit.matmul(emit.reshape(weighted, folded), true, emit.reshape(byOutput, folded), false);
    Tensor xs = wide(x.get());
    Tensor xx =
        emit.mul(
            emit.reshape(xs, Dims.of(samplesOf(xs), Dim.of(i), Dim.of(p), Dim.ONE)),
            emit.reshape(xs, Dims.of(samplesOf(xs), Dim.of(i), Dim.ONE, Dim.of(p))));
    Tensor left =
        emit.permute(emit.reshape(ss, Dims.of(samples(), Dim.of(o), Dim.of(p * p))), 1, 0, 2);
    Tensor right =
        emit.permute(emit.reshape(xx, Dims.of(samplesOf(xs), Dim.of(i), Dim.of(p * p))), 1, 0, 2);
    Dim pairs = samples().times(Dim.of(p * p));
    Tensor exact =
        emit.matmul(
            emit.reshape(left, Dims.of(Dim.of(o), pairs)),
            false,
            emit.reshape(right, Dims.of(Dim.of(i), pairs)),
            true);
    Tensor total = emit.cast(exact, s.type());
    if (signs != null) {
      return total;
    }
    Tensor zero =
        emit.reshape(emit.scale(emit.ones(total.type(), 1), 0), Dims.of(Dim.ONE, Dim.ONE));
    return emit.max(total, zero);
  }

  @Override
  public Tensor squaredNorm() {
    long o = outputs();
    long i = inputs();
    long p = positions();
    if (columns() != 1) {
      return ParameterVjp.super.squaredNorm();
    }
    Tensor rows = emit.reshape(s, Dims.of(samples(), Dim.of(o), Dim.of(p)));
    if (p == 1) {
      Tensor left = emit.sum(emit.square(rows), 1, 3);
      Tensor right = emit.sum(emit.square(x.get()), 1, 3);
      return Signs.weigh(emit, emit.mul(left, right), signs == null ? null : emit.sum(signs, 1, 2));
    }
    if (hasWider() && p * (o + i) < o * i) {
      Tensor left = wide(rows);
      Tensor right = wide(x.get());
      Tensor product =
          emit.mul(emit.matmul(left, true, left, false), emit.matmul(right, true, right, false));
      Tensor norm = emit.cast(emit.sum(product, 1, 3), s.type());
      Tensor zero = emit.scale(emit.ones(norm.type(), 1), 0);
      return signs == null ? emit.max(norm, zero) : emit.mul(norm, emit.sum(signs, 1, 2));
    }
    return ParameterVjp.super.squaredNorm();
  }

  /**
   * Outer products of several uses as one, their positions beside each other.
   *
   * @param parts the contributions
   * @return the joined outer product; empty if one of them is none, or they do not fit together
   */
  static Optional<ParameterVjp> join(List<ParameterVjp> parts) {
    List<OuterProduct> uses = new ArrayList<>();
    for (ParameterVjp part : parts) {
      if (!(part instanceof OuterProduct use)) {
        return Optional.empty();
      }
      uses.add(use);
    }
    OuterProduct first = uses.get(0);
    boolean fit =
        uses.stream()
            .allMatch(
                u ->
                    u.inputsFirst == first.inputsFirst
                        && u.outputs() == first.outputs()
                        && u.inputs() == first.inputs()
                        && u.columns() == first.columns()
                        && u.samples().equals(first.samples()));
    if (!fit) {
      return Optional.empty();
    }
    Emitter emit = first.emit;
    long positions = uses.stream().mapToLong(OuterProduct::positions).sum();
    Tensor s = emit.concat(3, uses.stream().map(u -> u.s).toList());
    return Optional.of(
        new OuterProduct(
            emit,
            s,
            () -> emit.concat(2, uses.stream().map(u -> u.x.get()).toList()),
            Dims.of(first.inputs(), positions),
            first.inputsFirst,
            first.signs,
            whole -> {
              List<Tensor> sums = uses.stream().map(u -> u.fastSum.apply(u)).toList();
              return IntStream.range(0, sums.size()).allMatch(k -> sums.get(k) != null)
                  ? sums.stream().reduce(emit::add).orElseThrow()
                  : null;
            }));
  }
}
