package org.backpack4j.dl4j;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Thrown when a network cannot be converted. Lists every obstacle at once, a line for each reason.
 */
public final class UnconvertibleNetworkException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** As many places are named in a line. */
  private static final int NAMED = 12;

  private final transient List<Obstacle> obstacles;

  /**
   * An exception.
   *
   * @param obstacles what stands in the way
   */
  public UnconvertibleNetworkException(List<Obstacle> obstacles) {
    super(
        "The network cannot be converted:\n"
            + alike(obstacles).stream().map(o -> "  " + o).collect(Collectors.joining("\n")));
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

  /** One obstacle for each reason and remedy, with all places. */
  private static List<Obstacle> alike(List<Obstacle> obstacles) {
    Map<List<String>, List<String>> places = new LinkedHashMap<>();
    for (Obstacle o : obstacles) {
      places
          .computeIfAbsent(List.of(o.reason(), o.remedy()), k -> new ArrayList<>())
          .add(o.where());
    }
    return places.entrySet().stream()
        .map(e -> new Obstacle(named(e.getValue()), e.getKey().get(0), e.getKey().get(1)))
        .toList();
  }

  private static String named(List<String> places) {
    String names = String.join(", ", places.stream().limit(NAMED).toList());
    return places.size() > NAMED ? names + ", … (" + places.size() + " in all)" : names;
  }
}
