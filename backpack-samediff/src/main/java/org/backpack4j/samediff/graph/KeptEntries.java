package org.backpack4j.samediff.graph;

import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.impl.transforms.same.Identity;

/**
 * Lets dropout that keeps every entry, as at inference, be an identity. So it draws no random
 * numbers, which a training would miss.
 */
public final class KeptEntries {
  private KeptEntries() {}

  /**
   * Replaces such ops, in place.
   *
   * @param graph a graph of one's own
   */
  public static void apply(SameDiff graph) {
    for (SameDiffOp node : graph.getOps().values()) {
      String op = node.getOp().opName();
      if ((op.equals("dropout") || op.equals("dropout_inverted")) && keepsAll(node)) {
        Identity identity = new Identity();
        identity.setSameDiff(graph);
        identity.setOwnName(node.getName());
        node.setOp(identity);
      }
    }
  }

  /** The probability of keeping an entry is the op's only argument. */
  private static boolean keepsAll(SameDiffOp node) {
    Object[] arguments = node.getOp() instanceof Op op ? op.extraArgs() : null;
    return arguments != null
        && arguments.length > 0
        && arguments[0] instanceof Number kept
        && kept.doubleValue() == 1;
  }
}
