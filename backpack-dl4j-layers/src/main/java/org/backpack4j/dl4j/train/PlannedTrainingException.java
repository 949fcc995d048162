package org.backpack4j.dl4j.train;

import java.util.List;
import java.util.stream.Collectors;
import org.backpack4j.dl4j.Obstacle;

/**
 * Thrown when planned steps cannot take over a training, or a batch of it. Lists every obstacle; no
 * parameter has been changed by the batch that it is about.
 */
public final class PlannedTrainingException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final transient List<Obstacle> obstacles;

  /**
   * An exception.
   *
   * @param obstacles what stands in the way
   */
  public PlannedTrainingException(List<Obstacle> obstacles) {
    super(
        "Planned steps cannot take over this training:\n"
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
