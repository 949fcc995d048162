package org.backpack4j.examples.blocks;

import java.util.Arrays;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * PyTorch's defaults: weights and biases uniform within 1 / sqrt(fan-in), normalisations neutral.
 * The same seed gives the same values.
 */
public final class UniformInitializer implements Initializer {

  private final Random random;

  /**
   * A sequence of its own.
   *
   * @param seed where it starts
   */
  public UniformInitializer(long seed) {
    random = new Random(seed);
  }

  @Override
  public INDArray values(String name, Role role, long fanIn, long... shape) {
    return switch (role) {
      case WEIGHT, BIAS -> uniform(1 / Math.sqrt(fanIn), shape);
      case SCALE, RUNNING_VARIANCE -> Nd4j.ones(DataType.FLOAT, shape);
      case SHIFT, RUNNING_MEAN -> Nd4j.zeros(DataType.FLOAT, shape);
    };
  }

  private INDArray uniform(double bound, long... shape) {
    int length = Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) (bound * (2 * random.nextDouble() - 1));
    }
    return Nd4j.createFromArray(values).reshape('c', shape);
  }
}
