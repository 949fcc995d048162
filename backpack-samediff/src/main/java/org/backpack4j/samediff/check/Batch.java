package org.backpack4j.samediff.check;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The feeds as N samples. An array whose extent at the sample axis is a multiple of N holds for
 * each sample a block of entries, one after the other, as labels of shape [N·T, C] for inputs of
 * shape [N, T, F] do; one of extent 1 is shared by all samples.
 */
final class Batch {
  private final Map<String, INDArray> feeds;
  private final Map<String, Integer> blockSizes = new LinkedHashMap<>();
  private final int axis;
  private final int size;

  private Batch(Map<String, INDArray> feeds, int axis, int size) {
    this.feeds = feeds;
    this.axis = axis;
    this.size = size;
  }

  /**
   * Finds the samples: N is the smallest extent, but 1, of the arrays whose placeholder has no
   * fixed extent at the sample axis; of all arrays, if every placeholder's extent is fixed.
   *
   * @param feeds an array for each placeholder
   * @param axis the sample axis of the placeholders
   * @param given N, where the person has said it
   * @throws IllegalArgumentException if N cannot be told
   */
  static Batch of(SameDiff graph, Map<String, INDArray> feeds, int axis, OptionalInt given) {
    Map<String, Long> moving = new LinkedHashMap<>();
    Map<String, Long> fixed = new LinkedHashMap<>();
    feeds.forEach(
        (name, array) -> {
          long[] declared = Feeds.declaredShape(Objects.requireNonNull(graph.getVariable(name)));
          if (array.rank() > axis) {
            boolean moves = declared == null || declared[axis] < 0;
            (moves ? moving : fixed).put(name, array.size(axis));
          }
        });
    Map<String, Long> extents = moving.isEmpty() ? fixed : moving;
    long size =
        given.isPresent()
            ? given.getAsInt()
            : extents.values().stream().mapToLong(e -> e).filter(e -> e > 1).min().orElse(1);
    Batch batch = new Batch(feeds, axis, Math.toIntExact(size));
    extents.forEach(batch::addBlocks);
    if (batch.blockSizes.isEmpty() && size > 1) {
      throw new IllegalArgumentException(
          "No placeholder has "
              + size
              + " samples at axis "
              + axis
              + "; the extents there are "
              + extents
              + ": name the axis with .sampleAxis(…) or the number with .batchSize(…).");
    }
    return batch;
  }

  private void addBlocks(String name, long extent) {
    if (extent % size == 0) {
      blockSizes.put(name, Math.toIntExact(extent / size));
    } else if (extent != 1) {
      throw new IllegalArgumentException(
          "The array fed to \""
              + name
              + "\" has extent "
              + extent
              + " at the sample axis "
              + axis
              + ", which is no multiple of the number of samples, "
              + size
              + ": name that number with .batchSize(…), or the axis with .sampleAxis(…).");
    }
  }

  /** The number of samples N. */
  int size() {
    return size;
  }

  /** The feeds as they are. */
  Map<String, INDArray> feeds() {
    return feeds;
  }

  /** Which arrays are not finite, and where first: a sentence, or nothing. */
  String notFinite() {
    List<String> found = new ArrayList<>();
    feeds.forEach(
        (name, array) -> {
          double[] values = array.dataType().isFPType() ? Arrays64.of(array) : new double[0];
          IntStream.range(0, values.length)
              .filter(k -> !Double.isFinite(values[k]))
              .mapToObj(
                  k ->
                      "\"%s\": %s at %s"
                          .formatted(
                              name, values[k], new Parameter(name, array.shape()).position(k)))
              .findFirst()
              .ifPresent(found::add);
        });
    return found.isEmpty() ? "" : " Fed is " + String.join(", ", found) + ".";
  }

  /** The feeds with sample {@code source(n)} in the place of sample n. */
  Map<String, INDArray> withSamples(IntUnaryOperator source) {
    Map<String, INDArray> changed = new LinkedHashMap<>(feeds);
    blockSizes.forEach(
        (name, block) ->
            changed.put(name, pick(Objects.requireNonNull(feeds.get(name)), block, source)));
    return changed;
  }

  private INDArray pick(INDArray array, int block, IntUnaryOperator source) {
    double[] from = Arrays64.of(array);
    double[] to = new double[from.length];
    int inner = block;
    for (int k = axis + 1; k < array.rank(); k++) {
      inner *= Math.toIntExact(array.size(k));
    }
    for (int start = 0; start < to.length; start += inner) {
      int sample = start / inner % size;
      int begin = start + (source.applyAsInt(sample) - sample) * inner;
      System.arraycopy(from, begin, to, start, inner);
    }
    return Nd4j.createFromArray(to).reshape('c', array.shape()).castTo(array.dataType());
  }
}
