package org.backpack4j.samediff;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.backpack4j.samediff.backprop.Annotations;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.execution.Hints;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Node;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/** What the planned execution may know about samples, to work through a few of them at a time. */
final class SamplePortions {
  private SamplePortions() {}

  /**
   * Where every variable of the extended graph has the samples, and what is a sum over them.
   *
   * <p>Nothing, where samples influence each other other than in sums and means over all of them
   * (which have no samples any more), or where something is folded into an axis before them.
   *
   * @param seeds where backpropagation starts: what is behind takes most memory
   */
  static Hints.Portioning of(
      SameDiff graph, Annotations annotations, Map<Node, Rule> rules, Set<Tensor> seeds) {
    Emitter emit = annotations.emit();
    if (rules.entrySet().stream().anyMatch(e -> mixes(annotations, e.getKey(), e.getValue()))) {
      return Hints.Portioning.NONE;
    }
    Map<String, Hints.Axis> axes = new HashMap<>();
    Set<String> fed = new HashSet<>();
    for (SDVariable variable : graph.variables()) {
      String name = variable.name();
      Placement place = annotations.knownPlacement(name);
      if (place != null && place.hasSamples()) {
        if (place.outer() != 1) {
          return Hints.Portioning.NONE;
        }
        axes.put(name, new Hints.Axis(place.axis(), 1, place.inner()));
        if (variable.isPlaceHolder()) {
          fed.add(name);
        }
      }
    }
    if (!emit.samplesOutermost()) {
      return Hints.Portioning.NONE;
    }
    Set<String> totals = new HashSet<>();
    emit.emitted()
        .forEach(
            (name, value) -> {
              int axis = value.dims().sampleAxis();
              if (axis >= 0) {
                axes.put(name, new Hints.Axis(axis, 1, value.dims().get(axis).size()));
              } else if (emit.isTotal(value)) {
                totals.add(name);
              }
            });
    if (graph.hasVariable(Noise.PLACEHOLDER)) {
      axes.put(Noise.PLACEHOLDER, Hints.Axis.of(0));
    }
    Set<String> starts = seeds.stream().map(Tensor::name).collect(Collectors.toSet());
    return new Hints.Portioning(List.of(starts, fed), axes, totals);
  }

  private static boolean mixes(Annotations annotations, Node node, Rule rule) {
    return node.outputs().stream()
        .map(annotations::placement)
        .anyMatch(p -> p.mixing() != null && (p.hasSamples() || !rule.pullsSampleBySample()));
  }
}
