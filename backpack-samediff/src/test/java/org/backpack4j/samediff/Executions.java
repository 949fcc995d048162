package org.backpack4j.samediff;

import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.PlannedGraph;

/** Lets tests of other packages run an extended graph in other ways than its own. */
public final class Executions {
  private Executions() {}

  /** How the graph is executed. */
  public static ExecutionOptions options(ExtendedGraph graph) {
    return graph.options();
  }

  /** Another execution of the same graph. */
  public static PlannedGraph planned(ExtendedGraph graph, ExecutionOptions options) {
    return graph.planned(options);
  }
}
