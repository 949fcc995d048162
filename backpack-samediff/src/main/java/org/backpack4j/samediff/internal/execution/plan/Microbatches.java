package org.backpack4j.samediff.internal.execution.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;

/** Dividing samples into groups. */
final class Microbatches {
  private Microbatches() {}

  /**
   * As many samples in each group.
   *
   * @param samples the number of samples in a group
   * @param times the number of such groups
   */
  record Group(long samples, long times) {}

  /**
   * The number of samples in the feeds; 0 if they do not agree, or no feed is known to have any.
   */
  static long samples(Map<String, long[]> feeds, Map<String, ExecutionOptions.Axis> axes) {
    long samples = 0;
    for (Map.Entry<String, long[]> feed : feeds.entrySet()) {
      ExecutionOptions.Axis axis = axes.get(feed.getKey());
      if (axis != null) {
        long here = axis.samples(feed.getValue());
        if (here <= 0 || (samples > 0 && samples != here)) {
          return 0;
        }
        samples = here;
      }
    }
    return samples;
  }

  /** The shapes of the feeds when there are fewer samples. */
  static Map<String, long[]> shapes(
      Map<String, long[]> feeds, Map<String, ExecutionOptions.Axis> axes, long samples) {
    Map<String, long[]> shapes = new HashMap<>();
    feeds.forEach(
        (name, shape) -> {
          ExecutionOptions.Axis axis = axes.get(name);
          shapes.put(name, axis == null ? shape : axis.with(shape, samples));
        });
    return shapes;
  }

  /** At most so many samples in a group, and no two groups that differ by more than one. */
  static List<Group> groups(long samples, long most) {
    long times = (samples + most - 1) / most;
    long few = samples / times;
    long larger = samples % times;
    List<Group> groups = new ArrayList<>();
    if (larger > 0) {
      groups.add(new Group(few + 1, larger));
    }
    groups.add(new Group(few, times - larger));
    return groups;
  }
}
