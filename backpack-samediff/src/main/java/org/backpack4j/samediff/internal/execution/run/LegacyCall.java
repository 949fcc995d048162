package org.backpack4j.samediff.internal.execution.run;

import java.util.List;
import org.backpack4j.samediff.internal.nd4j.OpFields;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseOp;
import org.nd4j.linalg.api.ops.BaseReduceOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.ReduceOp;
import org.nd4j.linalg.api.ops.ScalarOp;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.factory.Nd4j;

/**
 * An op of ND4J's older kind (transforms, reductions, scalar ops), which holds its arrays in the op
 * object itself: this is a private duplicate of the graph's.
 */
public final class LegacyCall implements Call {
  private final BaseOp op;
  private final boolean takesY;

  /**
   * @param inputs what the op is going to work on; an axis or a scalar among them is read here and
   *     now
   */
  LegacyCall(SameDiffOp node, List<INDArray> inputs) {
    this.op = copy(node, inputs);
    this.takesY = inputs.size() == 2 && op.y() != null;
  }

  /** Whether an input is no operand but says how the op works, so that it has to be known. */
  public static boolean isSetting(SameDiffOp node, int input) {
    boolean reduction =
        node.getOp() instanceof ReduceOp && node.getOp().opType() != Op.Type.REDUCE3;
    return input == 1 && (reduction || node.getOp() instanceof ScalarOp);
  }

  /** A duplicate of the node's op that has its inputs, and no output. */
  public static BaseOp copy(SameDiffOp node, List<INDArray> inputs) {
    BaseOp op = (BaseOp) OpFields.copy(node.getOp());
    if (!inputs.isEmpty()) {
      op.setX(inputs.get(0));
    }
    if (inputs.size() == 2) {
      if (!isSetting(node, 1)) {
        op.setY(inputs.get(1));
      } else if (op instanceof ScalarOp scalarOp) {
        scalarOp.setScalar(inputs.get(1));
      } else {
        int[] axes = Shape.normalizeAxis(op.x().rank(), inputs.get(1).toIntVector());
        ((BaseReduceOp) op).setDimensions(axes);
      }
    }
    return op;
  }

  @Override
  public void bind(INDArray[] inputs, INDArray[] outputs) {
    if (inputs.length > 0) {
      op.setX(inputs[0]);
    }
    if (takesY) {
      op.setY(inputs[1]);
    }
    op.setZ(outputs[0]);
  }

  @Override
  public void run() {
    Nd4j.exec((Op) op);
  }
}
