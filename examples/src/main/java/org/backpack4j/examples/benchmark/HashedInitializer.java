package org.backpack4j.examples.benchmark;

import java.util.Arrays;
import org.backpack4j.examples.blocks.Initializer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Parameter k is made of stream k + 1, buffer k of stream k + 1001: weights uniform with variance 2
 * / fan-in, scales and variances about one, the rest about zero.
 */
public final class HashedInitializer implements Initializer {

  private int parameters = 1;
  private int buffers = 1001;

  @Override
  public INDArray values(String name, Role role, long fanIn, long... shape) {
    int length = Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
    float[] values = HashedUniform.of(role.isBuffer() ? buffers++ : parameters++, length);
    float bound = (float) Math.sqrt(6.0 / fanIn);
    for (int i = 0; i < length; i++) {
      float u = values[i];
      values[i] =
          switch (role) {
            case WEIGHT -> (2 * u - 1) * bound;
            case SCALE -> 1 + 0.1f * (2 * u - 1);
            case BIAS, SHIFT, RUNNING_MEAN -> 0.1f * (2 * u - 1);
            case RUNNING_VARIANCE -> 1 + 0.5f * u;
          };
    }
    return Nd4j.createFromArray(values).reshape('c', shape);
  }
}
