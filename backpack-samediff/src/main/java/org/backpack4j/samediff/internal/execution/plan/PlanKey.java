package org.backpack4j.samediff.internal.execution.plan;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a plan is made for: the shapes, types and layouts of the feeds, and what is asked for. */
public record PlanKey(Map<String, Feed> feeds, List<String> names, boolean handed) {

  /** What matters about a feed. */
  record Feed(List<Long> shape, DataType type, boolean contiguous) {}

  /**
   * The key of an evaluation.
   *
   * @param handed whether each result is handed out as soon as it is there
   */
  public static PlanKey of(Map<String, INDArray> feeds, Collection<String> names, boolean handed) {
    Map<String, Feed> shapes = new TreeMap<>();
    feeds.forEach(
        (name, array) -> {
          List<Long> shape = new ArrayList<>();
          for (long extent : array.shape()) {
            shape.add(extent);
          }
          shapes.put(name, new Feed(shape, array.dataType(), Source.isContiguous(array)));
        });
    return new PlanKey(shapes, List.copyOf(names), handed);
  }
}
