package org.backpack4j.samediff.graph;

import java.util.List;
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

  private static Shaped input(RewriteSite site, int k) {
    return new Shaped(site.input(k), site.dims(k));
  }

  /** {@code dot_product_attention}. */
  static List<SDVariable> single(RewriteSite site) {
    SDVariable weights = weights(site, input(site, 0), input(site, 1), mask(site, 3));
    SDVariable attended = site.matmul("attended", site.input(2), false, weights, false);
    return results(site, attended, weights);
  }

  /**
   * {@code multi_head_dot_product_attention}: queries, keys and values are projected for each head
   * by W [heads, size, features], and what the heads answer is projected by one matrix.
   */
  static List<SDVariable> multiHead(RewriteSite site) {
    Shaped queries = projected(site, "queries", 0, 3);
    Shaped keys = projected(site, "keys", 1, 4);
    Shaped values = projected(site, "values", 2, 5);
    SDVariable weights = weights(site, queries, keys, mask(site, 7));
    SDVariable attended = site.matmul("attended", values.variable(), false, weights, false);
    Dim samples = queries.dims().get(0);
    Dim times = queries.dims().get(3);
    Dim heads = values.dims().get(1);
    Dim size = values.dims().get(2);
    SDVariable timesFirst = site.permute("times_first", attended, 0, 3, 1, 2);
    SDVariable rows =
        site.reshape(
            "rows",
            timesFirst,
            Dims.of(samples, times, heads, size),
            Dims.of(samples.times(times), heads.times(size)));
    SDVariable product = site.matmul("projected", rows, false, site.input(6), false);
    Dim features = site.dims(6).get(1);
    SDVariable apart =
        site.reshape(
            "apart",
            product,
            Dims.of(samples.times(times), features),
            Dims.of(samples, times, features));
    return results(site, site.permute("result", apart, 0, 2, 1), weights);
  }

  private static List<SDVariable> results(
      RewriteSite site, SDVariable attended, SDVariable weights) {
    return site.node().outputs().size() == 1 ? List.of(attended) : List.of(attended, weights);
  }

  private static @Nullable SDVariable mask(RewriteSite site, int k) {
    return site.inputs() > k ? site.input(k) : null;
  }

  /** The attention weights [N, …, S, T]. */
  private static SDVariable weights(
      RewriteSite site, Shaped queries, Shaped keys, @Nullable SDVariable mask) {
    SameDiff graph = site.graph();
    int rank = keys.dims().rank();
    SDVariable scores = site.matmul("scores", keys.variable(), true, queries.variable(), false);
    if (site.node().iArg(0, 0) != 0) {
      double size = keys.dims().get(-2).size();
      scores = scores.div(site.name("scaled"), Math.sqrt(size));
    }
    if (mask != null) {
      Dims dims = site.dims(site.inputs() - 1);
      Dims column =
          rank == 4
              ? Dims.of(dims.get(0), Dim.ONE, dims.get(1), Dim.ONE)
              : Dims.of(dims.get(0), dims.get(1), Dim.ONE);
      SDVariable apart = site.reshape("mask", mask, dims, column);
      SDVariable low = apart.sub(site.name("masked"), 1).mul(site.name("low"), 1e9);
      scores = scores.add(site.name("masked_scores"), low);
    }
    return graph.nn().softmax(site.name("weights"), scores, rank - 2);
  }

  /** X [N, features, T] projected by W [heads, size, features]: [N, heads, size, T]. */
  private static Shaped projected(RewriteSite site, String what, int input, int projection) {
    Dims x = site.dims(input);
    Dims w = site.dims(projection);
    Dim rowCount = x.get(0).times(x.get(2));
    Dim columns = w.get(0).times(w.get(1));
    SDVariable rows =
        site.reshape(
            what + "_rows",
            site.permute(what + "_times_first", site.input(input), 0, 2, 1),
            Dims.of(x.get(0), x.get(2), x.get(1)),
            Dims.of(rowCount, x.get(1)));
    SDVariable matrix =
        site.reshape(what + "_matrix", site.input(projection), w, Dims.of(columns, w.get(2)));
    SDVariable product = site.matmul(what + "_product", rows, false, matrix, true);
    Dims apart = Dims.of(x.get(0), x.get(2), w.get(0), w.get(1));
    SDVariable heads = site.reshape(what + "_apart", product, Dims.of(rowCount, columns), apart);
    return new Shaped(site.permute(what + "_heads", heads, 0, 2, 3, 1), apart.permuted(0, 2, 3, 1));
  }
}
