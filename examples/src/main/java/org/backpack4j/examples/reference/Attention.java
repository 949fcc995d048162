package org.backpack4j.examples.reference;

import java.util.ArrayList;
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
    for (String name :
        new String[] {"scaleddotproductattention", "dotproductattention", "sdpa", "attention"}) {
      table.put(name, c -> hasProjections(c) ? multiHead(c) : scaledDotProduct(c));
    }
    for (String name :
        new String[] {"multiheadattention", "multiheadselfattention", "selfattention"}) {
      table.put(name, Attention::multiHead);
    }
  }

  private static Tensor scaledDotProduct(ModuleContext c) {
    Tensor query = c.input();
    Tensor key = c.inputs().size() > 1 ? c.input(1) : query;
    Tensor value = c.inputs().size() > 2 ? c.input(2) : key;
    long heads = c.attributes().integer("num_heads", 1);
    return query.rank() == 3 && heads > 1
        ? joined(attend(c, apart(query, heads), apart(key, heads), apart(value, heads)))
        : attend(c, query, key, value);
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
    long heads = c.attributes().integer("num_heads", 1);
    List<Tensor> projected = projected(c, List.of(query, key, value));
    Tensor attended =
        attend(
            c,
            apart(projected.get(0), heads),
            apart(projected.get(1), heads),
            apart(projected.get(2), heads));
    Tensor result = affine(c, joined(attended), "out_proj", "out", "o_proj", "proj");
    return samplesFirst ? result : result.transpose(0, 1);
  }

  private static Tensor other(ModuleContext c, int index, Tensor otherwise, boolean samplesFirst) {
    if (c.inputs().size() <= index) {
      return otherwise;
    }
    Tensor input = c.input(index);
    return samplesFirst ? input : input.transpose(0, 1);
  }

  private static boolean hasProjections(ModuleContext c) {
    return c.hasParameter("in_proj_weight")
        || c.hasParameter("q_proj_weight")
        || c.hasParameter("q_proj.weight")
        || c.hasParameter("q.weight")
        || c.hasParameter("query.weight");
  }

  /** Query, key and value through their weights, which stand apart or beside each other. */
  private static List<Tensor> projected(ModuleContext c, List<Tensor> inputs) {
    if (!c.hasParameter("in_proj_weight") && !c.hasParameter("q_proj_weight")) {
      return List.of(
          affine(c, inputs.get(0), "q_proj", "q", "query"),
          affine(c, inputs.get(1), "k_proj", "k", "key"),
          affine(c, inputs.get(2), "v_proj", "v", "value"));
    }
    List<Tensor> weights =
        c.hasParameter("in_proj_weight")
            ? c.parameter("in_proj_weight").split(3, 0)
            : List.of(
                c.parameter("q_proj_weight"),
                c.parameter("k_proj_weight"),
                c.parameter("v_proj_weight"));
    List<Tensor> projected = new ArrayList<>();
    for (int i = 0; i < weights.size(); i++) {
      projected.add(inputs.get(i).matmul(weights.get(i), true));
    }
    if (c.hasParameter("in_proj_bias")) {
      List<Tensor> biases = c.parameter("in_proj_bias").split(3, 0);
      for (int i = 0; i < biases.size(); i++) {
        projected.set(i, projected.get(i).plus(biases.get(i)));
      }
    }
    return projected;
  }

  /** A linear layer under the first of these names that there is. */
  private static Tensor affine(ModuleContext c, Tensor x, String... names) {
    for (String name : names) {
      if (c.hasParameter(name + ".weight")) {
        return Linears.affine(c, x, name + ".weight", name + ".bias");
      }
    }
    throw c.unsupported("no weight " + String.join(", ", names));
  }

  /** [N, T, E] as [N, heads, T, E / heads]. */
  private static Tensor apart(Tensor x, long heads) {
    return x.reshape(x.size(0), x.size(1), heads, x.size(2) / heads).permute(0, 2, 1, 3);
  }

  /** [N, heads, T, E / heads] as [N, T, E]. */
  private static Tensor joined(Tensor x) {
    return x.permute(0, 2, 1, 3).reshape(x.size(0), x.size(2), -1);
  }
}
