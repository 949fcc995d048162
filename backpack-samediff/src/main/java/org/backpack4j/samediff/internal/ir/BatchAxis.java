package org.backpack4j.samediff.internal.ir;

import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.jspecify.annotations.Nullable;

/**
 * Where a variable has its sample axis. An axis may hold the samples folded with others: its extent
 * is then {@code outer · N · inner}, as the rows of a time-distributed dense layer, {@code
 * reshape(-1, F)} of [N, T, F], are with inner = T.
 *
 * @param kind how the variable depends on the samples
 * @param axis the axis that holds the samples, −1 if none does
 * @param outer how many blocks of all samples the axis holds
 * @param inner how many entries of one sample stand beside each other
 * @param coupling why the op that computes the variable lets samples influence each other; null if
 *     it does not
 */
public record BatchAxis(Kind kind, int axis, long outer, long inner, @Nullable String coupling) {
  /** How a variable depends on the samples. */
  public enum Kind {
    /** The same for every sample: parameters, constants and what is computed from them alone. */
    UNBATCHED,
    /** One part for each sample. */
    BATCHED,
    /** No sample axis, but computed from samples: a mean over the batch, the loss. */
    REDUCED
  }

  /** A variable that does not depend on samples. */
  public static final BatchAxis UNBATCHED = new BatchAxis(Kind.UNBATCHED, -1, 1, 1, null);

  /** A variable whose first axis is the sample axis. */
  public static final BatchAxis FIRST = samples(0);

  /**
   * A variable with one part for each sample.
   *
   * @param axis the sample axis
   * @return the batchAxis
   */
  public static BatchAxis samples(int axis) {
    return samples(axis, 1, 1);
  }

  /**
   * A variable with one part for each sample on a folded axis.
   *
   * @param axis the axis that holds the samples
   * @param outer how many blocks of all samples it holds
   * @param inner how many entries of one sample stand beside each other
   * @return the batchAxis
   */
  public static BatchAxis samples(int axis, long outer, long inner) {
    return new BatchAxis(Kind.BATCHED, axis, outer, inner, null);
  }

  /**
   * A variable computed from samples, without a sample axis.
   *
   * @param coupling what was done to the sample axis; null when nothing was at this op
   * @return the batchAxis
   */
  public static BatchAxis reduced(@Nullable String coupling) {
    return new BatchAxis(Kind.REDUCED, -1, 1, 1, coupling);
  }

  /**
   * The same batchAxis of a variable whose op lets samples influence each other.
   *
   * @param reason what the op does, a clause such as "softmax over the sample axis"
   * @return the batchAxis
   */
  public BatchAxis coupling(String reason) {
    return new BatchAxis(kind, axis, outer, inner, reason);
  }

  /**
   * The same batchAxis of a variable whose op leaves samples apart.
   *
   * @return the batchAxis without a reason
   */
  public BatchAxis withoutCoupling() {
    return coupling == null ? this : new BatchAxis(kind, axis, outer, inner, null);
  }

  /**
   * Whether there is one part for each sample.
   *
   * @return true for {@link Kind#BATCHED}
   */
  public boolean hasSamples() {
    return kind == Kind.BATCHED;
  }

  /**
   * Whether the sample axis holds something besides the samples.
   *
   * @return true if outer or inner is not one
   */
  public boolean folded() {
    return outer != 1 || inner != 1;
  }

  /**
   * The shape of one sample's part: the variable's shape without the sample axis, or with what is
   * left of a folded one.
   *
   * @param dims the variable's shape
   * @return the per-sample shape F; the whole shape for a variable without a sample axis
   */
  public Dims perSample(Dims dims) {
    if (!hasSamples()) {
      return dims;
    }
    return folded() ? dims.with(axis, Dim.of(outer * inner)) : dims.without(axis);
  }

  /**
   * The axis of one sample's part that an axis of the variable becomes.
   *
   * @param variableAxis an axis of the variable, not the sample axis unless that is folded
   * @return the axis in the per-sample shape
   */
  public int perSampleAxis(int variableAxis) {
    return hasSamples() && !folded() && variableAxis > axis ? variableAxis - 1 : variableAxis;
  }
}
