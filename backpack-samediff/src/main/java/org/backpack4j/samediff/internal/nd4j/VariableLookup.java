package org.backpack4j.samediff.internal.nd4j;

import java.util.Objects;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;

/** What a graph is known to have, by name. */
public final class VariableLookup {
  private VariableLookup() {}

  public static Variable variable(SameDiff graph, String name) {
    return Objects.requireNonNull(graph.getVariables().get(name), name);
  }

  public static SameDiffOp op(SameDiff graph, String name) {
    return Objects.requireNonNull(graph.getOps().get(name), name);
  }
}
