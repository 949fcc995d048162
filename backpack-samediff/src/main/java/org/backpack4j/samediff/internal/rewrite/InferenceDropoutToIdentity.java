package org.backpack4j.samediff.internal.rewrite;

import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.impl.transforms.same.Identity;

/**
 * Lets dropout that keeps every entry, as at inference, be an identity. So it draws no random
 * numbers, which a training would miss.
 */
public final class InferenceDropoutToIdentity {
  private InferenceDropoutToIdentity() {}

  /**
   * Replaces such ops, in place.
   *
   * @param graph a graph of one's own
   */
  public static void apply(SameDiff graph) {
    for (SameDiffOp node : graph.getOps().values()) {
      if (keepsAll(node.getOp())) {
        Identity identity = new Identity();
        identity.setSameDiff(graph);
        identity.setOwnName(node.getName());
        node.setOp(identity);
      }
    }
  }

  /**
   * Whether an op is dropout with a probability of keeping an entry of 1: the op's only argument.
   *
   * @param function an op
   * @return true if it answers what it is given, and nothing has to be drawn for that
   */
  public static boolean keepsAll(DifferentialFunction function) {
    String name = function.opName();
    Object[] arguments = function instanceof Op op ? op.extraArgs() : null;
    return (name.equals("dropout") || name.equals("dropout_inverted"))
        && arguments != null
        && arguments.length > 0
        && arguments[0] instanceof Number kept
        && kept.doubleValue() == 1;
  }
}
