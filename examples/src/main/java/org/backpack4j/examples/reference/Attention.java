package org.backpack4j.examples.reference;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.factory.Nd4j;

/** Attention, written in matrix products and a softmax. Inputs are [N, ..., T, E]. */
final class Attention {

  /** What a masked score is lowered by: its weight is exactly zero. */
  private static final double MASKED = -1e30;

  private Attention() {}

  static void register(Map<String, Module> table) {
    table.put("scaleddotproductattention", Attention::scaledDotProduct);
    for (String name :
        new String[] {"multiheadattention", "multiheadselfattention", "selfattention"}) {
      table.put(name, Attention::multiHead);
    }
  }

  private static Tensor scaledDotProduct(ModuleContext c) {
    Tensor query = c.input();
    Tensor key = c.inputs().size() > 1 ? c.input(1) : query;
    Tensor value = c.inputs().size() > 2 ? c.input(2) : key;
    return attend(c, query, key, value);
  }

  /** softmax(scale Q Kᵀ + mask) V. */
  private static Tensor attend(ModuleContext c, Tensor query, Tensor key, Tensor value) {
    double scale = c.attributes().number("scale", 1 / Math.sqrt(query.size(-1)));
    Tensor scores = query.times(scale).matmul(key, true);
    if (c.attributes().flag("is_causal", false)) {
      scores = scores.plus(causalMask(scores));
    }
    if (c.inputs().size() > 3) {
      scores = scores.plus(c.input(3));
    }
    return Activations.softmax(scores, -1).matmul(value, false);
  }

  /** Zero up to the diagonal, MASKED above it, with ones in front of the last two axes. */
  private static Tensor causalMask(Tensor scores) {
    int rows = (int) scores.size(-2);
    int columns = (int) scores.size(-1);
    double[] mask = new double[rows * columns];
    for (int i = 0; i < rows; i++) {
      for (int j = i + 1; j < columns; j++) {
        mask[i * columns + j] = MASKED;
      }
    }
    long[] shape = new long[scores.rank()];
    Arrays.fill(shape, 1);
    shape[shape.length - 2] = rows;
    shape[shape.length - 1] = columns;
    return scores.constant(Nd4j.createFromArray(mask).reshape('c', shape));
  }

  /**
   * PyTorch's module. Samples come first, also where {@code batch_first} is not said; they come
   * second where it is said to be false.
   */
  private static Tensor multiHead(ModuleContext c) {
    boolean samplesFirst = c.attributes().flag("batch_first", true);
    Tensor query = samplesFirst ? c.input() : c.input().transpose(0, 1);
    Tensor key = other(c, 1, query, samplesFirst);
    Tensor value = other(c, 2, key, samplesFirst);
    List<Tensor> weights = projections(c);
    long heads = c.attributes().integer("num_heads", 1);
    Tensor q = project(c, query, weights.get(0), 0, heads);
    Tensor k = project(c, key, weights.get(1), 1, heads);
    Tensor v = project(c, value, weights.get(2), 2, heads);
    Tensor attended = attend(c, q, k, v).permute(0, 2, 1, 3);
    Tensor joined = attended.reshape(query.size(0), query.size(1), -1);
    Tensor result = Linears.affine(c, joined, "out_proj.weight", "out_proj.bias");
    return samplesFirst ? result : result.transpose(0, 1);
  }

  private static Tensor other(ModuleContext c, int index, Tensor otherwise, boolean samplesFirst) {
    if (c.inputs().size() <= index) {
      return otherwise;
    }
    Tensor input = c.input(index);
    return samplesFirst ? input : input.transpose(0, 1);
  }

  /** The weights of query, key and value, apart or beside each other. */
  private static List<Tensor> projections(ModuleContext c) {
    return c.hasParameter("in_proj_weight")
        ? c.parameter("in_proj_weight").split(3, 0)
        : List.of(
            c.parameter("q_proj_weight"),
            c.parameter("k_proj_weight"),
            c.parameter("v_proj_weight"));
  }

  /** [N, T, E] as [N, heads, T, E / heads]. */
  private static Tensor project(ModuleContext c, Tensor x, Tensor weight, int part, long heads) {
    Tensor projected = x.matmul(weight, true);
    if (c.hasParameter("in_proj_bias")) {
      projected = projected.plus(c.parameter("in_proj_bias").split(3, 0).get(part));
    }
    return projected
        .reshape(x.size(0), x.size(1), heads, projected.size(2) / heads)
        .permute(0, 2, 1, 3);
  }
}
