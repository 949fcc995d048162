package org.backpack4j.samediff.internal.nd4j;

import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * A custom op that is its name and its arguments, and nothing else.
 *
 * <p>M2.1 writes an op's attributes beside the arguments and fails when it reads some of them back
 * (a field of type {@code Integer}). The arguments alone are enough to compute the op. When the
 * graph is loaded, the op is of ND4J's own class again.
 */
public final class PlainOp extends DynamicCustomOp {
  /** For copies, which set the fields. */
  public PlainOp() {}

  /** An op with the name and the arguments of {@code op}, not yet part of a graph. */
  PlainOp(DynamicCustomOp op) {
    super(op.opName());
    setOwnName(op.getOwnName());
    addIArgument(op.iArgs());
    addTArgument(op.tArgs());
    addBArgument(op.bArgs());
    addDArgument(op.dArgs());
    addSArgument(op.sArgs());
  }

  @Override
  public Map<String, Object> propertiesForFunction() {
    return Map.of();
  }

  @Override
  public List<SDVariable> doDiff(List<SDVariable> gradients) {
    throw new UnsupportedOperationException(
        "The op \"" + getOwnName() + "\" (" + opName() + ") has no gradient of its own here.");
  }
}
