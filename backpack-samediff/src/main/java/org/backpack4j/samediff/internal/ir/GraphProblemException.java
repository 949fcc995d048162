package org.backpack4j.samediff.internal.ir;

import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Thrown where the shapes of a graph cannot be found out. */
public final class GraphProblemException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final transient List<GraphProblem> hindrances;

  /**
   * An exception.
   *
   * @param hindrances what stands in the way
   * @param cause what came of it; null if nothing was run
   */
  public GraphProblemException(List<GraphProblem> hindrances, @Nullable Throwable cause) {
    super(hindrances.stream().map(GraphProblem::toString).collect(Collectors.joining("\n")), cause);
    this.hindrances = List.copyOf(hindrances);
  }

  /**
   * What stands in the way.
   *
   * @return each hindrance once
   */
  public List<GraphProblem> hindrances() {
    return hindrances;
  }
}
