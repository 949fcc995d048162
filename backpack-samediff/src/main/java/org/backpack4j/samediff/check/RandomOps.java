package org.backpack4j.samediff.check;

import java.util.Collection;
import java.util.regex.Pattern;
import org.backpack4j.samediff.graph.Walk;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ops.impl.transforms.same.Identity;
import org.nd4j.linalg.api.ops.random.BaseRandomOp;

/** Ops that draw random numbers. */
final class RandomOps {
  private static final Pattern NAMES =
      Pattern.compile("random.*|distribution_.*|dropout.*|alpha_dropout|choice|probablistic_merge");

  private static final Pattern DROPOUT = Pattern.compile("dropout|dropout_inverted");

  private RandomOps() {}

  /**
   * Refuses a graph whose losses need random numbers: no two evaluations are alike, and each would
   * take numbers away from the person's training. Dropout that keeps everything, as at inference,
   * becomes an identity.
   *
   * @param graph a graph of one's own
   * @throws UnsupportedOperationException with the name of the op
   */
  static void refuse(SameDiff graph, Collection<String> losses) {
    for (SameDiffOp node : Walk.order(graph, losses)) {
      if (keepsEverything(node.getOp())) {
        Identity identity = new Identity();
        identity.setSameDiff(graph);
        identity.setOwnName(node.getName());
        node.setOp(identity);
      } else if (NAMES.matcher(node.getOp().opName()).matches()) {
        throw new UnsupportedOperationException(
            "The op \""
                + node.getName()
                + "\" ("
                + node.getOp().opName()
                + ") draws random numbers, so that the loss has no derivative to speak of: build"
                + " the graph without it, as for inference.");
      }
    }
  }

  /** Whether an op is dropout with a probability of keeping an entry of 1. */
  private static boolean keepsEverything(DifferentialFunction op) {
    return op instanceof BaseRandomOp random
        && DROPOUT.matcher(op.opName()).matches()
        && random.extraArgs() != null
        && random.extraArgs().length > 0
        && random.extraArgs()[0] instanceof Number keep
        && keep.doubleValue() == 1;
  }
}
