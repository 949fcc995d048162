package org.backpack4j.samediff.internal.nd4j;

import java.util.List;
import org.backpack4j.samediff.internal.rewrite.WrittenOutVariance;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.summarystats.Variance;

/**
 * Makes a graph survive M2.1's file format: it computes the same after save and load.
 *
 * <ul>
 *   <li>An op that has the name of a variable which it does not compute gets another name: M2.1
 *       takes that variable for the op's output when it reads.
 *   <li>An op object whose attributes cannot be read back ({@code logSoftmax} with an axis) becomes
 *       a plain custom op of the same name, inputs and arguments.
 *   <li>A variance that is not bias-corrected, which is read back as one that is, is written out.
 * </ul>
 *
 * <p>For {@code lstmLayer} and {@code car} ({@code replaceWhere} by entries of another variable)
 * there is no cure: a graph with one cannot be loaded.
 */
public final class SaveRepair {
  private SaveRepair() {}

  /**
   * Repairs what can be repaired, in place.
   *
   * @param graph the graph, a copy of the person's
   */
  public static void apply(SameDiff graph) {
    OpNames.keepApartFromVariables(graph);
    for (SameDiffOp node : List.copyOf(graph.getOps().values())) {
      if (!SavedForm.isExact(graph, node, node.getOp())) {
        repair(graph, node);
      }
    }
  }

  /**
   * The ops that save and load would lose or change; after {@link #apply}, those for which there is
   * no cure.
   *
   * @param graph the graph
   * @return the ops
   */
  public static List<SameDiffOp> lost(SameDiff graph) {
    return graph.getOps().values().stream()
        .filter(node -> !SavedForm.isExact(graph, node, node.getOp()))
        .toList();
  }

  private static void repair(SameDiff graph, SameDiffOp node) {
    if (node.getOp() instanceof Variance variance) {
      WrittenOutVariance.replace(graph, node, variance);
    } else if (node.getOp() instanceof DynamicCustomOp op) {
      PlainOp plain = new PlainOp(op);
      if (SavedForm.isExact(graph, node, plain)) {
        plain.setSameDiff(graph);
        node.setOp(plain);
      }
    }
  }
}
