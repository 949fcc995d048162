package org.backpack4j.samediff.internal.dataset;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.ExtendedGraph;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What the batches of a data set have to have in common. */
final class BatchLooks {
  /** What is the same in each batch, by the name of the placeholder: its checksum. */
  final Map<String, Long> constants = new TreeMap<>();

  /** The shapes of one sample, by the name of the placeholder. */
  final Map<String, String> shapes = new TreeMap<>();

  /** What was fed last of what is the same in each batch. */
  private final Map<String, INDArray> same = new TreeMap<>();

  /**
   * How batches look.
   *
   * @param constants what is fed without a sample axis, by placeholder: its checksum
   * @param shapes the shapes of a sample, by placeholder
   */
  record Looks(Map<String, Long> constants, Map<String, String> shapes) {}

  /** How a batch looks. */
  Looks of(ExtendedGraph graph, Map<String, INDArray> feeds) {
    Map<String, Integer> axes = graph.sampleAxes();
    Looks looks = new Looks(new TreeMap<>(), new TreeMap<>());
    feeds.forEach(
        (name, array) -> {
          Integer axis = axes.get(name);
          if (axis == null) {
            looks.constants().put(name, checksum(name, array));
          } else {
            long[] shape = array.shape().clone();
            shape[axis] = -1;
            looks.shapes().put(name, Arrays.toString(shape));
          }
        });
    return looks;
  }

  /** The checksum of an array; of the same object as before, it is not made again. */
  private long checksum(String name, INDArray array) {
    Long known = constants.get(name);
    if (known != null && same.get(name) == array) {
      return known;
    }
    same.put(name, array);
    return new Contents().add(array).value();
  }

  /** How all batches so far look. */
  Looks all() {
    return new Looks(constants, shapes);
  }

  /** Keeps how a batch looks, or other batches do. */
  void keep(Looks looks) {
    constants.putAll(looks.constants());
    shapes.putAll(looks.shapes());
  }

  /**
   * What has no samples has to stay the same, and what is averaged needs samples of one shape.
   *
   * @param others how other batches look
   * @param averages whether a quantity is a mean over samples
   * @param where where these are, in an error
   * @throws IllegalArgumentException if they cannot be put together
   */
  void check(Looks others, boolean averages, String where) {
    others
        .constants()
        .forEach(
            (name, checksum) -> {
              Long before = constants.get(name);
              if (before != null && !before.equals(checksum)) {
                throw otherConstant(name, where);
              }
            });
    others
        .shapes()
        .forEach(
            (name, shape) -> {
              String before = shapes.get(name);
              if (averages && before != null && !before.equals(shape)) {
                throw otherShape(name, shape, where, before);
              }
            });
  }

  private static IllegalArgumentException otherConstant(String name, String where) {
    return new IllegalArgumentException(
        "\""
            + name
            + "\" has no sample axis, and is fed something else than "
            + where
            + ": feed the same, or give it a sample axis (sampleAxis(…)).");
  }

  private static IllegalArgumentException otherShape(
      String name, String shape, String where, String before) {
    return new IllegalArgumentException(
        "\""
            + name
            + "\" is of the shape "
            + shape
            + " (−1 stands for the samples), "
            + where
            + " "
            + before
            + ": the inputs' Kronecker factors average over positions, and need samples of one"
            + " shape. Pad them.");
  }
}
