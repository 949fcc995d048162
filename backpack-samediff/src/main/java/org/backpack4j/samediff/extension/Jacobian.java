package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The derivative of the predictions of each sample, {@code jacobian} [N, V, P…]: row v is the
 * gradient of a sample's prediction number v. V counts the entries of all predictions of one
 * sample, one prediction behind the other, each in 'c' order.
 *
 * <p>The predictions are what the losses compare with labels: of softmax or sigmoid cross-entropy
 * the logits. {@code BackPack.on(sd).predictions(…)} names others. Nothing of the loss but that
 * enters, neither its reduction nor its weights.
 *
 * <p>Of an input or activation that {@code BackPack.on(sd).variables(…)} asks for it is the
 * derivative by each sample's own: [N, V, F…].
 */
public final class Jacobian implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  /** The Jacobian. */
  public Jacobian() {}

  @Override
  public String field() {
    return "jacobian";
  }

  @Override
  public Columns columns() {
    return Columns.UNIT;
  }

  @Override
  public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
    return contributions.get(0).perSample();
  }

  @Override
  public Combination combination(String result) {
    return Combination.rows(0);
  }
}
