package org.backpack4j.samediff.internal.rule;

import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * A number y = f(a, b) for two vectors along some axes, which does not change when they change
 * places: every aᵢ gets the cotangent of its result times ∂f/∂aᵢ. The second input may also be one
 * vector that all of the first are compared with.
 */
final class DistanceRule implements Rule {
  /** ∂f/∂aᵢ at a and b [N, 1, F…]; what belongs to one result has ones along the vectors. */
  private interface Slope {
    Tensor at(Group group, Tensor a, Tensor b);
  }

  private final String name;
  private final Slope slope;

  private DistanceRule(String name, Slope slope) {
    this.name = name;
    this.slope = slope;
  }

  static Map<String, Rule> table() {
    Map<String, Rule> t = new TreeMap<>();
    t.put(
        "cosinedistance",
        new DistanceRule(
            "cosine distance",
            (g, a, b) -> g.e().scale(cosine(g, g.e().minus(1, g.y()), a, b), -1)));
    t.put(
        "cosinesimilarity",
        new DistanceRule("cosine similarity", (g, a, b) -> cosine(g, g.y(), a, b)));
    t.put("dot", new DistanceRule("scalar product", (g, a, b) -> b));
    t.put("euclidean", new DistanceRule("distance", (g, a, b) -> g.ratio(g.e().sub(a, b), g.y())));
    t.put("jaccarddistance", new DistanceRule("Jaccard distance", DistanceRule::jaccard));
    t.put(
        "manhattan", new DistanceRule("sum of |a − b|", (g, a, b) -> g.e().sign(g.e().sub(a, b))));
    return t;
  }

  /** c = ⟨a, b⟩ / (‖a‖ ‖b‖): b / (‖a‖ ‖b‖) − c a / ‖a‖². */
  private static Tensor cosine(Group g, Tensor c, Tensor a, Tensor b) {
    Emitter e = g.e();
    Tensor aa = g.total(e.square(a));
    Tensor norms = e.sqrt(e.mul(aa, g.total(e.square(b))));
    return e.sub(g.ratio(b, norms), g.ratio(e.mul(c, a), aa));
  }

  /** y = 1 − Σ min(aᵢ, bᵢ) / Σ max(aᵢ, bᵢ): −([aᵢ < bᵢ] − [aᵢ > bᵢ] (1 − y)) / Σ max. */
  private static Tensor jaccard(Group g, Tensor a, Tensor b) {
    Emitter e = g.e();
    Tensor less = e.greater(e.sub(b, a), 0);
    Tensor more = e.mul(e.greater(e.sub(a, b), 0), e.minus(1, g.y()));
    return e.div(e.sub(more, less), g.total(e.max(a, b)));
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    BatchAxis first = context.batchAxis(0);
    BatchAxis second = context.batchAxis(1);
    boolean apart = !second.hasSamples() || second.equals(first);
    if (!apart || (second.hasSamples() && !first.hasSamples())) {
      throw new UnsupportedOpException(
          "its inputs have their samples on different axes", "permute one of them");
    }
    return Reductions.batchAxis(context, output);
  }

  @Override
  public void check(NodeContext context) {
    if (context.inputs() > 2) {
      throw new UnsupportedOpException(
          "the axes of " + context.node() + " are computed", "give them as numbers");
    }
    if (!context.dims(1).equals(context.dims(0)) && !context.dims(1).equals(vector(context))) {
      throw new UnsupportedOpException(
          "its inputs have the shapes " + context.dims(0) + " and " + context.dims(1),
          "bring them to the same shape");
    }
  }

  /** The shape of what belongs to one result. */
  private static Dims vector(NodeContext context) {
    return new Dims(
        Arrays.stream(Reductions.axes(context)).mapToObj(context.dims(0)::get).toList());
  }

  private static boolean oneForAll(NodeContext context) {
    return !context.dims(1).equals(context.dims(0));
  }

  /** The second input in the arrangement of the first. */
  private static Tensor second(NodeContext context) {
    return oneForAll(context) ? repeated(context, context.value(1)) : context.value(1);
  }

  /** One vector for each of the first input's: [1, V, D…] to [1, V, F…]. */
  private static Tensor repeated(NodeContext context, Tensor vectors) {
    Dims part = context.perSample(0);
    Dims reduced = Reductions.reduced(context);
    Dims spread = vectors.dims().range(0, 2);
    for (int k = 0; k < part.rank(); k++) {
      spread = spread.plus(reduced.get(k).isOne() ? part.get(k) : Dim.ONE);
    }
    Tensor vector = context.emit().reshape(vectors, spread);
    return context.emit().broadcast(vector, spread.range(0, 2).plus(part));
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor d = slope(context, input, output);
    Tensor product = e.mul(Reductions.spread(context, cotangent), d);
    Dim samples = context.batchAxis(input).hasSamples() ? Dim.N : product.dims().get(0);
    Dims part = context.perSample(0);
    Tensor full = e.broadcast(product, Dims.of(samples, cotangent.dims().get(1)).plus(part));
    return input == 1 && oneForAll(context) ? overResults(context, full) : full;
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    boolean vector = input == 1 && oneForAll(context);
    Tensor here = vector ? repeated(context, tangent) : tangent;
    return Reductions.sums(context, output, e.mul(here, slope(context, input, output)));
  }

  /** ∂f/∂aᵢ or ∂f/∂bᵢ. */
  private Tensor slope(NodeContext context, int input, int output) {
    Tensor a = context.value(0);
    Tensor b = second(context);
    Group group = new Group(context, output);
    return input == 0 ? slope.at(group, a, b) : slope.at(group, b, a);
  }

  /** The sum over all results of a sample, for the vector that all are compared with. */
  private static Tensor overResults(NodeContext context, Tensor full) {
    Dims reduced = Reductions.reduced(context);
    int[] results =
        IntStream.range(0, reduced.rank())
            .filter(k -> !reduced.get(k).isOne())
            .map(k -> k + 2)
            .toArray();
    Tensor sum = full;
    for (int k = results.length - 1; k >= 0; k--) {
      sum = context.emit().sum(sum, results[k], results[k] + 1);
    }
    return context.emit().reshape(sum, full.dims().range(0, 2).plus(context.dims(1)));
  }

  @Override
  public boolean vjpHandlesCoupling() {
    return true;
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return switch (name) {
      case "sum of |a − b|" -> true;
      case "scalar product" ->
          active.size() == 1
              && !context.node().inputs().get(0).equals(context.node().inputs().get(1));
      default -> false;
    };
  }

  @Override
  public String name() {
    return name;
  }
}
