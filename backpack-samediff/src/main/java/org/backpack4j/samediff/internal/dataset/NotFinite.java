package org.backpack4j.samediff.internal.dataset;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.dataset.BatchException;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Finds the sample that makes something NaN or infinite. */
final class NotFinite {
  private NotFinite() {}

  /**
   * What to tell of a batch whose results are not finite.
   *
   * @param wrong the results
   * @param place where the batch stands
   * @param count how many samples it has
   */
  static BatchException of(GraphBatch batch, List<String> wrong, Place place, long count) {
    Map<String, Integer> axes = batch.graph().sampleAxes();
    for (Map.Entry<String, INDArray> feed : batch.feeds().entrySet()) {
      INDArray array = feed.getValue();
      if (array.dataType().isFPType() && !isFinite(array)) {
        Integer axis = axes.get(feed.getKey());
        if (axis == null) {
          return exception(
              wrong, place, -1, "\"" + feed.getKey() + "\" is fed entries that are not.");
        }
        for (long n = 0; n < count; n++) {
          if (!isFinite(part(array, axis, n))) {
            return exception(
                wrong, place, n, "\"" + feed.getKey() + "\" is fed entries that are not.");
          }
        }
      }
    }
    for (long n = 0; n < count; n++) {
      if (!isFinite(batch.graph(), sample(batch.feeds(), axes, n), wrong)) {
        return exception(wrong, place, n, "What it is fed is; parameters or the loss may not be.");
      }
    }
    return exception(wrong, place, -1, "No sample of it is by itself.");
  }

  /** What to tell of a batch whose loss divides by zero, though that of all samples may not. */
  static BatchException divided(List<String> wrong, Place place) {
    return exception(
        wrong,
        place,
        -1,
        "What its loss divides by is zero in this batch. Put its samples into a batch with others,"
            + " or let the loss add up (LossReduce.SUM, sum()).");
  }

  private static BatchException exception(
      List<String> wrong, Place place, long sample, String why) {
    String where = sample < 0 ? "" : " The first such sample is " + place.sample(sample) + ".";
    return place.exception(
        ": %s %s not finite.%s %s"
            .formatted(
                String.join(", ", wrong.subList(0, Math.min(3, wrong.size())))
                    + (wrong.size() > 3 ? ", …" : ""),
                wrong.size() == 1 ? "is" : "are",
                where,
                why),
        sample,
        null);
  }

  private static boolean isFinite(
      ExtendedGraph graph, Map<String, INDArray> feeds, Collection<String> names) {
    try {
      return graph.output(feeds, names).values().stream().allMatch(NotFinite::isFinite);
    } catch (IllegalArgumentException e) {
      return true; // nothing is known of a sample that cannot stand alone
    }
  }

  private static boolean isFinite(INDArray array) {
    return Double.isFinite(Doubles.total(array));
  }

  private static Map<String, INDArray> sample(
      Map<String, INDArray> feeds, Map<String, Integer> axes, long n) {
    Map<String, INDArray> one = new LinkedHashMap<>();
    feeds.forEach(
        (name, array) -> {
          Integer axis = axes.get(name);
          one.put(name, axis == null ? array : part(array, axis, n).dup());
        });
    return one;
  }

  /** One sample's part, its sample axis kept. */
  private static INDArray part(INDArray array, int axis, long n) {
    INDArrayIndex[] indices = new INDArrayIndex[array.rank()];
    for (int k = 0; k < indices.length; k++) {
      indices[k] = k == axis ? NDArrayIndex.interval(n, n + 1) : NDArrayIndex.all();
    }
    return array.get(indices);
  }
}
