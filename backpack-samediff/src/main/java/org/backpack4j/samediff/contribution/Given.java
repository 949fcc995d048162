package org.backpack4j.samediff.contribution;

import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A contribution that is at hand, because computing it is no more work than reading the signal:
 * biases, scales, what went through another contribution.
 *
 * @param emit where ops are inserted
 * @param perSample G [N, V, P…]
 * @param signs the columns' signs
 */
public record Given(Emitter emit, Tensor perSample, @Nullable Tensor signs)
    implements Contribution {
  @Override
  public Dim samples() {
    return perSample.dims().get(0);
  }
}
