package org.backpack4j.samediff.check;

import java.util.Collection;
import java.util.regex.Pattern;
import org.backpack4j.samediff.graph.Walk;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/** Ops that draw random numbers. */
final class RandomOps {
  private static final Pattern NAMES =
      Pattern.compile("random.*|distribution_.*|dropout.*|alpha_dropout|choice|probablistic_merge");

  private RandomOps() {}

  /**
   * Refuses a graph whose losses need random numbers: no two evaluations are alike, and each would
   * take numbers away from the person's training.
   *
   * @throws UnsupportedOperationException with the name of the op
   */
  static void refuse(SameDiff graph, Collection<String> losses) {
    for (SameDiffOp op : Walk.order(graph, losses)) {
      if (NAMES.matcher(op.getOp().opName()).matches()) {
        throw new UnsupportedOperationException(
            "The op \""
                + op.getName()
                + "\" ("
                + op.getOp().opName()
                + ") draws random numbers, so that the loss has no derivative to speak of: build"
                + " the graph without it, as for inference.");
      }
    }
  }
}
