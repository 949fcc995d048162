package org.backpack4j.dl4j.train;

import java.util.List;
import java.util.stream.Collectors;
import org.backpack4j.dl4j.Obstacle;

/** Thrown when a network cannot be trained with differential privacy. Lists every obstacle. */
public final class PrivacyRefusedException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final transient List<Obstacle> obstacles;

  /**
   * An exception.
   *
   * @param obstacles what stands in the way
   */
  public PrivacyRefusedException(List<Obstacle> obstacles) {
    super(
        "The network cannot be trained with differential privacy:\n"
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
