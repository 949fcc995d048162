package org.backpack4j.dl4j;

import java.util.List;
import java.util.stream.Collectors;
import org.backpack4j.dl4j.convert.Obstacle;

/** Thrown when a network cannot be converted. Lists every obstacle at once. */
public final class UnconvertibleNetworkException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final transient List<Obstacle> obstacles;

  /**
   * An exception.
   *
   * @param obstacles what stands in the way
   */
  public UnconvertibleNetworkException(List<Obstacle> obstacles) {
    super(
        "The network cannot be converted:\n"
            + obstacles.stream().map(o -> "  " + o).collect(Collectors.joining("\n")));
    this.obstacles = List.copyOf(obstacles);
  }

  /**
   * What stands in the way.
   *
   * @return the obstacles
   */
  public List<Obstacle> obstacles() {
    return obstacles;
  }
}
