package org.backpack4j.dl4j.internal.convert;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.Obstacle;
import org.nd4j.linalg.activations.IActivation;

/**
 * What a network's configuration tells before anything is converted.
 *
 * @param obstacles by the steps' names, what stands in the way of each
 * @param draws what DL4J draws, by the names of the placeholders for it
 * @param noisy the steps whose parameters are changed at random
 */
record PreflightCheck(
    Map<String, List<Obstacle>> obstacles, Map<String, RandomDraw> draws, List<NetworkNode> noisy) {
  /**
   * Looks at every step.
   *
   * @param iteration whether the random numbers of an iteration can be had
   */
  static PreflightCheck of(Network network, ConverterRegistry tables, boolean iteration) {
    List<ObstacleSearch> all = new ArrayList<>();
    Map<IActivation, Integer> uses = new IdentityHashMap<>();
    for (NetworkNode step : network.steps()) {
      ObstacleSearch found =
          look(
              step,
              new ObstacleSearch(tables, step, iteration, network.outputs().size() == 1),
              network.truncated());
      found.randomFunctions().forEach(f -> uses.merge(f, 1, Integer::sum));
      all.add(found);
    }
    Map<String, List<Obstacle>> obstacles = new LinkedHashMap<>();
    Map<String, RandomDraw> draws = new LinkedHashMap<>();
    List<NetworkNode> noisy = new ArrayList<>();
    for (ObstacleSearch found : all) {
      String name = found.step().name();
      found.shared(uses);
      if (!found.found().isEmpty()) {
        obstacles.put(name, found.found());
      }
      found.draws().forEach(d -> draws.put(name + ".drawn." + draws.size(), d));
      if (found.noisy()) {
        noisy.add(found.step());
      }
    }
    return new PreflightCheck(obstacles, draws, noisy);
  }

  private static ObstacleSearch look(NetworkNode step, ObstacleSearch found, boolean truncated) {
    if (step.preprocessor() != null) {
      found.preprocessor(step.preprocessor());
    }
    if (step.layer() != null) {
      found.layer(step.layer());
      if (truncated) {
        TbpttSupport.check(step.layer(), found);
      }
    } else if (step.vertex() != null) {
      found.vertex(step.vertex());
    }
    return found;
  }

  /** All obstacles. */
  List<Obstacle> all() {
    return obstacles.values().stream().flatMap(List::stream).toList();
  }
}
