package org.backpack4j.samediff.internal.interpret;

import java.util.List;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/** Keeps {@code gather} from reading beyond its table: M2.1 does not look, and crashes the JVM. */
final class TableBounds {
  private TableBounds() {}

  /**
   * Checks the indices of a node, if it is one that has some.
   *
   * @throws IllegalArgumentException if one is out of bounds
   */
  static void check(SameDiffOp node, List<INDArray> inputs) {
    if (!(node.getOp() instanceof DynamicCustomOp op)
        || !op.opName().equals("gather")
        || inputs.size() < 2
        || inputs.get(1).isEmpty()) {
      return;
    }
    INDArray table = inputs.get(0);
    int axis = op.numIArguments() > 0 ? (int) op.iArgs()[0] : 0;
    long rows = table.size(axis);
    long least = inputs.get(1).minNumber().longValue();
    long most = inputs.get(1).maxNumber().longValue();
    if (least < 0 || most >= rows) {
      throw new IllegalArgumentException(
          "The op \""
              + node.getName()
              + "\" (gather) reads at the index "
              + (least < 0 ? least : most)
              + " of an axis of extent "
              + rows
              + ": count from 0 to "
              + (rows - 1)
              + ".");
    }
  }
}
