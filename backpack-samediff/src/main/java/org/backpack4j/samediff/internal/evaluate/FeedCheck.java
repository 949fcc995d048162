package org.backpack4j.samediff.internal.evaluate;

import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.extend.Noise;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Checks feeds before anything native runs: M2.1 may crash on shapes that don't fit. */
public final class FeedCheck {
  private FeedCheck() {}

  public static void check(
      Annotations annotations,
      SameDiff graph,
      Map<String, INDArray> feeds,
      Collection<String> names) {
    for (String name : names) {
      if (!graph.hasVariable(name)) {
        throw new IllegalArgumentException("The graph has no variable \"" + name + "\".");
      }
    }
    long samples = -1;
    String first = "";
    for (Map.Entry<String, INDArray> feed : feeds.entrySet()) {
      SDVariable placeholder = graph.getVariable(feed.getKey());
      if (placeholder == null || !placeholder.isPlaceHolder()) {
        throw new IllegalArgumentException(
            "\"" + feed.getKey() + "\" is fed, but the graph has no placeholder of that name.");
      }
      checkShape(placeholder, feed.getValue());
      int axis = sampleAxis(annotations, feed.getKey());
      if (axis < 0) {
        continue;
      }
      long here = feed.getValue().size(axis);
      if (samples >= 0 && here != samples) {
        throw new IllegalArgumentException(
            "\""
                + feed.getKey()
                + "\" is fed "
                + here
                + " samples, \""
                + first
                + "\" "
                + samples
                + ".");
      }
      samples = here;
      first = feed.getKey();
    }
  }

  private static int sampleAxis(Annotations annotations, String placeholder) {
    if (placeholder.equals(Noise.PLACEHOLDER)) {
      return 0;
    }
    BatchAxis place = annotations.knownPlacement(placeholder);
    return place == null ? annotations.emit().sampleAxis(placeholder) : place.axis();
  }

  /** Whether the feeds have no sample. */
  public static boolean isEmpty(Annotations annotations, Map<String, INDArray> feeds) {
    for (Map.Entry<String, INDArray> feed : feeds.entrySet()) {
      int axis = sampleAxis(annotations, feed.getKey());
      if (axis >= 0 && feed.getValue().size(axis) == 0) {
        return true;
      }
    }
    return false;
  }

  /** The number of samples that is fed. */
  public static long samples(Annotations annotations, Map<String, INDArray> feeds) {
    for (Map.Entry<String, INDArray> feed : feeds.entrySet()) {
      int axis = sampleAxis(annotations, feed.getKey());
      if (axis >= 0) {
        return feed.getValue().size(axis);
      }
    }
    throw new IllegalArgumentException(
        "No placeholder with a sample axis is fed: feed the graph's inputs.");
  }

  private static void checkShape(SDVariable placeholder, INDArray array) {
    long[] shape = placeholder.placeholderShape();
    if (array == null) {
      throw new IllegalArgumentException("\"" + placeholder.name() + "\" is fed null.");
    }
    boolean fits = shape == null || shape.length == array.rank();
    for (int k = 0; fits && shape != null && k < shape.length; k++) {
      fits = shape[k] < 0 || shape[k] == array.size(k);
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "\""
              + placeholder.name()
              + "\" is fed an array of shape "
              + Arrays.toString(array.shape())
              + "; its shape is "
              + Arrays.toString(shape)
              + ", −1 standing for the number of samples.");
    }
    if (placeholder.dataType().isFPType() != array.dataType().isFPType()) {
      throw new IllegalArgumentException(
          "\""
              + placeholder.name()
              + "\" is fed an array of type "
              + array.dataType()
              + "; its type is "
              + placeholder.dataType()
              + ".");
    }
  }
}
