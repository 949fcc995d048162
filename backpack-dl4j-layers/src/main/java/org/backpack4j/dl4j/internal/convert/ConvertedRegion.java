package org.backpack4j.dl4j.internal.convert;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.dl4j.Obstacle;

/**
 * What lies below the steps at which a graph begins because they could not be converted: there the
 * graph's gradient is not the network's, even where another way around leads to the loss.
 */
final class ConvertedRegion {
  private final List<NetworkNode> steps;
  private final Map<String, Obstacle> ends = new LinkedHashMap<>();

  ConvertedRegion(Network network) {
    this.steps = network.steps();
  }

  /** Lets the graph begin behind a step. */
  void end(String step, Obstacle obstacle) {
    ends.put(step, obstacle);
  }

  /** The steps behind which the graph begins. */
  Set<String> ends() {
    return Set.copyOf(ends.keySet());
  }

  /** Whether a step reads one behind which the graph begins. */
  boolean endsAt(String reader) {
    return steps.stream()
        .anyMatch(s -> s.name().equals(reader) && s.inputs().stream().anyMatch(ends::containsKey));
  }

  /** The parameters that have no quantities, with what stands in the way. */
  Map<String, Obstacle> parameters() {
    Map<String, Obstacle> below = new LinkedHashMap<>(ends);
    for (int k = steps.size() - 1; k >= 0; k--) {
      NetworkNode step = steps.get(k);
      Obstacle obstacle = below.get(step.name());
      if (obstacle != null) {
        step.inputs().forEach(i -> below.putIfAbsent(i, obstacle));
      }
    }
    Map<String, Obstacle> parameters = new LinkedHashMap<>();
    for (NetworkNode step : steps) {
      Obstacle obstacle = below.get(step.name());
      if (obstacle != null) {
        step.parameters()
            .get()
            .keySet()
            .forEach(p -> parameters.put(step.name() + "_" + p, obstacle));
      }
    }
    return parameters;
  }
}
