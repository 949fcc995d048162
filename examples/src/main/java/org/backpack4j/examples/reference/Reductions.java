package org.backpack4j.examples.reference;

import java.util.Arrays;
import java.util.Map;

/** Reductions over axes other than the samples'. */
final class Reductions {

  private Reductions() {}

  private interface Reduction {
    Tensor apply(Tensor x, boolean keep, int... axes);
  }

  static void register(Map<String, Module> table) {
    table.put("mean", c -> reduce(c, Tensor::mean));
    table.put("amax", c -> reduce(c, Tensor::max));
    table.put("amin", c -> reduce(c, Tensor::min));
    table.put("sum", c -> c.inputs().size() > 1 ? Arithmetic.add(c) : reduce(c, Tensor::sum));
  }

  private static Tensor reduce(ModuleContext c, Reduction reduction) {
    Tensor x = c.input();
    int[] axes =
        c.attributes()
            .integers("dim", "dims", "axis")
            .map(list -> Arrays.stream(list).mapToInt(x::axis).toArray())
            .orElse(x.axesFrom(1));
    boolean keep = c.attributes().flag("keepdim", false);
    return reduction.apply(x, keep, axes);
  }
}
