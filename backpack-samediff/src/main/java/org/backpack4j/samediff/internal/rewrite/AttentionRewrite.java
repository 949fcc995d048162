package org.backpack4j.samediff.internal.rewrite;

import java.util.List;
import org.backpack4j.samediff.internal.nd4j.SoftmaxShift;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * Attention, for queries Q [N, …, d, T], keys K [N, …, d, S] and values V [N, …, e, S], the second
 * axis the heads where there are several: V softmax(Kᵀ Q / √d), the softmax over the keys S. Of
 * masked keys 10⁹ is subtracted before it.
 */
final class AttentionRewrite {
  private AttentionRewrite() {}

  /** A value with its shape. */
  private record Shaped(SDVariable variable, Dims dims) {}

  private static Shaped input(RewriteSite context, int k) {
    return new Shaped(context.input(k), context.dims(k));
  }

  /** {@code dot_product_attention}. */
  static List<SDVariable> single(RewriteSite context) {
    SDVariable weights = weights(context, input(context, 0), input(context, 1), mask(context, 3));
    SDVariable attended = context.matmul("attended", context.input(2), false, weights, false);
    return results(context, attended, weights);
  }

  /**
   * {@code multi_head_dot_product_attention}: queries, keys and values are projected for each head
   * by W [heads, size, features], and what the heads answer is projected by one matrix.
   */
  static List<SDVariable> multiHead(RewriteSite context) {
    Shaped queries = projected(context, "queries", 0, 3);
    Shaped keys = projected(context, "keys", 1, 4);
    Shaped values = projected(context, "values", 2, 5);
    SDVariable weights = weights(context, queries, keys, mask(context, 7));
    SDVariable attended = context.matmul("attended", values.variable(), false, weights, false);
    Dim samples = queries.dims().get(0);
    Dim times = queries.dims().get(3);
    Dim heads = values.dims().get(1);
    Dim size = values.dims().get(2);
    SDVariable timesFirst = context.permute("times_first", attended, 0, 3, 1, 2);
    SDVariable rows =
        context.reshape(
            "rows",
            timesFirst,
            Dims.of(samples, times, heads, size),
            Dims.of(samples.times(times), heads.times(size)));
    SDVariable product = context.matmul("projected", rows, false, context.input(6), false);
    Dim features = context.dims(6).get(1);
    SDVariable apart =
        context.reshape(
            "apart",
            product,
            Dims.of(samples.times(times), features),
            Dims.of(samples, times, features));
    return results(context, context.permute("result", apart, 0, 2, 1), weights);
  }

  private static List<SDVariable> results(
      RewriteSite context, SDVariable attended, SDVariable weights) {
    return context.node().outputs().size() == 1 ? List.of(attended) : List.of(attended, weights);
  }

  private static @Nullable SDVariable mask(RewriteSite context, int k) {
    return context.inputs() > k ? context.input(k) : null;
  }

  /** The attention weights [N, …, S, T]. */
  private static SDVariable weights(
      RewriteSite context, Shaped queries, Shaped keys, @Nullable SDVariable mask) {
    SameDiff graph = context.graph();
    int rank = keys.dims().rank();
    SDVariable scores = context.matmul("scores", keys.variable(), true, queries.variable(), false);
    if (context.node().iArg(0, 0) != 0) {
      double size = keys.dims().get(-2).size();
      scores = scores.div(context.name("scaled"), Math.sqrt(size));
    }
    if (mask != null) {
      Dims dims = context.dims(context.inputs() - 1);
      Dims column =
          rank == 4
              ? Dims.of(dims.get(0), Dim.ONE, dims.get(1), Dim.ONE)
              : Dims.of(dims.get(0), dims.get(1), Dim.ONE);
      SDVariable apart = context.reshape("mask", mask, dims, column);
      SDVariable low = apart.sub(context.name("masked"), 1).mul(context.name("low"), 1e9);
      scores = scores.add(context.name("masked_scores"), low);
    }
    Dims of = Dims.of(keys.dims().get(-1), queries.dims().get(-1));
    if (SoftmaxShift.helps(context.type(0)) && SoftmaxRewrite.innermost(of, 0)) {
      scores = SoftmaxShift.shifted(graph, scores, rank - 2, of.get(0).size(), context::name);
    }
    return graph.nn().softmax(context.name("weights"), scores, rank - 2);
  }

  /** X [N, features, T] projected by W [heads, size, features]: [N, heads, size, T]. */
  private static Shaped projected(RewriteSite context, String what, int input, int projection) {
    Dims x = context.dims(input);
    Dims w = context.dims(projection);
    Dim rowCount = x.get(0).times(x.get(2));
    Dim columns = w.get(0).times(w.get(1));
    SDVariable rows =
        context.reshape(
            what + "_rows",
            context.permute(what + "_times_first", context.input(input), 0, 2, 1),
            Dims.of(x.get(0), x.get(2), x.get(1)),
            Dims.of(rowCount, x.get(1)));
    SDVariable matrix =
        context.reshape(what + "_matrix", context.input(projection), w, Dims.of(columns, w.get(2)));
    SDVariable product = context.matmul(what + "_product", rows, false, matrix, true);
    Dims apart = Dims.of(x.get(0), x.get(2), w.get(0), w.get(1));
    SDVariable heads = context.reshape(what + "_apart", product, Dims.of(rowCount, columns), apart);
    return new Shaped(
        context.permute(what + "_heads", heads, 0, 2, 3, 1), apart.permuted(0, 2, 3, 1));
  }
}
