package org.backpack4j.samediff.graph;

import java.util.Objects;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;

/** What a graph is known to have, by name. */
final class Lookup {
  private Lookup() {}

  static Variable variable(SameDiff graph, String name) {
    return Objects.requireNonNull(graph.getVariables().get(name), name);
  }

  static SameDiffOp op(SameDiff graph, String name) {
    return Objects.requireNonNull(graph.getOps().get(name), name);
  }
}
