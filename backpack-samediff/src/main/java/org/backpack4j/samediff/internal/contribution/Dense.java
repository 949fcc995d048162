package org.backpack4j.samediff.internal.contribution;

import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A contribution that is at hand, because computing it is no more work than reading the cotangent:
 * biases, scales, what went through another contribution.
 *
 * @param emit where ops are inserted
 * @param perSample G [N, V, P…]
 * @param signs the columns' signs
 */
public record Dense(Emitter emit, Tensor perSample, @Nullable Tensor signs)
    implements ParameterVjp {
  @Override
  public Dim samples() {
    return perSample.dims().get(0);
  }
}
