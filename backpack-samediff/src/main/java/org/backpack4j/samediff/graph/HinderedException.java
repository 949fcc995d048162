package org.backpack4j.samediff.graph;

import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Thrown where the shapes of a graph cannot be found out. */
public final class HinderedException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final transient List<Hindrance> hindrances;

  /**
   * An exception.
   *
   * @param hindrances what stands in the way
   * @param cause what came of it; null if nothing was run
   */
  public HinderedException(List<Hindrance> hindrances, @Nullable Throwable cause) {
    super(hindrances.stream().map(Hindrance::toString).collect(Collectors.joining("\n")), cause);
    this.hindrances = List.copyOf(hindrances);
  }

  /**
   * What stands in the way.
   *
   * @return each hindrance once
   */
  public List<Hindrance> hindrances() {
    return hindrances;
  }
}
