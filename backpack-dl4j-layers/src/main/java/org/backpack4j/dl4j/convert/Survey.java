package org.backpack4j.dl4j.convert;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.dropout.IDropout;

/**
 * What a network's configuration tells before anything is converted.
 *
 * @param obstacles by the steps' names, what stands in the way of each
 * @param dropouts what changes layers' inputs at random, by the names of the placeholders for what
 *     DL4J draws
 */
record Survey(Map<String, List<Obstacle>> obstacles, Map<String, IDropout> dropouts) {
  /**
   * Looks at every step.
   *
   * @param iteration whether the random numbers of an iteration can be had
   */
  static Survey of(Network network, Tables tables, boolean iteration) {
    Map<String, List<Obstacle>> obstacles = new LinkedHashMap<>();
    Map<String, IDropout> dropouts = new LinkedHashMap<>();
    for (Step step : network.steps()) {
      Obstacles found = new Obstacles(tables, step, iteration);
      if (step.preprocessor() != null) {
        found.preprocessor(step.preprocessor());
      }
      if (step.layer() != null) {
        found.layer(step.layer());
        if (network.truncated()) {
          Truncation.check(step.layer(), found);
        }
      } else if (step.vertex() != null) {
        found.vertex(step.vertex());
      }
      if (!found.found().isEmpty()) {
        obstacles.put(step.name(), found.found());
      }
      for (IDropout dropout : found.dropouts()) {
        dropouts.put(step.name() + ".dropout." + dropouts.size(), dropout);
      }
    }
    return new Survey(obstacles, dropouts);
  }

  /** All obstacles. */
  List<Obstacle> all() {
    return obstacles.values().stream().flatMap(List::stream).toList();
  }
}
