package org.backpack4j.samediff.internal.evaluate;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.extend.Noise;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/** What the planned execution may know about samples, to work through a few of them at a time. */
public final class SamplePortions {
  private SamplePortions() {}

  /**
   * Where every variable of the extended graph has the samples, and what is a sum over them.
   *
   * <p>Nothing, where samples influence each other other than in sums and means over all of them
   * (which have no samples any more), or where something is folded into an axis before them.
   *
   * @param seeds where backpropagation starts: what is behind takes most memory
   */
  public static ExecutionOptions.Portioning of(
      SameDiff graph, Annotations annotations, Map<Node, Rule> rules, Set<Tensor> seeds) {
    Emitter emit = annotations.emit();
    if (rules.entrySet().stream().anyMatch(e -> mixes(annotations, e.getKey(), e.getValue()))) {
      return ExecutionOptions.Portioning.NONE;
    }
    Map<String, ExecutionOptions.Axis> axes = new HashMap<>();
    Set<String> fed = new HashSet<>();
    for (SDVariable variable : graph.variables()) {
      String name = variable.name();
      BatchAxis place = annotations.knownPlacement(name);
      if (place != null && place.hasSamples()) {
        if (place.outer() != 1) {
          return ExecutionOptions.Portioning.NONE;
        }
        axes.put(name, new ExecutionOptions.Axis(place.axis(), 1, place.inner()));
        if (variable.isPlaceHolder()) {
          fed.add(name);
        }
      }
    }
    if (!emit.samplesOutermost()) {
      return ExecutionOptions.Portioning.NONE;
    }
    Set<String> totals = new HashSet<>();
    emit.emitted()
        .forEach(
            (name, value) -> {
              int axis = value.dims().sampleAxis();
              if (axis >= 0) {
                axes.put(name, new ExecutionOptions.Axis(axis, 1, value.dims().get(axis).size()));
              } else if (emit.isTotal(value)) {
                totals.add(name);
              }
            });
    if (graph.hasVariable(Noise.PLACEHOLDER)) {
      axes.put(Noise.PLACEHOLDER, ExecutionOptions.Axis.of(0));
    }
    Set<String> starts = seeds.stream().map(Tensor::name).collect(Collectors.toSet());
    return new ExecutionOptions.Portioning(List.of(starts, fed), axes, totals);
  }

  private static boolean mixes(Annotations annotations, Node node, Rule rule) {
    return node.outputs().stream()
        .map(annotations::batchAxis)
        .anyMatch(p -> p.coupling() != null && (p.hasSamples() || !rule.pullsSampleBySample()));
  }
}
