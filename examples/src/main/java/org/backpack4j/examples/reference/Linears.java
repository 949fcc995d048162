package org.backpack4j.examples.reference;

import java.util.Map;

/** Products with a weight matrix, lookups in one, and products of two branches. */
final class Linears {

  private Linears() {}

  static void register(Map<String, Module> table) {
    table.put("linear", c -> affine(c, c.input(), "weight", "bias"));
    table.put("bilinear", Linears::bilinear);
    table.put("embedding", c -> embedding(c));
    table.put("embeddingbag", Linears::embeddingBag);
    for (String name : new String[] {"matmul", "bmm", "mm"}) {
      table.put(name, Linears::matmul);
    }
  }

  /** x Wᵀ + b over the last axis, whatever the others. */
  static Tensor affine(ModuleContext c, Tensor x, String weight, String bias) {
    Tensor product = x.matmul(c.parameter(weight), true);
    return c.hasParameter(bias) ? product.plus(c.parameter(bias)) : product;
  }

  /** x₁ᵀ W x₂ + b for each output. */
  private static Tensor bilinear(ModuleContext c) {
    Tensor weight = c.parameter("weight");
    long outputs = weight.size(0);
    Tensor left =
        c.input()
            .matmul(weight.permute(1, 0, 2).reshape(weight.size(1), -1), false)
            .reshape(-1, outputs, weight.size(2));
    Tensor product = left.times(c.input(1).unsqueeze(1)).sum(false, 2);
    return c.hasParameter("bias") ? product.plus(c.parameter("bias")) : product;
  }

  private static Tensor embedding(ModuleContext c) {
    Tensor weight = c.parameter("weight");
    Tensor indices = c.input();
    long[] shape = new long[indices.rank() + 1];
    for (int i = 0; i < indices.rank(); i++) {
      shape[i] = indices.size(i);
    }
    shape[indices.rank()] = weight.size(1);
    return Tensor.batched(c.graph().gather(weight.variable(), indices.variable(), 0), shape);
  }

  private static Tensor embeddingBag(ModuleContext c) {
    Tensor rows = embedding(c);
    return switch (c.attributes().text("mode", "mean")) {
      case "sum" -> rows.sum(false, 1);
      case "max" -> rows.max(false, 1);
      default -> rows.mean(false, 1);
    };
  }

  private static Tensor matmul(ModuleContext c) {
    Tensor left = c.input();
    if (c.attributes().flag("transpose_a", false)) {
      left = left.transpose(-2, -1);
    }
    return left.matmul(c.input(1), c.attributes().flag("transpose_b", false));
  }
}
