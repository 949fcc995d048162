package org.backpack4j.samediff.internal.rewrite;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.internal.nd4j.VariableLookup;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ops.impl.reduce.floating.Mean;
import org.nd4j.linalg.api.ops.impl.summarystats.Variance;

/**
 * Writes a variance without bias correction out: {@code v = mean(c * c)}, {@code c = x - mean(x)}.
 */
public final class WrittenOutVariance {
  private WrittenOutVariance() {}

  /**
   * Replaces the op of {@code node} by a mean, and what it reads by the squared deviations. A
   * variance with bias correction, of whole numbers, or over axes that are computed stays as it is.
   */
  public static void replace(SameDiff graph, SameDiffOp node, Variance variance) {
    SDVariable x = graph.getVariable(node.getInputsToOp().get(0));
    if (variance.isBiasCorrected()
        || node.getInputsToOp().size() != 1
        || !x.dataType().isFPType()) {
      return;
    }
    int[] axes = variance.dimensions().toIntVector();
    String scope = "backpack/" + node.getName() + "/";
    SDVariable centred = x.sub(scope + "centred", x.mean(scope + "mean", true, axes));
    SDVariable squared = centred.mul(scope + "squared", centred);

    Mean mean = new Mean();
    mean.setOwnName(node.getName());
    mean.setSameDiff(graph);
    mean.setDimensions(axes);
    mean.setKeepDims(variance.isKeepDims());
    node.setOp(mean);
    node.setInputsToOp(new ArrayList<>(List.of(squared.name())));
    VariableLookup.variable(graph, x.name()).getInputsForOp().remove(node.getName());
    VariableLookup.variable(graph, squared.name())
        .setInputsForOp(new ArrayList<>(List.of(node.getName())));
  }
}
