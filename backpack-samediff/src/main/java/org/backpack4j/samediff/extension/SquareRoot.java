package org.backpack4j.samediff.extension;

import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/** Columns of all sources, columns first. */
final class SquareRoot {
  private SquareRoot() {}

  /**
   * The columns.
   *
   * @return [V, N, P…]
   */
  static Tensor of(Emitter emit, List<ParameterVjp> contributions) {
    List<Tensor> columns = contributions.stream().map(ParameterVjp::perSample).toList();
    Tensor all = columns.size() == 1 ? columns.get(0) : emit.concat(1, columns);
    int[] order = new int[all.rank()];
    for (int k = 0; k < order.length; k++) {
      order[k] = k < 2 ? 1 - k : k;
    }
    return emit.permute(all, order);
  }
}
