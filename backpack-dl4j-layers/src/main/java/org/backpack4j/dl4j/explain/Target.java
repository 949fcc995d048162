package org.backpack4j.dl4j.explain;

import java.util.Arrays;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Which scores are explained. */
final class Target {
  static final Target PREDICTED = new Target(Kind.PREDICTED, new int[0], null, null);

  private final Kind kind;

  /** Of the kind {@code LISTED} the classes, of {@code OF_EACH} one for each sample. */
  private final int[] classes;

  /** Where, if the output has more than an axis of classes; negative ones count from the end. */
  private final long @Nullable [] position;

  /** Of the kind {@code WEIGHTED}, weights of all scores. */
  private final @Nullable INDArray weights;

  private Target(Kind kind, int[] classes, long @Nullable [] position, @Nullable INDArray weights) {
    this.kind = kind;
    this.classes = classes;
    this.position = position;
    this.weights = weights;
  }

  enum Kind {
    PREDICTED,
    LISTED,
    OF_EACH,
    ALL,
    WEIGHTED
  }

  /**
   * What was chosen for a batch.
   *
   * @param classes for each sample the classes [N][K]; −1 for weighted scores
   * @param weights for each of the K the weights of all scores [N, …]
   */
  record Chosen(int[][] classes, INDArray[] weights) {}

  Target with(Kind other, int... numbers) {
    return new Target(other, numbers.clone(), position, null);
  }

  Target weighing(INDArray all) {
    return new Target(Kind.WEIGHTED, new int[0], null, all);
  }

  Target at(long... where) {
    return new Target(kind, classes, where.clone(), weights);
  }

  /** Chooses of the scores of a batch [N, …]. */
  Chosen of(INDArray scores, int classAxis) {
    int samples = Math.toIntExact(scores.size(0));
    DataType type = scores.dataType();
    if (kind == Kind.WEIGHTED) {
      int[][] none = new int[samples][1];
      Arrays.stream(none).forEach(n -> n[0] = -1);
      return new Chosen(none, new INDArray[] {fit(scores)});
    }
    int[][] chosen = classes(scores, classAxis, samples);
    INDArray[] selectors = new INDArray[chosen[0].length];
    for (int k = 0; k < selectors.length; k++) {
      selectors[k] = Nd4j.zeros(type, scores.shape());
      for (int n = 0; n < samples; n++) {
        selectors[k].putScalar(place(scores, classAxis, n, chosen[n][k]), 1);
      }
    }
    return new Chosen(chosen, selectors);
  }

  private INDArray fit(INDArray scores) {
    INDArray given = Objects.requireNonNull(weights).castTo(scores.dataType());
    long[] one = Arrays.copyOfRange(scores.shape(), 1, scores.rank());
    if (Arrays.equals(given.shape(), scores.shape())) {
      return given.dup('c');
    }
    if (Arrays.equals(given.shape(), one)) {
      long[] first = scores.shape().clone();
      first[0] = 1;
      return given.reshape(first).broadcast(scores.shape()).dup('c');
    }
    throw new IllegalArgumentException(
        "The weights have the shape %s; the scores have %s: one weight for each score, of all samples or of each."
            .formatted(Arrays.toString(given.shape()), Arrays.toString(scores.shape())));
  }

  private int[][] classes(INDArray scores, int classAxis, int samples) {
    int count = scores.rank() == 1 ? 1 : Math.toIntExact(scores.size(classAxis));
    int[][] chosen = new int[samples][];
    for (int n = 0; n < samples; n++) {
      chosen[n] =
          switch (kind) {
            case PREDICTED -> new int[] {best(scores, classAxis, n, count)};
            case LISTED -> classes.clone();
            case OF_EACH -> new int[] {ofSample(n, samples)};
            default -> IntStream.range(0, count).toArray();
          };
      for (int c : chosen[n]) {
        if (c < 0 || c >= count) {
          throw new IllegalArgumentException(
              "There is no class %d: the output has the classes 0 to %d.".formatted(c, count - 1));
        }
      }
    }
    return chosen;
  }

  private int ofSample(int n, int samples) {
    if (classes.length != samples) {
      throw new IllegalArgumentException(
          "There are %d classes for %d samples: classOfEach(…) wants one for each."
              .formatted(classes.length, samples));
    }
    return classes[n];
  }

  private int best(INDArray scores, int classAxis, int n, int count) {
    int best = 0;
    for (int c = 1; c < count; c++) {
      if (scores.getDouble(place(scores, classAxis, n, c))
          > scores.getDouble(place(scores, classAxis, n, best))) {
        best = c;
      }
    }
    return best;
  }

  /** Where a sample's score of a class is. */
  private long[] place(INDArray scores, int classAxis, int sample, int c) {
    long[] place = new long[scores.rank()];
    place[0] = sample;
    if (scores.rank() == 1) {
      return place;
    }
    place[classAxis] = c;
    long[] where = position;
    int positions = scores.rank() - 2;
    if ((where == null ? 0 : where.length) != positions) {
      throw new IllegalArgumentException(
          "The scores have the shape %s: %s"
              .formatted(
                  Arrays.toString(scores.shape()),
                  positions == 0
                      ? "there are no positions to choose by position(…)."
                      : "choose where by position(…) with "
                          + positions
                          + (positions == 1 ? " index" : " indices")
                          + ", or weigh them by weights(…)."));
    }
    int k = 0;
    for (int axis = 1; where != null && axis < place.length; axis++) {
      if (axis != classAxis) {
        long extent = scores.size(axis);
        long index = where[k] < 0 ? where[k] + extent : where[k];
        if (index < 0 || index >= extent) {
          throw new IllegalArgumentException(
              "There is no position %d: the scores have the shape %s."
                  .formatted(where[k], Arrays.toString(scores.shape())));
        }
        place[axis] = index;
        k++;
      }
    }
    return place;
  }
}
