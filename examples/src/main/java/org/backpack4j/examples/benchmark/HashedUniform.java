package org.backpack4j.examples.benchmark;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Numbers in [0, 1) by a hash of a stream's number and the index in the stream. Every language with
 * integers of 64 bits can make the same ones.
 */
final class HashedUniform {

  private static final long MASK = 0xFFFFFFFFL;

  private HashedUniform() {}

  static float[] of(long stream, int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      long h = ((i + 1) * 2654435761L + stream * 40503) & MASK;
      h ^= h >> 16;
      h = (h * 73244475) & MASK;
      h ^= h >> 16;
      h = (h * 73244475) & MASK;
      h ^= h >> 16;
      values[i] = (float) (h / 4294967296.0);
    }
    return values;
  }

  static INDArray array(long stream, long... shape) {
    int length = Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
    return Nd4j.createFromArray(of(stream, length)).reshape('c', shape);
  }
}
