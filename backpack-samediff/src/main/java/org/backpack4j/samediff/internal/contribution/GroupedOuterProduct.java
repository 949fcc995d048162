package org.backpack4j.samediff.internal.contribution;

import java.util.Optional;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Factors;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The contribution to a weight whose channels are worked apart, as in a depthwise convolution: a
 * product for each channel, as if every sample were one sample for each channel.
 *
 * @param inner the contributions [N · groups, V, P…], with the signs repeated for every group
 * @param groups how many channels
 * @param signs the columns' signs [N, V] or [1, V]; null if all are +1
 */
public record GroupedOuterProduct(ParameterVjp inner, long groups, @Nullable Tensor signs)
    implements ParameterVjp {

  /**
   * Repeats signs for every group.
   *
   * @param emit where ops are inserted
   * @param signs [N, V] or [1, V]; null if all are +1
   * @param groups how many groups
   * @return [N · groups, V] or [1, V]
   */
  public static @Nullable Tensor repeated(Emitter emit, @Nullable Tensor signs, long groups) {
    if (signs == null || !signs.dims().get(0).samples()) {
      return signs;
    }
    Dim n = signs.dims().get(0);
    Dim v = signs.dims().get(1);
    Tensor apart = emit.reshape(signs, Dims.of(n, Dim.ONE, v));
    Tensor all = emit.broadcast(apart, Dims.of(n, Dim.of(groups), v));
    return emit.reshape(all, Dims.of(n.times(Dim.of(groups)), v));
  }

  @Override
  public Emitter emit() {
    return inner.emit();
  }

  @Override
  public Dim samples() {
    Dim all = inner.samples();
    return new Dim(all.size() / groups, all.samples());
  }

  /** [N · groups, …] as [N, groups, …]. */
  private Tensor apart(Tensor value) {
    return emit().reshape(value, Dims.of(samples(), Dim.of(groups)).plus(value.dims().from(1)));
  }

  @Override
  public Tensor perSample() {
    Tensor g = apart(inner.perSample());
    int[] order = new int[g.rank()];
    for (int k = 0; k < order.length; k++) {
      order[k] = k == 1 ? 2 : k == 2 ? 1 : k;
    }
    return emit().permute(g, order);
  }

  @Override
  public Tensor squaredPerSample() {
    return apart(inner.squaredPerSample());
  }

  @Override
  public Tensor squaredSum() {
    return emit().sumOverSamples(squaredPerSample());
  }

  @Override
  public Tensor squaredNorm() {
    return emit().sum(apart(inner.squaredNorm()), 1, 2);
  }

  /** The groups' outputs beside each other; the groups' inputs as if each were a sample's. */
  @Override
  public Optional<Factors> factors() {
    return inner.factors().map(this::joined);
  }

  private Factors joined(Factors each) {
    Dims dims = each.cotangents().dims();
    Dims apart = Dims.of(samples(), Dim.of(groups)).plus(dims.from(1));
    Tensor columnsFirst = emit().permute(emit().reshape(each.cotangents(), apart), 0, 2, 1, 3, 4);
    Dim outputs = Dim.of(groups).times(dims.get(2));
    Tensor all =
        emit().reshape(columnsFirst, Dims.of(samples(), dims.get(1), outputs, dims.get(3)));
    Dims matrices = Dims.of(Dim.of(groups), dims.get(2), Dim.of(each.length()));
    return new Factors(
        all,
        each.inputs(),
        each.lookup(),
        each.length(),
        matrix -> emit().reshape(matrix, matrices));
  }
}
