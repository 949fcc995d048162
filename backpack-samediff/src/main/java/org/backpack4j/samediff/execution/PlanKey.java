package org.backpack4j.samediff.execution;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a plan is made for: the shapes of the feeds, and what is asked for. */
record PlanKey(Map<String, List<Long>> shapes, List<String> names) {

  static PlanKey of(Map<String, INDArray> feeds, Collection<String> names) {
    Map<String, List<Long>> shapes = new TreeMap<>();
    feeds.forEach(
        (name, array) -> {
          List<Long> shape = new ArrayList<>();
          for (long extent : array.shape()) {
            shape.add(extent);
          }
          shapes.put(name, shape);
        });
    return new PlanKey(shapes, List.copyOf(names));
  }
}
