package org.backpack4j.samediff.internal.extend;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.internal.ir.Node;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The uniform random numbers that sampled quantities are fed: a placeholder [N, M], since ND4J's
 * own random ops draw from the person's generator or repeat themselves. Each evaluation gets the
 * next numbers of a sequence that the seed gives.
 */
public final class Noise {
  /** The placeholder's name. */
  public static final String PLACEHOLDER = "backpack.noise";

  private record Slice(Columns columns, Node node, long from, long width) {}

  private final Map<String, Slice> slices = new LinkedHashMap<>();
  private final AtomicLong evaluations = new AtomicLong();
  private final long width;

  /**
   * Shares out the numbers.
   *
   * @param draws for each kind of columns how many numbers a node takes for each sample
   */
  Noise(Map<Columns, Map<Node, Long>> draws) {
    long next = 0;
    for (Map.Entry<Columns, Map<Node, Long>> kind : draws.entrySet()) {
      for (Map.Entry<Node, Long> each : kind.getValue().entrySet()) {
        Slice slice = new Slice(kind.getKey(), each.getKey(), next, each.getValue());
        slices.put(key(slice.columns(), slice.node()), slice);
        next += slice.width();
      }
    }
    this.width = next;
  }

  private static String key(Columns columns, Node node) {
    return columns + "/" + node.name();
  }

  /** The number M of numbers for each sample. */
  public long width() {
    return width;
  }

  /** Where a node's numbers begin. */
  long from(Columns columns, Node node) {
    return slice(columns, node).from();
  }

  /** Where a node's numbers end. */
  long to(Columns columns, Node node) {
    return slice(columns, node).from() + slice(columns, node).width();
  }

  private Slice slice(Columns columns, Node node) {
    Slice slice = slices.get(key(columns, node));
    if (slice == null) {
      throw new IllegalStateException("no random numbers for " + node);
    }
    return slice;
  }

  /**
   * The numbers of the next evaluation, in [0, 1): those that the type would round to one are the
   * largest below it.
   */
  public INDArray next(long samples, DataType type) {
    long evaluation = evaluations.getAndIncrement();
    double[] numbers = new double[Math.toIntExact(Math.multiplyExact(samples, width))];
    for (Slice slice : slices.values()) {
      SplittableRandom random =
          new SplittableRandom(mix(slice.columns().seed(), evaluation, slice.from()));
      for (long n = 0; n < samples; n++) {
        for (long k = slice.from(); k < slice.from() + slice.width(); k++) {
          numbers[(int) (n * width + k)] = belowOne(random.nextDouble(), type);
        }
      }
    }
    INDArray doubles = Nd4j.createFromArray(numbers).reshape(samples, width);
    return doubles.castTo(type);
  }

  /**
   * The numbers of samples of a sequence, each sample's by its place there alone: the same however
   * the sequence is cut into batches.
   *
   * @param first the place of the first sample
   * @param samples how many there are
   */
  public INDArray ofSamples(long first, long samples, DataType type) {
    double[] numbers = new double[Math.toIntExact(Math.multiplyExact(samples, width))];
    for (Slice slice : slices.values()) {
      for (long n = 0; n < samples; n++) {
        SplittableRandom random =
            new SplittableRandom(mix(slice.columns().seed(), first + n, slice.from()));
        for (long k = slice.from(); k < slice.from() + slice.width(); k++) {
          numbers[(int) (n * width + k)] = belowOne(random.nextDouble(), type);
        }
      }
    }
    return Nd4j.createFromArray(numbers).reshape(samples, width).castTo(type);
  }

  /** A number in [0, 1) that is still below one in the type. */
  static double belowOne(double number, DataType type) {
    return Math.min(number, type == DataType.DOUBLE ? Math.nextDown(1.0) : Math.nextDown(1.0f));
  }

  /** One seed of three numbers, by steps of the golden ratio between SplittableRandom's mixes. */
  private static long mix(long seed, long evaluation, long offset) {
    long first = new SplittableRandom(seed).nextLong() + evaluation * 0x9E3779B97F4A7C15L;
    return new SplittableRandom(first).nextLong() + offset * 0xBF58476D1CE4E5B9L;
  }
}
