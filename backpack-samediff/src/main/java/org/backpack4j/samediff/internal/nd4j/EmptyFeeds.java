package org.backpack4j.samediff.internal.nd4j;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.listeners.At;
import org.nd4j.autodiff.listeners.BaseListener;
import org.nd4j.autodiff.listeners.Operation;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.OpContext;

/**
 * Keeps SameDiff's own {@code output} of a graph from running native ops on feeds without a sample,
 * of which the Java machine may die: a listener that sees each op before it runs. It is not saved
 * with the graph.
 */
public final class EmptyFeeds extends BaseListener {
  private EmptyFeeds() {}

  /**
   * Refuses empty feeds from now on.
   *
   * @param graph the graph
   */
  public static void refuse(SameDiff graph) {
    graph.addListeners(new EmptyFeeds());
  }

  @Override
  public boolean isActive(Operation operation) {
    return true;
  }

  /**
   * Looks at what an op reads of placeholders.
   *
   * @param graph the graph that runs
   * @param at where it is
   * @param op the op
   * @param context what the op reads
   * @throws IllegalArgumentException if a placeholder is fed an array without entries
   */
  @Override
  public void preOpExecution(
      SameDiff graph, At at, @Nullable SameDiffOp op, @Nullable OpContext context) {
    if (op == null || op.getInputsToOp() == null || context == null) {
      return;
    }
    List<INDArray> arrays = context.getInputArrays();
    List<String> names = op.getInputsToOp();
    for (int k = 0; k < Math.min(names.size(), arrays.size()); k++) {
      INDArray array = arrays.get(k);
      if (array != null && array.isEmpty()) {
        SDVariable variable = graph.getVariable(names.get(k));
        if (variable != null && variable.isPlaceHolder()) {
          throw new IllegalArgumentException(
              "\""
                  + names.get(k)
                  + "\" is fed no sample. SameDiff's own output cannot compute that; the output of"
                  + " the extended graph can.");
        }
      }
    }
  }
}
